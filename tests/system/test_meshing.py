"""Sparse pages share memory: memory that goes, what every verb says of it, and where meshing stays off."""
import json
import os
import subprocess
from pathlib import Path

import pytest

from support import MIB, NEAP, Talk, assert_ok, clean_environment, describe, every_python, needs_neap, program, pythons, run, wait_until
import witness

pytestmark = needs_neap
LATEST = max((found.values[0] for found in pythons() if found.values[0]), key=lambda python: python.version)
latest_python = pytest.mark.parametrize("python", [LATEST], ids=str)

# Keeps one string in a hundred of 300,000, and answers by lines.
SURVIVORS = """
import os, random, sys
random.seed(1)
kept = [text for text in [str(random.random()) + "x" * 20 for n in range(300000)] if random.random() < 0.01]
known = hash(tuple(kept))
print(os.getpid(), flush=True)
for line in sys.stdin:
    exec(line)
    print(hash(tuple(kept)) == known and "ok", flush=True)
"""


def stat(pid):
    done = subprocess.run([NEAP, "stat", "--json", str(pid)], capture_output=True, text=True, timeout=60,
                          env=clean_environment())
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["stats"]


def said(*words):
    done = subprocess.run([NEAP, *map(str, words)], capture_output=True, text=True, timeout=120, env=clean_environment())
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def survivors(python):
    with Talk(python.path, "-c", SURVIVORS) as talk:
        pid = int(talk.hear())
        yield talk, pid


@every_python
def test_memory_goes_by_itself(survivors):
    talk, pid = survivors
    meshed = wait_until(lambda: stat(pid)["meshed_bytes"] > 8 * MIB and stat(pid), 60, "meshing")
    wait_until(lambda: witness.memory_bytes("Pss", pid) < 16 * MIB, 10, "Pss to come down")  # without meshing: over 40
    assert meshed["meshed_bytes"] < meshed["resident_bytes"]
    wait_until(lambda: int(Path("/proc/%d/coredump_filter" % pid).read_text(), 16) & 4, 10, "core dumps to be whole")
    talk.say("")
    assert talk.hear() == "ok"  # every string is what it was


@latest_python
def test_every_verb_reads_a_meshed_heap(survivors):
    talk, pid = survivors
    wait_until(lambda: stat(pid)["meshed_bytes"] > 8 * MIB, 60, "meshing")
    assert "str in __main__.kept" in said("pins", pid)
    looked = json.loads(said("look", "--json", pid))
    assert looked["schema"] == "neap.look/1"
    assert "Neap's heap" in said("map", pid)
    assert "meshed" in said("stat", pid) and "stops of the threads, to share memory between pages" in said("stat", pid)
    meshing = json.loads(said("stat", "--json", pid))["meshing"]
    assert 0 < meshing["longest_stop_ns"] <= meshing["stop_ns"] and meshing["stops"] > 0
    talk.say("")
    assert talk.hear() == "ok"


@latest_python
def test_trim_meshes_at_once(python):
    with Talk(python.path, "-c", SURVIVORS, NEAP_DECAY_MS="3600000") as talk:
        pid = int(talk.hear())
        # A thread that cannot be stopped in time, on a busy machine, leaves something to the next.
        wait_until(lambda: said("trim", pid) and stat(pid)["meshed_bytes"] > 8 * MIB, 60, "meshing")
        talk.say("")
        assert talk.hear() == "ok"


@latest_python
def test_forks_of_a_meshed_process(survivors):
    talk, pid = survivors
    wait_until(lambda: stat(pid)["meshed_bytes"] > 8 * MIB, 60, "meshing")
    talk.say("child = os.fork(); child == 0 and os._exit(hash(tuple(kept)) != known); "
             "known = os.waitpid(child, 0)[1] or known")
    assert talk.hear() == "ok"


# A filter that allows everything, for the process from its start on, and a ring of io_uring, both by ctypes.
FILTER = """
import ctypes, os, sys
code = ctypes.create_string_buffer((6).to_bytes(2, "little") + bytes(2) + (0x7fff0000).to_bytes(4, "little"), 8)
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
rules = Program(1, ctypes.addressof(code))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(rules), 0, 0) == 0
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
"""
RING = """
import ctypes
ring = ctypes.CDLL(None).syscall(425, 4, ctypes.create_string_buffer(120))
"""


@latest_python
@pytest.mark.parametrize("before, words", [(FILTER, "a filter of system calls (seccomp)"), (RING, "io_uring"),
                                           ("import os; os.close(2)\n", "standard input, output or error is closed")],
                         ids=["filter", "ring", "stream"])
def test_where_it_stays_off(python, before, words):
    words_of_python = [before, SURVIVORS] if before is FILTER else [before + SURVIVORS]
    with Talk(python.path, "-c", *words_of_python) as talk:
        pid = int(talk.hear())
        if before is RING and not os.path.exists("/proc/sys/kernel/io_uring_disabled"):
            pytest.skip("this kernel has no io_uring, or not since it can be forbidden")
        wait_until(lambda: words in said("stat", pid), 60, "the reason")
        assert stat(pid)["meshed_bytes"] == 0
        talk.say("")
        assert talk.hear() == "ok"


@latest_python
def test_off_if_asked_for(python):
    with Talk(python.path, "-c", SURVIVORS, NEAP_MESH="0") as talk:
        pid = int(talk.hear())
        said("trim", pid)
        assert stat(pid)["meshed_bytes"] == 0


@every_python
def test_a_realistic_program(python):
    result = run(python, program("realistic.py"), "1500", NEAP_DECAY_MS="1")
    assert (result.returncode, result.stderr) == (0, ""), describe(result)


@latest_python
def test_kernel_writes(python, tmp_path):
    """The soak has it for minutes, in a build that meshes at every chance (soak.py)."""
    assert_ok(run(python, program("kernel_writes.py"), "3", str(tmp_path)))


# Meshes again and again: each round keeps one string in a hundred of others.
MESHES_ON = """
import os, random
import neap
print(os.getpid(), flush=True)
while True:
    kept = [text for text in [str(random.random()) + "x" * 20 for n in range(200000)] if random.random() < 0.01]
    neap.trim()
"""


@latest_python
def test_looks_between_the_stops(python):
    """A stop for meshing is no debugger: whoever looks comes after it."""
    with Talk(python.path, "-c", MESHES_ON) as talk:
        pid = int(talk.hear())
        for _ in range(25):
            assert json.loads(said("look", "--json", pid))["schema"] == "neap.look/1"
            assert "Neap's heap" in said("map", pid)
        before = json.loads(said("stat", "--json", pid))["meshing"]["stops"]
        wait_until(lambda: json.loads(said("stat", "--json", pid))["meshing"]["stops"] > before, 60, "more stops")
