"""Forks a child that takes a burst, drops it and goes idle. Prints the child's pid, then waits for a line."""
import gc
import os
import sys
import time

import witness
import work


def child():
    before = witness.memory_bytes("Private_Dirty")
    made = work.burst(60)
    peak = witness.memory_bytes("Private_Dirty")
    del made
    gc.collect()
    print("%d %d %d" % (os.getpid(), before, peak), flush=True)
    time.sleep(60)
    os._exit(0)


def main():
    witness.must_serve()
    kept = work.burst(1)  # the collection in the child makes its pages the child's own
    garbage = work.burst(20)  # the parent has a purger of its own at the time of the fork
    del garbage
    pid = os.fork()
    if pid == 0:
        child()
    sys.stdin.readline()
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    assert len(kept) > 0


main()
