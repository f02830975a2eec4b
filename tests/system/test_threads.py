"""More than one thread, more than one GIL, and threads without it."""
import re
import shutil
import signal
import subprocess

import pytest

from support import assert_ok, describe, every_python, needs_neap, program, pythons, run

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


@pytest.mark.parametrize("python", pythons(versions=WITH_OWN_GIL))
def test_forks_of_a_shared_heap(python):
    assert_ok(run(python, "-W", "ignore", program("fork_shared.py")))


@pytest.fixture(scope="module")
def without_gil(tmp_path_factory):
    """The library of C code that takes memory without the GIL."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    library = tmp_path_factory.mktemp("without_gil") / "without_gil.so"
    subprocess.run(["cc", "-O1", "-Wall", "-shared", "-fPIC", program("without_gil.c"), "-o", library], check=True)
    return library


@every_python
@pytest.mark.parametrize("settings", [{}, {"NEAP_DECAY_MS": "1"}], ids=["plain", "short decay"])
def test_blocks_of_more_than_512_bytes_without_the_gil(python, without_gil, settings):
    assert_ok(run(python, program("without_gil.py"), without_gil, "1", **settings))


@every_python
def test_blocks_of_more_than_512_bytes_without_the_gil_checked(python, without_gil):
    assert_ok(run(python, program("without_gil.py"), without_gil, "0", NEAP_CHECK="1"))


MISUSE = """
import ctypes
held, released = ctypes.PyDLL({0!r}), ctypes.CDLL({0!r})
for library in held, released:
    library.take.restype, library.take.argtypes, library.give.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
print("misused", flush=True)
{1}
"""


@every_python
@needs_neap
@pytest.mark.parametrize("call, said", [
    ("released.take(70)", "allocation of 70 bytes"),
    ("released.give(held.take(512))", "free of 512 bytes"),
    ("released.give(held.take(513)); held.give(held.take(70))", None),
], ids=["allocation", "free", "none"])
def test_small_blocks_without_the_gil_are_named(python, without_gil, call, said):
    result = run(python, "-c", MISUSE.format(str(without_gil), call), NEAP_CHECK="1")
    assert result.stdout == "misused\n", describe(result)
    assert result.returncode == (-signal.SIGABRT if said else 0), describe(result)
    line = said and r"neap: %s without the GIL, called from without_gil\.so\+0x[0-9a-f]+\n" % said
    assert re.fullmatch(line or "", result.stderr), describe(result)
