"""CPython's own tests nearest to memory, with Neap and without: Neap adds no failure.

All of the suite: cpython_suite.py, by `./dev check cpython`.
"""
import subprocess
import sys

import pytest

import cpython_suite
from support import LONG, all_pythons, clean_environment, debian_python, describe, needs_neap

pytestmark = needs_neap

SECONDS = 600  # against a hang; it takes about one and a half minutes


def parameters():
    """Debian's interpreter; in the long run every one that comes with its test suite."""
    first = debian_python() or (all_pythons() or [None])[-1]
    wanted = [python for python in all_pythons() if not python.free_threaded] if LONG else [first]
    return [pytest.param(python, id=str(python)) for python in wanted]


@pytest.mark.parametrize("python", parameters())
def test_quick_suite(python):
    if python is None or not cpython_suite.modules_of(python.path):
        pytest.skip("%s comes without CPython's test suite" % python)
    command = [sys.executable, cpython_suite.__file__, "--quick", "--python", python.path]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS,
                           env=clean_environment(NEAP_BUILD=str(cpython_suite.BUILD)))
    assert ended.returncode == 0, describe(ended)


def side(*failures):
    return cpython_suite.Side(set(failures), 10, set(), 0.1)


@pytest.mark.parametrize("neap, plain, added", [
    ([side("a"), side("a"), side("a")], [side(), side(), side()], {"a"}),
    ([side("a"), side("a"), side("a")], [side("a")], set()),  # fails in any case
    ([side("a"), side(), side("a")], [side(), side(), side()], set()),  # flaky
    ([side("a"), side("a"), side("a")], [side(), side("a"), side()], set()),  # flaky without Neap
    ([side("m: killed by SIGSEGV"), side(), side()], [side(), side(), side()], {"m: killed by SIGSEGV"}),
    ([side("test.test_sys.SysModuleTest.test_getallocatedblocks")] * 3, [side()] * 3, set()),
])
def test_comparison(monkeypatch, neap, plain, added):
    """The judgement itself, on sides made up."""
    rest = {True: iter(neap), False: iter(plain)}
    monkeypatch.setattr(cpython_suite, "run_module", lambda *arguments: next(rest[arguments[3]]))
    assert cpython_suite.Comparison("python3", "m", (), 60, lazy=False).added == added
