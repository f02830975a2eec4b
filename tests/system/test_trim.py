"""`neap trim PID`: what can go, goes at once, and the process goes on."""
import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from test_stat import neap_stat
from support import MIB, NEAP, Talk, clean_environment, every_python, needs_neap, program, wait_until

pytestmark = needs_neap

LONG = {"NEAP_DECAY_MS": "3600000"}  # nothing goes by itself


def trim(*words, timeout=30):
    return subprocess.run([NEAP, "trim", *map(str, words)], capture_output=True, text=True, timeout=timeout,
                          env=clean_environment())


def do(talk, line):
    talk.say(line)
    return talk.hear()


def stop(pid):
    """Stops every thread of a process; it takes its time on a busy machine."""
    os.kill(pid, signal.SIGSTOP)
    for task in Path("/proc/%d/task" % pid).iterdir():
        while (task / "stat").read_text().rsplit(")", 1)[1].split()[0] != "T":
            time.sleep(0.01)


def rss(pid):
    with open("/proc/%d/statm" % pid) as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


@every_python
def test_it_gives_back_at_once(python):
    with Talk(python.path, program("hold.py"), **LONG) as talk:
        do(talk, "burst 60")
        do(talk, "drop")
        do(talk, "sleep 0.5")
        before = rss(talk.pid)
        dirty = neap_stat(talk.pid)["stats"]["dirty_bytes"]
        assert dirty > 40 * MIB  # else there is nothing to show
        done = trim("--json", talk.pid)
        assert (done.returncode, done.stderr) == (0, "")
        found = json.loads(done.stdout)
        assert (found["schema"], found["pid"]) == ("neap.trim/1", talk.pid)
        assert found["trimmed_bytes"] >= 0.95 * dirty
        assert before - rss(talk.pid) >= 0.9 * found["trimmed_bytes"]
        stats = neap_stat(talk.pid)
        assert stats["stats"]["dirty_bytes"] < MIB
        assert stats["events"][0]["cause"] == "trim"
        do(talk, "burst 20")  # and it goes on
        assert talk.end() == 0


def test_text_and_a_second_time():
    with Talk("/usr/bin/python3", program("hold.py"), **LONG) as talk:
        do(talk, "sleep 0.2")
        do(talk, "burst 20")
        do(talk, "drop")
        do(talk, "sleep 0.3")
        amounts = []
        for _ in range(2):
            done = trim(talk.pid)
            line = re.fullmatch(r"process %d \(python3\S*\): ([\d.]+) (k?M?B) given back\n" % talk.pid, done.stdout)
            assert (done.returncode, done.stderr) == (0, "") and line, done
            amounts.append(float(line[1]) * {"B": 1, "kB": 1e3, "MB": 1e6}[line[2]])
        assert amounts[0] > 15 * MIB and amounts[1] < MIB, amounts


def test_many_at_once():
    """Each of them is answered, whoever asks at the same time."""
    with Talk("/usr/bin/python3", program("hold.py"), **LONG) as talk:
        do(talk, "sleep 0.2")
        do(talk, "burst 20")
        do(talk, "drop")
        do(talk, "sleep 0.3")
        results = []
        threads = [threading.Thread(target=lambda: results.append(trim(talk.pid))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [done.returncode for done in results] == [0] * 6, results


def test_no_helper_no_answer():
    with Talk("/usr/bin/python3", program("hold.py"), NEAP_HELPER="0") as talk:
        do(talk, "pid")
        done = trim(talk.pid)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("neap: process %d " % talk.pid) and done.stderr.count("\n") == 1
        assert "neap.trim()" in done.stderr


def test_a_process_that_hardly_needed_a_helper():
    """It has next to nothing to give, and nobody waits for an answer. Where starting took long, it has a helper."""
    with Talk("/usr/bin/python3", program("hold.py")) as talk:
        do(talk, "pid")
        started = time.monotonic()
        done = trim(talk.pid)
        assert (done.returncode, done.stderr) == (0, ""), done
        assert re.search(r": [\d.]+ k?B given back$", done.stdout.strip()), done
        assert time.monotonic() - started < 4  # the time-out is 5
        assert neap_stat(talk.pid)["stats"]["dirty_bytes"] < 4 * MIB


def test_a_stopped_process_answers_later():
    with Talk("/usr/bin/python3", program("hold.py"), **LONG) as talk:
        do(talk, "sleep 0.2")
        do(talk, "burst 10")
        do(talk, "drop")
        do(talk, "sleep 0.3")
        stop(talk.pid)
        asking = subprocess.Popen([NEAP, "trim", str(talk.pid)], stdout=subprocess.PIPE, text=True)
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                asking.wait(1)
        finally:
            os.kill(talk.pid, signal.SIGCONT)
        out, _ = asking.communicate(timeout=10)
        assert asking.returncode == 0 and "given back" in out


def test_the_process_ends_meanwhile():
    with Talk("/usr/bin/python3", program("hold.py"), **LONG) as talk:
        do(talk, "sleep 0.2")
        do(talk, "burst 10")
        do(talk, "drop")
        do(talk, "sleep 0.3")  # it has its helper now, and is asked
        stop(talk.pid)
        asking = subprocess.Popen([NEAP, "trim", str(talk.pid)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with pytest.raises(subprocess.TimeoutExpired):
            asking.wait(0.3)
        os.kill(talk.pid, signal.SIGKILL)
        _, err = asking.communicate(timeout=10)
        assert asking.returncode == 4 and err.count("\n") == 1 and "it has ended" in err


@every_python
def test_a_forked_child(python):
    """Its helper comes back with its first need, and answers for it alone."""
    body = ("import os, sys, time\nif os.fork() == 0:\n    time.sleep(1.2)\n"
            "    kept = [str(i) for i in range(300000)]\n    del kept\n"
            "    print(os.getpid(), flush=True)\n    time.sleep(60)\nos.wait()")
    with Talk(python.path, "-c", body, **LONG) as talk:
        child = int(talk.hear())
        assert neap_stat(child)["stats"]["dirty_bytes"] > 5 * MIB
        done = wait_until(lambda: (lambda now: now.returncode == 0 and now)(trim("--json", child)), 20, "an answer")
        assert json.loads(done.stdout)["trimmed_bytes"] > 5 * MIB
        os.kill(child, signal.SIGKILL)
