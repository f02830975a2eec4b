"""Children made without fork handlers, by a bare system call or glibc's _Fork: they use the heap and end.

    fork_bare.py call|_Fork COUNT

CPython itself knows nothing of such a fork, so the child has one thread and does little.
"""
import ctypes
import os
import signal
import sys
import time

import witness
import work

SYS_FORK = 57  # x86_64
SECONDS = 30  # a child that has not ended by then hangs


def child():
    signal.alarm(SECONDS)
    text = work.burst(3)
    assert text[-1][1]["n"] == len(text) - 1
    del text
    sys.exit(0)  # destructors run: the helper of the parent is not waited for


def main(way, count):
    witness.must_serve()
    libc = ctypes.CDLL(None)
    fork = (lambda: libc.syscall(SYS_FORK)) if way == "call" else libc._Fork
    for _ in range(int(count)):
        work.burst(20)  # and frees it: there is a helper
        time.sleep(0.3)  # for now it waits
        pid = fork()
        if pid == 0:
            child()
        _, status = os.waitpid(pid, 0)
        assert status == 0, "a child ended with status %d" % status
    print("ok")


main(*sys.argv[1:])
