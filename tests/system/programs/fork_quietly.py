"""Forks in every way that CPython warns of since 3.12, from a program without threads of its own.

Run with -W error::DeprecationWarning: any warning ends it.
"""
import os
import pty
import subprocess
import sys
import time

import witness
import work


def by_fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0


def by_forkpty():
    pid, master = pty.fork()
    if pid == 0:
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    os.close(master)


def by_preexec():
    assert subprocess.call([sys.executable, "-S", "-c", "pass"], preexec_fn=os.getpid) == 0


def by_multiprocessing():
    import multiprocessing
    process = multiprocessing.get_context("fork").Process(target=work.churn, args=(1, 1, 20))
    process.start()
    process.join()
    assert process.exitcode == 0


def main():
    witness.must_serve()
    seen = 0  # how often a second thread, the purger, was there just before the fork
    for settle, pause in ((0, 0), (0, 0.05), (0, 0.12), (1.1, 0.02)):  # in seconds
        for fork in (by_fork, by_forkpty, by_preexec, by_multiprocessing):
            time.sleep(settle)
            garbage = work.burst(12)
            del garbage
            time.sleep(pause)
            seen += len(witness.threads()) > 1
            fork()
    print("ok" if seen or witness.BASELINE else "no purger was ever there: nothing was tried")


main()
