"""Runs one child and tells what it took: wall and CPU seconds, its lines, its RSS over time.

The clock is around the whole process, from just before it is made until it is gone. Its CPU
time is that of the process and of what it waited for, from the kernel.
"""
import json
import os
import signal
import threading
import time

TIMEOUT_S = 600.0
SAMPLE_S = 0.02


class Failed(Exception):
    """A child that ended otherwise than with 0; the text is its last line."""


class Outcome:
    def __init__(self, wall_s, cpu_s, text, samples):
        self.wall_s, self.cpu_s, self.text, self.samples = wall_s, cpu_s, text, samples

    def lines(self):
        """The JSON objects the child printed."""
        return [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]


def sampler(pid, samples, stop):
    """Puts (monotonic seconds, RSS in KiB) into samples until told to stop or the child ends."""
    page_kb = os.sysconf("SC_PAGE_SIZE") // 1024
    try:
        with open("/proc/%d/statm" % pid, "rb", buffering=0) as statm:
            while not stop.wait(SAMPLE_S):
                statm.seek(0)
                samples.append((time.monotonic(), int(statm.read(200).split()[1]) * page_kb))
    except (OSError, IndexError):
        return  # the child has ended


def give_up(pid, stop):
    if not stop.wait(TIMEOUT_S):
        os.kill(pid, signal.SIGKILL)  # not yet waited for, so the number is still its


def start(command, environment, out, err):
    null = os.open(os.devnull, os.O_RDONLY)
    try:
        return os.posix_spawnp(command[0], command, environment, file_actions=[
            (os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, out, 1),
            (os.POSIX_SPAWN_DUP2, err, 2)])
    finally:
        os.close(null)


def contents(handle):
    return os.pread(handle, os.fstat(handle).st_size, 0).decode(errors="replace")


def run(command, environment, sample=False):
    """Runs the command to its end. Raises Failed."""
    out, err = os.memfd_create("out"), os.memfd_create("err")
    stop, samples, threads, pid = threading.Event(), [], [], None
    try:
        began = time.perf_counter()
        pid = start(command, environment, out, err)
        threads.append(threading.Thread(target=give_up, args=(pid, stop)))
        if sample:
            threads.append(threading.Thread(target=sampler, args=(pid, samples, stop)))
        for thread in threads:
            thread.start()
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        wall_s = time.perf_counter() - began
        stop.set()
        for thread in threads:
            thread.join()
        _, status, used = os.wait4(pid, 0)
        pid = None
        if status:
            raise Failed(reason(status, contents(err)))
        return Outcome(wall_s, used.ru_utime + used.ru_stime, contents(out), samples)
    finally:
        stop.set()
        if pid:  # the bench itself is ended: nothing goes on without it
            os.kill(pid, signal.SIGKILL)
            os.wait4(pid, 0)
        os.close(out)
        os.close(err)


def reason(status, complaint):
    last = (complaint.strip().splitlines() or [""])[-1]
    if os.WIFSIGNALED(status):
        return "ended by signal %d %s" % (os.WTERMSIG(status), last)
    return "exit %d %s" % (os.WEXITSTATUS(status), last)
