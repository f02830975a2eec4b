"""C code frees nearly all of its memory, between blocks that stay; then the program rests, or goes on.

    freed_by_c.py rest|busy [--blocks N] [--bytes N] [--seconds S]

Blocks of 2000 bytes come from malloc, as arrays of NumPy do; one in 200 is kept. When the others are free,
the program takes and frees a block every half millisecond and notes how long that took at most ("rest"), or
makes and drops 2000 strings every 10 ms ("busy").

Prints one line: KiB above fresh when all was taken and at the end, the processor time of a round of the busy
program, and the longest wait of the resting one.
"""
import array
import ctypes
import json
import sys
import time

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
KEPT, GAP_S, WARM_S = 200, 0.01, 0.3


def rss_kb():
    with open("/proc/self/statm", "rb", buffering=0) as statm:
        return int(statm.read(200).split()[1]) * 4


def rest(seconds):
    """The longest time that a malloc and free took, of this thread, whose arena has the holes."""
    longest, began = 0.0, time.monotonic()
    while time.monotonic() - began < seconds:
        start = time.perf_counter()
        libc.free(libc.malloc(60000))
        longest = max(longest, time.perf_counter() - start)
        time.sleep(0.0005)
    return longest


def take(count, size):
    blocks = array.array("Q", bytes(8 * count))
    for number in range(count):
        blocks[number] = libc.malloc(size)
        libc.memset(blocks[number], 1, size)
    return blocks


def busy(seconds):
    """Rounds that were done, and the processor time of one."""
    rounds, began, cpu = 0, time.monotonic(), time.process_time()
    while time.monotonic() - began < seconds:
        assert len([str(number) for number in range(2000)]) == 2000
        rounds += 1
        time.sleep(GAP_S)
    return (time.process_time() - cpu) / rounds


def main():
    arguments = dict(zip(sys.argv[2::2], sys.argv[3::2]))
    if len(sys.argv) < 2 or sys.argv[1] not in ("rest", "busy") or \
            set(arguments) - {"--blocks", "--bytes", "--seconds"}:
        sys.exit("usage: freed_by_c.py rest|busy [--blocks N] [--bytes N] [--seconds S]")
    count, size = int(arguments.get("--blocks", 60000)), int(arguments.get("--bytes", 2000))
    seconds = float(arguments.get("--seconds", 5))
    time.sleep(WARM_S)
    fresh = rss_kb()
    blocks = take(count, size)
    taken = rss_kb() - fresh
    for number in range(count):
        if number % KEPT:
            libc.free(blocks[number])
    figures = {"wait_s": rest(seconds)} if sys.argv[1] == "rest" else {"round_s": busy(seconds)}
    left = rss_kb() - fresh
    for number in range(0, count, KEPT):
        if ctypes.string_at(blocks[number], size) != b"\1" * size:
            sys.exit("freed_by_c: a block that was kept has changed")
    print(json.dumps(dict(figures, taken_kb=taken, left_kb=left)))


main()
