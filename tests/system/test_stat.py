"""`neap stat PID`: a heap seen from outside, without its help."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from support import BUILD, NEAP, Talk, clean_environment, every_python, needs_64_bits, needs_neap, program, wait_until

pytestmark = needs_neap


def neap_stat(pid):
    """What `neap stat --json` prints."""
    done = subprocess.run([NEAP, "stat", "--json", str(pid)], capture_output=True, text=True, timeout=30,
                          env=clean_environment())
    assert (done.returncode, done.stderr) == (0, ""), done
    return json.loads(done.stdout)


MEMBERS = ["live_bytes", "cached_bytes", "free_bytes", "dirty_bytes", "clean_bytes", "resident_bytes", "meshed_bytes", "peak_bytes",
           "reserved_bytes", "metadata_bytes", "live_blocks", "purged_bytes", "refaulted_bytes", "purges", "purge_ns",
           "slabs", "runs", "regions", "pins"]
CAUSES = {"decay", "idle", "trim", "fork", "limit", "high_water"}


def stat(*words):
    return subprocess.run([NEAP, "stat", *map(str, words)], capture_output=True, text=True, timeout=30,
                          env=clean_environment())


def do(talk, line):
    talk.say(line)
    return talk.hear()


@pytest.fixture
def held(python):
    with Talk(python.path, program("hold.py")) as talk:
        do(talk, "pid")
        yield talk


def assert_refused(done, code, *parts):
    assert (done.returncode, done.stdout) == (code, ""), done
    assert done.stderr.startswith("neap: ") and done.stderr.count("\n") == 1
    for part in parts:
        assert part in done.stderr, done.stderr


# ---- what it says ---------------------------------------------------------------------

@every_python
def test_the_figures_fit_together(held):
    do(held, "burst 40")
    found = neap_stat(held.pid)
    stats, classes = found["stats"], found["classes"]
    assert found["schema"] == "neap.stat/1" and found["pid"] == held.pid and found["rejected_units"] == 0
    assert list(stats) == MEMBERS
    assert stats["resident_bytes"] == sum(stats[part + "_bytes"] for part in ("live", "cached", "free", "dirty"))
    assert stats["resident_bytes"] <= stats["peak_bytes"]
    assert stats["slabs"] == sum(one["slabs"] for one in classes)
    assert stats["pins"] == sum(one["pins"] for one in classes)
    assert stats["live_blocks"] == sum(one["used_blocks"] for one in classes) + stats["runs"]
    assert stats["cached_bytes"] == sum(one["cached_blocks"] * one["block_bytes"] for one in classes)
    for one in classes:
        assert one["used_blocks"] + one["cached_blocks"] <= one["blocks"]
        assert one["used_bytes"] == one["used_blocks"] * one["block_bytes"]


@every_python
def test_the_figures_follow_the_program(held):
    before = neap_stat(held.pid)["stats"]
    do(held, "burst 40")
    full = neap_stat(held.pid)["stats"]
    assert full["live_bytes"] - before["live_bytes"] > 30 << 20
    assert full["live_blocks"] - before["live_blocks"] > 300000
    do(held, "drop")
    after = wait_until(lambda: (lambda now: now["dirty_bytes"] < 4 << 20 and now)(neap_stat(held.pid)["stats"]),
                       10, "dirty pages to be given back")
    assert after["live_bytes"] - before["live_bytes"] < 4 << 20
    assert after["purged_bytes"] > 30 << 20 and after["purges"] > 0 and after["purge_ns"] > 0
    last = neap_stat(held.pid)  # of one moment: the purger goes on
    events = last["events"]
    assert sum(event["bytes"] for event in events) <= last["stats"]["purged_bytes"]
    assert {event["cause"] for event in events} <= CAUSES
    assert [event["at_ms"] for event in events] == sorted((event["at_ms"] for event in events), reverse=True)


@every_python
def test_resident_bytes_are_what_the_system_counts(held):
    """The heap's own belief against the kernel's: what it says is in memory is in memory."""
    do(held, "burst 60")
    grown = [neap_stat(held.pid)["stats"]["resident_bytes"], resident(held.pid)]
    do(held, "burst 60")
    grown = [neap_stat(held.pid)["stats"]["resident_bytes"] - grown[0], resident(held.pid) - grown[1]]
    assert abs(grown[0] - grown[1]) < 3 << 20, grown


def resident(pid):
    with open("/proc/%d/statm" % pid) as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


@every_python
def test_text_is_for_people(held):
    do(held, "burst 10")
    done = stat(held.pid)
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stdout.startswith("process %d (python" % held.pid)
    for word in ("live", "cached", "free", "dirty", "resident", "clean", "given back", "pins", "slabs", "fill"):
        assert re.search(r"\b%s\b" % word, done.stdout), word


@every_python
def test_inside_and_outside_agree(python):
    """neap.stats() and `neap stat` at one moment: while the program waits for a line."""
    if python.minor < (3, 11):
        pytest.skip("the Python package needs 3.11")
    body = ("import neap, sys\nkeep = [str(i) * 5 for i in range(50000)]\nfor line in sys.stdin:\n"
            "    print(dict(zip(neap.Stats.__match_args__, neap.stats())), flush=True)")
    with Talk(python.path, "-c", body, NEAP_DECAY_MS="3600000") as talk:
        talk.say()
        talk.hear()
        talk.say()
        inside = eval(talk.hear())
        outside = neap_stat(talk.pid)["stats"]
        for name in ("slabs", "runs", "regions", "purged_bytes", "purges"):
            assert inside[name] == outside[name], name
        assert 0 <= outside["peak_bytes"] - inside["peak_bytes"] < 1 << 16  # printing the figures may raise it
        assert abs(inside["live_bytes"] + inside["cached_bytes"] - outside["live_bytes"] - outside["cached_bytes"]) < 1 << 16
        assert abs(inside["resident_bytes"] - outside["resident_bytes"]) < 1 << 16


def test_watch_ends_with_the_process():
    with Talk("/usr/bin/python3", program("hold.py")) as talk:
        do(talk, "pid")
        watching = subprocess.Popen([NEAP, "stat", "--json", "--watch", "0.05", str(talk.pid)], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)
        talk.end()
        out, err = watching.communicate(timeout=10)
    reader, documents = json.JSONDecoder(), []
    while out.strip():
        document, end = reader.raw_decode(out.lstrip())
        documents.append(document)
        out = out.lstrip()[end:]
    assert (watching.returncode, err) == (0, "") and len(documents) >= 3
    assert {document["schema"] for document in documents} == {"neap.stat/1"}


def test_it_reads_while_the_heap_changes():
    """No stop, no lock: what it catches in the middle of a change it counts and leaves out."""
    body = ("import random\nkept = []\nwhile True:\n    kept.append('x' * random.randrange(4000))\n"
            "    if len(kept) > 20000: del kept[::2]")
    with Talk("/usr/bin/python3", "-c", body) as talk:
        time.sleep(0.5)
        for _ in range(100):
            found = neap_stat(talk.pid)
            assert found["rejected_units"] <= 0.05 * found["units"] + 3


def test_the_library_may_be_deleted_meanwhile(tmp_path):
    for name in ("neap", "libneap-preload.so"):
        shutil.copy2(BUILD / name, tmp_path / name)
    process = subprocess.Popen([tmp_path / "neap", "run", "/usr/bin/python3", "-c", "print(1, flush=True); input()"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_environment())
    process.stdout.readline()
    (tmp_path / "libneap-preload.so").unlink()
    try:
        assert neap_stat(process.pid)["stats"]["live_blocks"] > 1000
    finally:
        process.communicate("\n", timeout=10)


# ---- what it refuses ---------------------------------------------------------------------

@pytest.fixture
def plain(request):
    """Starts a command as it is; it prints a line when it is up."""
    started = []

    def start(*command, **environment):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True,
                                   stderr=subprocess.DEVNULL, env=clean_environment(**environment))
        started.append(process)
        process.stdout.readline()
        return process.pid

    yield start
    for process in started:
        process.kill()
        process.communicate()


WAIT = "print(flush=True); input()"


@needs_64_bits
@every_python
def test_a_python_without_neap(python, plain):
    pid = plain(python.path, "-c", WAIT)
    name = os.path.basename(os.path.realpath(python.path))
    done = subprocess.run([NEAP, "trim", str(pid)], capture_output=True, text=True)
    assert done.stderr == "neap: process %d (%s) is not under Neap: start it with `neap run`\n" % (pid, name)
    assert (done.returncode, done.stdout) == (4, "")
    shown = stat(pid)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "on its own allocator" in shown.stdout.splitlines()[0]


@needs_64_bits
def test_a_python_that_neap_does_not_serve(plain):
    pid = plain(NEAP, "run", "/usr/bin/python3", "-c", WAIT, PYTHONMALLOC="malloc")
    for done in stat(pid), stat("--json", pid):
        assert (done.returncode, done.stderr) == (0, "")
        assert "PYTHONMALLOC=malloc" in done.stdout, "the reason why Neap does not serve it"
    pid = plain(NEAP, "run", "/usr/bin/python3", "-c", WAIT, NEAP_OFF="1")
    assert "NEAP_OFF" in stat(pid).stdout


def test_no_python(plain):
    assert_refused(stat(plain("/bin/sh", "-c", "echo; read x")), 4, "no Python")
    assert_refused(stat(plain(NEAP, "run", "/bin/sh", "-c", "echo; read x")), 4, "no Python")


def test_no_such_process():
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert_refused(stat(ended.pid), 4, str(ended.pid))
    zombie = os.fork()
    if zombie == 0:
        os._exit(0)
    try:
        os.waitid(os.P_PID, zombie, os.WEXITED | os.WNOWAIT)
        assert_refused(stat(zombie), 4, str(zombie))
    finally:
        os.waitpid(zombie, 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
def test_another_users_process():
    process = subprocess.Popen([NEAP, "run", "/usr/bin/python3", "-c", WAIT], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True, env=clean_environment())
    process.stdout.readline()
    folder = tempfile.mkdtemp()  # where another user can reach it
    os.chmod(folder, 0o755)
    copy = shutil.copy2(NEAP, folder)
    try:
        for verb in ("stat", "trim"):
            done = subprocess.run([copy, verb, str(process.pid)], capture_output=True, text=True, user=65534,
                                  group=65534, extra_groups=[], cwd="/")
            assert_refused(done, 3, "not permitted", "another user's", "sudo neap %s %d" % (verb, process.pid))
    finally:
        shutil.rmtree(folder)
        process.communicate("\n", timeout=10)


def test_a_stopped_process_is_read():
    with Talk("/usr/bin/python3", program("hold.py")) as talk:
        do(talk, "pid")
        os.kill(talk.pid, signal.SIGSTOP)
        try:
            assert neap_stat(talk.pid)["stats"]["live_blocks"] > 1000
        finally:
            os.kill(talk.pid, signal.SIGCONT)


def test_an_anchor_that_lies(tmp_path):
    """A process with a library of our name and noise behind the magic: one line, no crash."""
    if not shutil.which("cc"):
        pytest.skip("needs a C compiler")
    source, library = tmp_path / "liar.c", tmp_path / "libneap-preload.so"
    source.write_text('__attribute__((aligned(16))) char liar[4096] = "neap-heap-anchor\\2";')
    subprocess.run(["cc", "-shared", "-o", library, source], check=True)
    process = subprocess.Popen([sys.executable, "-c", WAIT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               env=clean_environment(LD_PRELOAD=str(library)))
    process.stdout.readline()
    try:
        assert_refused(stat(process.pid), 1, "impossible size")
    finally:
        process.communicate("\n", timeout=10)
