"""What C code has freed goes back too: in a program that rests, and in one that is busy at any rhythm."""
import os

import pytest

from support import describe, few_pythons, needs_neap, program, run

pytestmark = [needs_neap, few_pythons]


@pytest.mark.parametrize("age, gap", [(0, "rest"), (0, "0.01"), (1.5, "0.5")])
def test_free_memory_of_c_code_goes_back(python, age, gap):
    result = run(python, program("c_memory.py"), str(age), gap, "20")
    assert result.returncode == 0 and result.stderr == "", describe(result)
    taken, _, left = map(float, result.stdout.split())
    assert taken > 100 and left < taken / 5, describe(result)


def test_it_goes_back_with_a_closed_standard_stream(python):
    """The helper opens no file then, and goes on."""
    result = run(python, program("c_memory.py"), "0", "rest", "20", before=lambda: os.close(0))
    assert result.returncode == 0 and result.stderr == "", describe(result)
    taken, _, left = map(float, result.stdout.split())
    assert taken > 100 and left < taken / 5, describe(result)


def test_without_a_helper_it_stays(python):
    """NEAP_HELPER=0: nobody asks libc. (It shows that libc keeps it by itself.)"""
    result = run(python, program("c_memory.py"), "0", "0.1", "6", NEAP_HELPER="0")
    assert result.returncode == 0, describe(result)
    taken, _, left = map(float, result.stdout.split())
    assert left > taken * 4 / 5, describe(result)
