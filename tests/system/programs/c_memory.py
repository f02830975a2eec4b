"""C code takes memory and frees nearly all of it, between blocks that stay; then the program goes on, or rests.

    c_memory.py AGE GAP SECONDS   the C memory is freed AGE seconds after the start; then the program makes
                                  strings every GAP seconds, or rests if GAP is "rest", until four fifths
                                  are gone, but for at most SECONDS (a quarter of them, if it rests)

Prints how many MB are resident when all is taken, and the seconds until four fifths of that are gone.
"""
import array
import ctypes
import sys
import time

import witness

BLOCKS, BYTES, KEPT = 60000, 2000, 200  # of so many blocks one is kept

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]


def resident():
    return witness.memory_bytes("Rss") / 1e6


def main(age, gap, seconds):
    witness.must_serve()
    fresh, began = resident(), time.monotonic()
    blocks = array.array("Q", bytes(8 * BLOCKS))
    for number in range(BLOCKS):
        blocks[number] = libc.malloc(BYTES)
        ctypes.memset(blocks[number], 1, BYTES)
    time.sleep(max(0, age - (time.monotonic() - began)))
    taken = resident() - fresh
    for number in range(BLOCKS):
        if number % KEPT:
            libc.free(blocks[number])
    freed = time.monotonic()
    while resident() - fresh > taken / 5 and time.monotonic() - freed < seconds:
        if gap == "rest":
            time.sleep(seconds / 4)
        else:
            assert len([str(number) for number in range(2000)]) == 2000
            time.sleep(float(gap))
    kept = [ctypes.string_at(blocks[number], BYTES) == b"\1" * BYTES for number in range(0, BLOCKS, KEPT)]
    assert all(kept)
    print("%.0f %.1f %.0f" % (taken, time.monotonic() - freed, resident() - fresh))


main(float(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
