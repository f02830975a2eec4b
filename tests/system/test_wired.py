"""A program that locks its memory (mlockall) locks what it uses, and not what the heap holds ready."""
import os
import resource

import pytest

from support import MIB, describe, few_pythons, needs_neap, program, run

pytestmark = [needs_neap, few_pythons]


def grown(python, flags, neap, **more):
    result = run(python, program("wired.py"), flags, neap=neap, **more)
    assert result.returncode == 0 and result.stderr == "", describe(result)
    return [int(word) for word in result.stdout.split()]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may lock so much")
@pytest.mark.parametrize("flags", [1, 2, 3, 5])
def test_what_is_locked_is_in_use(python, flags):
    plain, ours = grown(python, flags, False), grown(python, flags, True)
    assert ours[0] < plain[0] + 3 * MIB, (plain, ours)
    assert ours[1] < plain[1] * 1.2 + 3 * MIB, (plain, ours)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives up being root")
def test_under_a_limit(python, tmp_path):
    """A limit that is enough for the program itself is enough under Neap."""
    def lower():
        os.setgid(65534)
        os.setuid(65534)
    most = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    if most not in (resource.RLIM_INFINITY, -1) and most < 400 * MIB:
        pytest.skip("RLIMIT_MEMLOCK is %d and cannot be raised here" % most)
    limits = {resource.RLIMIT_MEMLOCK: 400 * MIB}
    plain = run(python, program("wired.py"), 1, neap=False, limits=limits, before=lower)
    if plain.returncode != 0:
        pytest.skip("the user cannot run this Python, or the program needs more: " + plain.stderr[-200:])
    ours = run(python, program("wired.py"), 1, limits=limits, before=lower)
    assert ours.returncode == 0, describe(ours)
