"""One program a misuse of memory, with what each mode of a heap makes of it.

The first comments of each C file say it, a line a mode (`checked:`, `hardened:`, `normal:`, or `all:`):

    not noticed      the program goes on and ends with 0
    exit 1           the program itself found that the misuse succeeded
    signal 11        the processor noticed
    depends on chance    either it is not noticed, or the process aborts
    anything else    the exact line that it must end with, without `neap: `, 0x... for any address

By hand: python3 -m pytest tests/misuse [-k NAME]. NEAP_BUILD is the folder with libneap.so.
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
MODES = ["normal", "hardened", "checked"]


def compiled(source, folder):
    program = folder / source.stem
    command = [os.environ.get("CC", "cc"), "-std=c11", "-O1", "-Wall", "-Werror", "-I", str(ROOT / "include"),
               "-o", str(program), str(source), "-L", str(BUILD), "-lneap", "-Wl,-rpath," + str(BUILD)]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return program


def expectations(source):
    """What the first comments of a program say of each mode."""
    said = {}
    for line in itertools.takewhile(lambda line: line.startswith("//"), source.read_text().splitlines()):
        text = line[2:].strip()
        mode, colon, outcome = text.partition(": ")
        if colon and mode in MODES + ["all"]:
            last = mode
            said[mode] = outcome
        else:
            said[last] += " " + text
    return {mode: said["all"] for mode in MODES} if "all" in said else said


def without_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def pattern(line):
    """The expected line as an expression: any address fits 0x..."""
    return re.escape(line).replace(re.escape("0x..."), "0x[0-9a-f]+") + "\n"


@pytest.mark.parametrize("source", PROGRAMS, ids=lambda source: source.stem)
def test_misuse(source, tmp_path):
    program, expected = compiled(source, tmp_path), expectations(source)
    assert set(expected) == set(MODES), "it does not say what each mode makes of it"
    for mode in MODES:
        ended = subprocess.run([program, mode], capture_output=True, text=True, timeout=60, preexec_fn=without_core)
        compare(mode, expected[mode], ended)


def compare(mode, expected, ended):
    assert ended.stdout == "misused\n", "%s: it ended before its time: %s" % (mode, ended.stderr)
    if expected == "depends on chance":
        assert ended.returncode in (0, -signal.SIGABRT), mode
    elif expected == "not noticed":
        assert (ended.returncode, ended.stderr) == (0, ""), mode
    elif re.fullmatch("exit [0-9]+", expected):
        assert (ended.returncode, ended.stderr) == (int(expected[5:]), ""), mode
    elif re.fullmatch("signal [0-9]+", expected):
        assert (ended.returncode, ended.stderr) == (-int(expected[7:]), ""), mode
    else:
        assert ended.returncode == -signal.SIGABRT, "%s: exit %d, %s" % (
            mode, ended.returncode, ended.stderr or "without a word")
        assert re.fullmatch(pattern("neap: " + expected), ended.stderr), "%s: %s" % (mode, ended.stderr)


def test_pattern_is_exact():
    """The comparison itself: another figure, another word, a line more are seen."""
    expected = pattern("neap: double free of block 0x... (size class 80): it was freed before")
    good = "neap: double free of block 0x7f00ab10 (size class 80): it was freed before\n"
    assert re.fullmatch(expected, good)
    for bad in (good.replace("80", "96"), good.replace("0x7f00ab10", "nil"), good + "more\n", good[:-1]):
        assert not re.fullmatch(expected, bad)
