"""Forks while eight threads allocate. A lock left taken in the child would hang it."""
import os
import signal
import threading
import warnings

import witness
import work

TIMES = 30


def allocate(seed, stop):
    while not stop.is_set():
        work.churn(seed, rounds=1, count=60)


def child():
    signal.alarm(20)  # a hang becomes a signal that the parent sees
    garbage = work.burst(3)
    del garbage
    thread = threading.Thread(target=work.churn, args=(5, 1, 60))
    thread.start()
    thread.join()
    os._exit(0 if witness.serving() else 9)


def main():
    witness.must_serve()
    warnings.simplefilter("ignore", DeprecationWarning)  # here CPython is right: the threads are the program's
    stop = threading.Event()
    threads = [threading.Thread(target=allocate, args=(seed, stop)) for seed in range(8)]
    for thread in threads:
        thread.start()
    try:
        for number in range(TIMES):
            pid = os.fork()
            if pid == 0:
                child()
            status = os.waitpid(pid, 0)[1]
            assert status == 0, (number, status)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    print("ok")


main()
