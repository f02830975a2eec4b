"""Locks all its memory by mlockall(FLAGS), works, and prints by how many bytes its resident memory grew: at the call,
and by a list of texts. A child, and the program itself after munlockall, lock nothing. FLAGS: 1 what there is, 2 what comes, 4 only what is touched."""
import ctypes
import os
import sys
import threading

page = os.sysconf("SC_PAGESIZE")


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * page


def locks_nothing():
    texts = [str(i) * 60 for i in range(300_000)]  # more than the heap held before
    with open("/proc/self/status") as file:
        locked, = [line.split()[1] for line in file if line.startswith("VmLck:")]
    return locked == "0" and len(texts) == 300_000


work = [str(i) for i in range(50_000)]
del work
libc = ctypes.CDLL(None, use_errno=True)
before = resident()
assert libc.mlockall(int(sys.argv[1])) == 0, os.strerror(ctypes.get_errno())
locked = resident()
texts = [str(i) * 6 for i in range(300_000)]
full = resident()
blocks = [bytes(100_000) for _ in range(300)]
assert sum(map(len, blocks)) == 30_000_000
del blocks
texts = texts[::1000]
again = {i: str(i) for i in range(100_000)}
assert all(again[i] == str(i) for i in again) and texts[3] == "3000" * 6
if os.fork() == 0:
    os._exit(0 if locks_nothing() else 1)
assert os.wait()[1] == 0
for _ in range(3):
    threads = [threading.Thread(target=lambda: [str(i) for i in range(1000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
assert libc.munlockall() == 0 and locks_nothing()
print(locked - before, full - locked)
