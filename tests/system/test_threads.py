"""More than one thread, more than one GIL."""
import pytest

from support import assert_ok, every_python, program, pythons, run

WITH_OWN_GIL = [(3, minor) for minor in range(12, 16)]  # isolated sub-interpreters, each with a GIL


@every_python
def test_fifty_threads(python):
    assert_ok(run(python, program("threads.py")))


@pytest.mark.parametrize("python", pythons(versions=WITH_OWN_GIL))
def test_isolated_interpreters(python):
    assert_ok(run(python, program("subinterpreters.py"), "12"))


@pytest.mark.parametrize("python", pythons(versions=WITH_OWN_GIL))
def test_isolated_interpreters_checked(python):
    assert_ok(run(python, program("subinterpreters.py"), "3", NEAP_CHECK="1"))


@every_python
def test_fifty_threads_checked(python):
    assert_ok(run(python, program("threads.py"), NEAP_CHECK="1"))
