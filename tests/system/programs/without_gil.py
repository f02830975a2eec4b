"""Threads of C code take memory from CPython without the GIL, while the program makes objects.

    without_gil.py LIBRARY SHRINK    LIBRARY is without_gil.c; SHRINK is 1 if blocks may become small
"""
import ctypes
import sys
import threading

import witness
import work

THREADS, STEPS, BYTES = 4, 60000, 9000


def main(library, shrink):
    witness.must_serve()
    use_blocks, damaged = ctypes.CDLL(library).use_blocks, []
    threads = [threading.Thread(target=lambda number=number: damaged.append(use_blocks(number, STEPS, BYTES, shrink)))
               for number in range(THREADS)]
    for thread in threads:
        thread.start()
    turns = 0
    while turns < 3 or any(thread.is_alive() for thread in threads):
        made = work.mixed(turns, 120)
        assert work.digest(made) == work.digest(work.mixed(turns, 120))
        turns += 1
    for thread in threads:
        thread.join()
    assert damaged == [0] * THREADS, damaged
    print("ok")


main(sys.argv[1], int(sys.argv[2]))
