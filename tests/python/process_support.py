"""What the tests of the package in fresh processes share: every Python it is for, programs that must pass there,
and what holds for each of its extension modules.

A program finds `resident`, `attempt` and the other helpers of inside_process.py imported.
"""
import re
import subprocess
from pathlib import Path

import pytest

from support import BUILD, all_pythons, clean_environment, pythons

HERE = Path(__file__).resolve().parent
PACKAGE = BUILD / "python" / "neap"
VERSIONS = [(3, minor) for minor in range(11, 16)]

served = pytest.mark.parametrize("python", pythons(versions=VERSIONS))
isolating = pytest.mark.parametrize("python", pythons(versions=VERSIONS[1:]))  # with a GIL an interpreter
needs_containers = pytest.mark.skipif(not (PACKAGE / "_map.abi3.so").exists(),
                                      reason="the package is built without its containers")


def newest():
    return [one for one in all_pythons() if one.minor in VERSIONS][-1]


def environment(**extra):
    return clean_environment(PYTHONPATH=f"{BUILD / 'python'}:{HERE}", **extra)


def command(python, body):
    """Its words: every warning in `body` is an error."""
    return [python.path, "-W", "error", "-c", "from inside_process import *\n" + body]


def passes(python, body):
    """The program comes to its end, and has nothing to say on the way."""
    done = subprocess.run(command(python, body + "\nprint('ok')"), capture_output=True, text=True, timeout=120,
                          env=environment())
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", ""), done.stderr


def says(python, body):
    """The words that the program prints."""
    return subprocess.run(command(python, body), capture_output=True, text=True, timeout=60, check=True,
                          env=environment()).stdout.split()


def assert_stable_abi(module):
    """Every symbol of CPython's that an extension wants is in the stable ABI; it shows its entry alone."""
    listing = subprocess.run(["nm", "-D", PACKAGE / f"{module}.abi3.so"], capture_output=True, text=True).stdout
    wanted = set(re.findall(r" U (_?Py\w+)", listing))
    # Private names that the ABI's own macros and headers come down to.
    own = {"_Py_Dealloc", "_Py_NoneStruct", "_Py_TrueStruct", "_Py_FalseStruct", "_Py_NotImplementedStruct", "_PyObject_New",
           "_PyObject_GC_New"}
    assert wanted and {name for name in wanted if name.startswith("_Py") and not name.endswith("_SizeT")} <= own
    assert re.findall(r" T (\w+)", listing) == [f"PyInit_{module}"]
