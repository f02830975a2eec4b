"""What the behaviour tests share: the setting they run under, targets, and khugepaged's work.

    GUEST_SETTING   name of the row of scenarios.SETTINGS that is in force
    GUEST_KERNEL    the suite whose kernel runs
"""
import contextlib
import json
import mmap
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

from scenarios import SETTINGS, THP  # noqa: E402
from support import NEAP, clean_environment, end_session, under_neap  # noqa: E402

NAME = os.environ.get("GUEST_SETTING", "as-booted")
SETTING = SETTINGS[NAME]
MILLION = 1000000
MB = 1000000
USER = 65534
PATIENCE = 300  # seconds until something counts as hung: emulation is slow

in_guest = pytest.mark.skipif("GUEST_SETTING" not in os.environ, reason="changes settings of the system: for guests")


def as_user(who):
    """Keywords for subprocess that run a command as root or as an ordinary user."""
    return {"user": USER, "group": USER, "extra_groups": []} if who == "user" else {}


class Target:
    """target.py under Neap, asked line by line."""

    def __init__(self, who="root", **environment):
        command = under_neap("/usr/bin/python3", HERE / "target.py")
        build = NEAP.parent
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=clean_environment(PYTHONPATH=str(build / "python"), **environment), cwd="/",
            start_new_session=True, **as_user(who))
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_session(self.process)

    def ask(self, line):
        """The program's answer; a program that ends instead fails the test and says how."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            status = self.process.wait(PATIENCE)
            pytest.fail("the target ended at `%s`, exit %s: %s" % (line, status, self.process.stderr.read()[-2000:]))
        return answer

    def do(self, line):
        assert self.ask(line) == "done", "after `%s`" % line

    def memory(self):
        return json.loads(self.ask("memory"))

    def assert_unharmed(self):
        """It goes on, holds what it held, is not stopped and has no tracer."""
        self.do("check")
        status = Path("/proc/%d/status" % self.pid).read_text()
        assert "TracerPid:\t0\n" in status and "State:\tT" not in status and "State:\tt" not in status, status


def neap(verb, *words, who="root"):
    """One verb of the tool on behalf of somebody, to its end."""
    return subprocess.run([str(NEAP), verb, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE,
                          cwd="/", env=clean_environment(), **as_user(who))


def khugepaged(name):
    return Path(THP + "khugepaged/" + name)


@contextlib.contextmanager
def khugepaged_without_rest():
    """Where this may be set; elsewhere it rests as inside.py has it."""
    sleep = khugepaged("scan_sleep_millisecs")
    before = sleep.read_text()
    try:
        sleep.write_text("0")
        yield
        sleep.write_text(before)
    except OSError:
        yield


def let_khugepaged_work():
    """Waits for as many full scans of khugepaged as ten minutes of its default pace can hold at most.

    By default it wakes every 10 s (scan_sleep_millisecs) and looks at 4096 pages (pages_to_scan), and in
    one waking it comes to the start of its list twice at most (khugepaged_do_scan in mm/khugepaged.c):
    600 s / 10 s * 2 = 120 full scans. Here it rests for a moment only and looks at 65,536 pages a
    time (inside.py), and so 120 full scans take seconds; each looks at every address range that it may
    fill with huge pages. It works only while some process has such a range: this one has.
    """
    if "[never]" in Path(THP + "enabled").read_text():
        return
    mine = mmap.mmap(-1, 4 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    mine.madvise(mmap.MADV_HUGEPAGE)
    mine[:] = b"x" * len(mine)
    goal = int(khugepaged("full_scans").read_text()) + 120
    deadline = time.monotonic() + PATIENCE
    with khugepaged_without_rest():
        while int(khugepaged("full_scans").read_text()) < goal:
            assert time.monotonic() < deadline, "khugepaged does not work: the test shows nothing"
            time.sleep(0.1)
    mine.close()
