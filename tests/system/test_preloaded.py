"""A library that is preloaded already stays the first, and both work."""
import glob
import os
import subprocess

import pytest

from support import BUILD, debian_python, describe, needs_neap, program, run_command

SANITIZED = "sanitize" in str(BUILD) or any(name in BUILD.name for name in ("asan", "tsan"))

pytestmark = [needs_neap, pytest.mark.skipif(SANITIZED, reason="two sanitizers in one process")]


def library(pattern):
    found = sorted(glob.glob("/usr/lib/*/" + pattern))
    if not found:
        pytest.skip("there is no " + pattern)
    return found[0]


ALONE = "import os; print('ok', 'neap-preload' in open('/proc/self/maps').read())"
WITH_CHILD = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', %r]).returncode)" % ALONE


@pytest.mark.parametrize("code", [ALONE, WITH_CHILD], ids=["alone", "child"])
@pytest.mark.parametrize("which", ["libasan", "libjemalloc.so.2", "libmimalloc.so.2*"])
def test_a_library_that_is_preloaded_stays_the_first(which, code):
    if which == "libasan":
        first = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True).stdout.strip()
        if not os.path.isabs(first):
            pytest.skip("gcc has no libasan.so")
    else:
        first = library(which)
    result = run_command("/usr/bin/python3", "-c", code, LD_PRELOAD=first, ASAN_OPTIONS="detect_leaks=0")
    assert (result.returncode, result.stdout, result.stderr) == (0, "ok True\n", ""), describe(result)


@pytest.mark.parametrize("which", ["libjemalloc.so.2", "libmimalloc.so.2*"])
def test_beside_another_allocator_memory_goes_back(which):
    result = run_command(debian_python().path, program("filtered.py"), "none", LD_PRELOAD=library(which))
    assert (result.returncode, result.stdout, result.stderr) == (0, "ok\n", ""), describe(result)
