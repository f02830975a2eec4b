"""One program a misuse of memory, each with the exact line that it must end with.

The first comment of each C file names that line, with 0x... for any address
(`// dies: neap: ...`), or says `// ends well`. By hand: python3 -m pytest
tests/misuse [-k NAME]. NEAP_BUILD is the folder with libneap.so.
"""
import itertools
import os
import re
import resource
import signal
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = Path(os.environ.get("NEAP_BUILD", ROOT / "build")).resolve()
PROGRAMS = sorted(HERE.glob("*.c"))


def compiled(source, folder):
    program = folder / source.stem
    command = [os.environ.get("CC", "cc"), "-std=c11", "-O1", "-Wall", "-Werror", "-I", str(ROOT / "include"),
               "-o", str(program), str(source), "-L", str(BUILD), "-lneap", "-Wl,-rpath," + str(BUILD)]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return program


def expectation(source):
    """The first comment of a program, on one line."""
    lines = itertools.takewhile(lambda line: line.startswith("//"), source.read_text().splitlines())
    return " ".join(line[2:].strip() for line in lines)


def without_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def pattern(line):
    """The expected line as an expression: any address fits 0x..."""
    return re.escape(line).replace(re.escape("0x..."), "0x[0-9a-f]+") + "\n"


@pytest.mark.parametrize("source", PROGRAMS, ids=lambda source: source.stem)
def test_misuse(source, tmp_path):
    expected = expectation(source)
    ended = subprocess.run([compiled(source, tmp_path)], capture_output=True, text=True, timeout=60,
                           preexec_fn=without_core)
    assert ended.stdout == "misused\n", "it ended before its time: %s" % ended.stderr
    if expected == "ends well":
        assert (ended.returncode, ended.stderr) == (0, "")
        return
    assert expected.startswith("dies: neap: ")
    assert ended.returncode == -signal.SIGABRT, "exit %d, %s" % (ended.returncode, ended.stderr or "without a word")
    assert re.fullmatch(pattern(expected[len("dies: "):]), ended.stderr), ended.stderr


def test_pattern_is_exact():
    """The comparison itself: another figure, another word, a line more are seen."""
    expected = pattern("neap: double free of block 0x... (size class 80): it was freed before")
    good = "neap: double free of block 0x7f00ab10 (size class 80): it was freed before\n"
    assert re.fullmatch(expected, good)
    for bad in (good.replace("80", "96"), good.replace("0x7f00ab10", "nil"), good + "more\n", good[:-1]):
        assert not re.fullmatch(expected, bad)
