"""C code frees nearly all of its memory, between blocks that stay; then the program rests, or goes on.

    freed_by_c.py rest|busy|malloc [--blocks N] [--bytes N] [--seconds S]

Blocks of 2000 bytes come from malloc, as arrays of NumPy do. A Python object holds each, as it holds such an
array. One in 200 is kept. When the others are free, the program

    rest      sleeps
    busy      makes and drops 2000 strings every 10 ms
    malloc    takes a block from malloc every half millisecond, and frees it

Prints one line: KiB above fresh when all was taken and at the end; for "busy" the processor time of a round, for
"malloc" the longest time that one took.
"""
import ctypes
import json
import os
import sys
import time

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
KEPT, GAP_S, WARM_S = 200, 0.01, 0.3
PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


def rss_kb():
    with open("/proc/self/statm", "rb", buffering=0) as statm:
        return int(statm.read(200).split()[1]) * PAGE_KB


def rest(seconds):
    time.sleep(seconds)
    return {}


def malloc(seconds):
    """The longest time that a malloc and free took, of this thread, whose arena has the holes."""
    longest, began = 0.0, time.monotonic()
    while time.monotonic() - began < seconds:
        start = time.perf_counter()
        libc.free(libc.malloc(60000))
        longest = max(longest, time.perf_counter() - start)
        time.sleep(0.0005)
    return {"wait_s": longest}


def busy(seconds):
    """The processor time of a round."""
    rounds, began, cpu = 0, time.monotonic(), time.process_time()
    while time.monotonic() - began < seconds:
        assert len([str(number) for number in range(2000)]) == 2000
        rounds += 1
        time.sleep(GAP_S)
    return {"round_s": (time.process_time() - cpu) / rounds}


MODES = {"rest": rest, "busy": busy, "malloc": malloc}


def main():
    arguments = dict(zip(sys.argv[2::2], sys.argv[3::2]))
    if len(sys.argv) < 2 or sys.argv[1] not in MODES or \
            set(arguments) - {"--blocks", "--bytes", "--seconds"}:
        sys.exit("usage: freed_by_c.py rest|busy|malloc [--blocks N] [--bytes N] [--seconds S]")
    count, size = int(arguments.get("--blocks", 60000)), int(arguments.get("--bytes", 2000))
    seconds = float(arguments.get("--seconds", 5))
    time.sleep(WARM_S)
    fresh = rss_kb()
    blocks = []
    for _ in range(count):
        blocks.append(libc.malloc(size))
        libc.memset(blocks[-1], 1, size)
    taken = rss_kb() - fresh
    if taken * 1024 < count * size / 2:
        sys.exit("freed_by_c: the blocks are not in memory: only %d KiB came" % taken)
    for number, block in enumerate(blocks):
        if number % KEPT:
            libc.free(block)
    blocks = blocks[::KEPT]
    figures = MODES[sys.argv[1]](seconds)
    left = rss_kb() - fresh
    for block in blocks:
        if ctypes.string_at(block, size) != b"\1" * size:
            sys.exit("freed_by_c: a block that was kept has changed")
    print(json.dumps(dict(figures, taken_kb=taken, left_kb=left)))


main()
