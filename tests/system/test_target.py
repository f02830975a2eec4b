"""What `neap` is aimed at: one program in one process, which is as it was after it was looked at."""
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from support import MIB, NEAP, PROGRAMS, clean_environment, debian_python, needs_64_bits, needs_neap, wait_until

pytestmark = [needs_neap, needs_64_bits]
PATIENCE_S = 120
SOURCES = Path(__file__).resolve().parent.parent.parent / "src"


def neap(*words, **more):
    return subprocess.run([NEAP, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE_S,
                          env=clean_environment(), **more)


# --- a target that executes one program after the other -------------------------------------------

@pytest.fixture
def storm(tmp_path):
    """The folder and the process of programs/exec_storm.c."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    program = tmp_path / "exec_storm"
    subprocess.run(["cc", "-I", SOURCES, "-o", program, PROGRAMS / "exec_storm.c"], check=True)
    process = subprocess.Popen([program, tmp_path])
    try:
        wait_until(lambda: (tmp_path / "laps").exists(), 30, "the first turn")
        yield tmp_path, process
    finally:
        process.kill()
        process.wait()


def laps(folder):
    return (folder / "laps").stat().st_size


def test_a_trim_never_writes_into_the_next_program(storm):
    folder, process = storm
    begun, codes = time.monotonic(), set()
    while time.monotonic() - begun < 6:
        runs = [subprocess.Popen([NEAP, "trim", str(process.pid)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env=clean_environment()) for _ in range(4)]
        for run in runs:
            out, error = run.communicate(timeout=PATIENCE_S)
            codes.add(run.returncode)
            assert error.count(b"\n") == 1, error
    assert not (folder / "hit").exists(), "another program was written to"
    assert laps(folder) > 100 and process.poll() is None
    assert codes <= {1, 3, 4} and 4 in codes, codes


@pytest.mark.parametrize("verb", ["stat", "look", "map"])
def test_looking_leaves_it_running(storm, verb):
    folder, process = storm
    begun = time.monotonic()
    while time.monotonic() - begun < 4:
        done = neap(verb, process.pid)
        assert done.returncode in (0, 1, 3, 4), done.stderr
        assert done.returncode == 0 or done.stderr.count("\n") == 1, done.stderr
    before = laps(folder)
    wait_until(lambda: laps(folder) > before + 20, 30, "twenty more turns")
    assert not (folder / "hit").exists()


# --- looking changes nothing ----------------------------------------------------------------------

FORKED = """
import mmap, os, sys
kept = ["a text of its own, number %d" % number for number in range(150000)]
table = {text: number for number, text in enumerate(kept)}
zeros = mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
zeros[5] = 1
untouched = mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
zeros.find(b"a")
os.fork()
sys.stdout.write("%d\\n" % os.getpid())
sys.stdout.flush()
sys.stdin.read()
"""
# But for shares in files, which are others' as well.
FIGURES = re.compile(r"^(Rss|Pss_Anon|Pss_Dirty|Shared_Dirty|Private_Dirty|Anonymous|AnonHugePages|Swap|SwapPss|VmPTE|VmRSS|"
                     r"VmSwap|RssAnon|RssFile):\s+\d+ kB$", re.MULTILINE)


def figures(pid):
    texts = [Path("/proc/%d/%s" % (pid, name)).read_text() for name in ("smaps_rollup", "status")]
    return [found.group() for text in texts for found in FIGURES.finditer(text)]


def waits_for_input(pid):
    return "pipe_read" in Path("/proc/%d/wchan" % pid).read_text()


@pytest.fixture(params=["pymalloc", "neap"])
def forked(request):
    """A Python that shares its memory with the one that forked it, and has read pages that it never wrote. No
    helper thread gives anything back meanwhile, in either of them."""
    words = [NEAP, "run", "--"] if request.param == "neap" else []
    process = subprocess.Popen([*words, debian_python().path, "-c", FORKED], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True, env=clean_environment(NEAP_HELPER="0"))
    try:
        both = {int(process.stdout.readline()) for _ in range(2)}
        for pid in both:
            wait_until(lambda: waits_for_input(pid), PATIENCE_S, "process %d to wait" % pid)
        both.remove(process.pid)
        yield both.pop()
    finally:
        process.communicate("", timeout=PATIENCE_S)


@pytest.mark.parametrize("words", [["stat"], ["look"], ["look", "--no-pause"], ["look", "--low-memory"], ["pins"], ["map"],
                                   ["map", "--low-memory"], ["advise"]], ids=" ".join)
def test_the_process_is_as_it_was(forked, words):
    before = figures(forked)
    assert any(line.startswith("Shared_Dirty") for line in before) and len(before) > 10
    done = neap(*words, forked)
    assert done.returncode == 0, done.stderr
    assert figures(forked) == before


# --- a target that ends while it is held ------------------------------------------------------------

LARGE = """
import sys, threading
kept = [(number, str(number)) for number in range(300000)]
threading.Thread(target=threading.Event().wait, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


def is_held(pid):
    return Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()[0] == "t"


def reader_stopped(verb, pid):
    """A neap that stands still amid reading a process that it holds: as late as this machine permits."""
    for delay_ms in (200, 100, 50, 20, 5, 0):
        run = subprocess.Popen([NEAP, verb, "--low-memory", str(pid)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env=clean_environment(), start_new_session=True)
        while not is_held(pid) and run.poll() is None:
            time.sleep(0.001)
        time.sleep(delay_ms / 1000)
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGSTOP)
            if is_held(pid):
                return run
            os.killpg(run.pid, signal.SIGCONT)
        run.communicate(timeout=PATIENCE_S)
    pytest.fail("neap was done each time before it could be stopped")


@pytest.mark.parametrize("verb", ["look", "pins", "map", "advise"])
def test_nothing_is_told_of_a_process_that_ended_while_it_was_held(verb):
    """And whoever waits for it does not wait for neap."""
    process = subprocess.Popen([debian_python().path, "-c", LARGE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               env=clean_environment())
    try:
        assert process.stdout.readline() == "ready\n"
        run = reader_stopped(verb, process.pid)
        process.kill()
        os.killpg(run.pid, signal.SIGCONT)
        process.wait(PATIENCE_S)
        out, error = run.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
    assert (run.returncode, out, error.count("\n")) == (4, "", 1), (out, error)


# --- pages of zeros -------------------------------------------------------------------------------

ZEROS = """
import sys
kept = bytes(3 << 30)
kept.count(b"a")
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("verb", ["look", "map"])
def test_pages_that_were_only_read_cost_nothing(verb):
    process = subprocess.Popen([debian_python().path, "-c", ZEROS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               env=clean_environment())
    try:
        assert process.stdout.readline() == "ready\n"
        run = subprocess.Popen([NEAP, verb, "--json", str(process.pid)], stdout=subprocess.DEVNULL, env=clean_environment())
        _, status, usage = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
    finally:
        process.communicate("", timeout=PATIENCE_S)
    assert run.returncode == 0
    assert usage.ru_maxrss * 1024 < 300 * MIB
