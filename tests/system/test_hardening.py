"""What the binaries are built with, read from them: a fault in what reads hostile bytes ends the program."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support import NEAP, clean_environment

BUILD = NEAP.parent
SHARED = [BUILD / "libneap.so.0", BUILD / "libneap-preload.so"]

pytestmark = pytest.mark.skipif(shutil.which("readelf") is None, reason="there is no readelf (binutils)")


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], capture_output=True, text=True, check=True).stdout


def segments(path):
    """(type, flags) of each program header."""
    for line in readelf("-l", path).splitlines():
        found = re.match(r"\s+([A-Z_]+)\s+0x\S+ 0x\S+ 0x\S+ 0x\S+ 0x\S+ ([R ][W ][E ])", line)
        if found:
            yield found[1], found[2].replace(" ", "")


def test_the_program_lies_at_any_address():
    """Static or not: nobody knows beforehand where its code is."""
    assert re.search(r"Type:\s+DYN", readelf("-h", NEAP))
    if "INTERP" not in dict(segments(NEAP)):
        assert "FLAGS_1" in readelf("-d", NEAP) and "PIE" in readelf("-d", NEAP)


def start_of_program():
    """The lowest address of neap's own file in a process of it."""
    with subprocess.Popen([NEAP, "stat", "--watch", "60", str(os.getpid())], stdout=subprocess.PIPE, env=clean_environment()) as process:
        process.stdout.read(1)
        lines = Path("/proc/%d/maps" % process.pid).read_text().splitlines()
        process.kill()
    return min(line.split("-")[0] for line in lines if line.endswith(str(NEAP)))


def test_the_program_is_at_another_address_each_time():
    if Path("/proc/sys/kernel/randomize_va_space").read_text().strip() == "0":
        pytest.skip("kernel.randomize_va_space is 0")
    assert len({start_of_program() for _ in range(4)}) > 1


@pytest.mark.parametrize("path", [NEAP, *SHARED], ids=lambda path: path.name)
def test_nothing_is_both_written_and_executed(path):
    flags = list(segments(path))
    assert ("GNU_STACK", "RW") in flags
    assert not [pair for pair in flags if "W" in pair[1] and "E" in pair[1]]


@pytest.mark.parametrize("path", [NEAP, SHARED[0]], ids=lambda path: path.name)
def test_code_and_constants_lie_apart(path):
    """Not in the preloaded library: each mapping more is a cost at the start of every program."""
    assert {("LOAD", "RE"), ("LOAD", "R")} <= set(segments(path))


@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.name)
def test_addresses_of_functions_are_read_only_after_start(path):
    assert "GNU_RELRO" in dict(segments(path))
    assert "BIND_NOW" in readelf("-d", path) or "Flags: NOW" in readelf("-d", path)


@pytest.mark.parametrize("path", [NEAP, *SHARED], ids=lambda path: path.name)
def test_stacks_are_guarded(path):
    assert "__stack_chk_fail" in readelf("-s", path)


@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.name)
def test_string_functions_are_checked(path):
    """The preloaded library has those functions itself, because it also loads where glibc is not (hook/fortified.c)."""
    assert re.search(r"__\w+_chk", readelf("-s", path).replace("__stack_chk_fail", ""))
