"""Whole programs in the checking and the hardened mode, and that it finds misuse through CPython's own functions."""
import re
import signal
import subprocess

import pytest

from support import clean_environment, describe, few_pythons, needs_neap, program, run

# Through ctypes, as a faulty extension module would: {0} is what is done with a block of 500 bytes.
# The interpreter itself takes blocks of that size class too rarely for one to become the freed block's next owner.
MISUSE = """
import ctypes, sys
api = ctypes.pythonapi
api.PyObject_Malloc.restype = api.PyObject_Realloc.restype = ctypes.c_void_p
api.PyObject_Malloc.argtypes = [ctypes.c_size_t]
api.PyObject_Realloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
api.PyObject_Free.argtypes = [ctypes.c_void_p]
block = api.PyObject_Malloc(500)
print("misused", flush=True)
{0}
"""
FOUND = {
    "double free": ("api.PyObject_Free(block); api.PyObject_Free(block)",
                    r"neap: double free of block 0x[0-9a-f]+ \(size class 512\): it was freed before"),
    "interior free": ("api.PyObject_Free(block + 16)",
                      r"neap: free of 0x[0-9a-f]+: inside block 0x[0-9a-f]+ \(size class 512\), not its start"),
    "write past the end": ("ctypes.memset(block, 1, 501); api.PyObject_Free(block)",
                           r"neap: write past the end of block 0x[0-9a-f]+ "
                           r"\(size class 512, 500 bytes asked\): byte 500 overwritten"),
    "write after free": ("api.PyObject_Free(block); ctypes.memset(block + 5, 1, 1)\n"
                         "for n in range(10 ** 6): [n]",
                         r"neap: write after free of block 0x[0-9a-f]+ \(size class 512\): byte 5 changed"),
    "realloc of a freed block": ("api.PyObject_Free(block); api.PyObject_Realloc(block, 600)",
                                 r"neap: double realloc of block 0x[0-9a-f]+ \(size class 512\): it was freed before"),
}


def plain(python, *arguments):
    """What the interpreter does by itself."""
    return subprocess.run([python.path, *arguments], capture_output=True, text=True, timeout=120,
                          env=clean_environment(NEAP_BASELINE="1")).stdout


@few_pythons
@pytest.mark.parametrize("settings", [{}, {"NEAP_CHECK": "1"}, {"NEAP_HARDEN": "1"}, {"NEAP_HELPER": "0"}, {"NEAP_DECAY_MS": "1"}],
                         ids=["plain", "check", "harden", "no helper", "short decay"])
def test_realistic_program(python, settings):
    result = run(python, program("realistic.py"), "1500", **settings)
    assert (result.returncode, result.stderr) == (0, ""), describe(result)
    assert result.stdout == plain(python, program("realistic.py"), "1500")


@few_pythons
@pytest.mark.parametrize("mode", ["NEAP_CHECK", "NEAP_HARDEN"])
def test_forks(python, mode):
    result = run(python, program("pool.py"), "fork", **{mode: "1"})
    assert (result.returncode, result.stdout, result.stderr) == (0, "ok\n", ""), describe(result)


@few_pythons
@needs_neap
@pytest.mark.parametrize("kind", FOUND)
def test_misuse_is_found(python, kind):
    find(python, kind, "NEAP_CHECK")


HARDENED = dict(FOUND)
del HARDENED["write past the end"]
HARDENED["write after free"] = (  # noticed when the block is handed out again, after a random time
    "api.PyObject_Free(block); ctypes.memset(block + 5, 1, 1)\n"
    "for n in range(30000): api.PyObject_Free(api.PyObject_Malloc(500))", FOUND["write after free"][1])
HARDENED["realloc of a freed block"] = (FOUND["realloc of a freed block"][0],
                                        r"neap: realloc of 0x[0-9a-f]+: no block in use starts there")


@few_pythons
@needs_neap
@pytest.mark.parametrize("kind", HARDENED)
def test_misuse_is_found_by_the_hardened_mode(python, kind):
    find(python, kind, "NEAP_HARDEN", HARDENED)


def find(python, kind, mode, found=FOUND):
    action, line = found[kind]
    result = run(python, "-c", MISUSE.format(action), **{mode: "1"})
    assert result.stdout == "misused\n", describe(result)
    assert result.returncode == -signal.SIGABRT, describe(result)
    assert re.fullmatch(line + "\n", result.stderr), describe(result)
