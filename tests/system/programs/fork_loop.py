"""Forks again and again: fork_loop.py TIMES. Each child allocates; the parent must not grow."""
import gc
import os
import sys
import time

import witness
import work

ALLOWED = 3 << 20  # bytes


def fork_once(number):
    pid = os.fork()
    if pid == 0:
        good = witness.serving() and work.churn(number % 3, rounds=1, count=40) == 1
        os._exit(0 if good else 9)
    return os.waitpid(pid, 0)[1]


def main(times):
    witness.must_serve()
    after_warm_up = 0
    for number in range(times):
        garbage = work.burst(2) if number % 10 == 0 else None  # so that there is something to purge
        del garbage
        if number % 25 == 0:
            time.sleep(0.15)  # the purger comes back between forks
        status = fork_once(number)
        assert status == 0, (number, status)
        if number == times // 5:
            gc.collect()
            after_warm_up = witness.memory_bytes("Rss")
    gc.collect()
    grown = witness.memory_bytes("Rss") - after_warm_up
    assert grown < ALLOWED, "grew by %d bytes" % grown
    assert len(witness.threads()) <= 2, witness.threads()
    print("ok")


main(int(sys.argv[1]))
