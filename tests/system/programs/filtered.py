"""Confines itself by a filter that ends the process for some system calls; then takes a burst of memory, drops
most of it, and waits until it has gone back.

    filtered.py prctl | together | seccomp | thread | inherited | none   NUMBER...

How the filter comes: by prctl at the start; for all threads at once (SECCOMP_FILTER_FLAG_TSYNC) at the start, as
libseccomp does it; by the call seccomp when the program is some seconds old, without
giving up new privileges (needs root); by one thread for itself, which then works; before this program is executed;
not at all. Prints "ok".
"""
import ctypes
import os
import platform
import struct
import sys
import threading
import time

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2
SET_MODE_FILTER, FLAG_TSYNC = 1, 1
SYS_SECCOMP = {"x86_64": 317, "aarch64": 277}[platform.machine()]
KILL_PROCESS, ALLOW = 0x80000000, 0x7FFF0000

how, numbers = sys.argv[1], [int(word) for word in sys.argv[2:]]
libc = ctypes.CDLL(None, use_errno=True)
statm = os.open("/proc/self/statm", os.O_RDONLY)  # no file is opened under the filter
page = os.sysconf("SC_PAGESIZE")


def resident():
    return int(os.pread(statm, 200, 0).split()[1]) * page


def confine(by_call=False, together=False):
    code = struct.pack("HBBI", 0x20, 0, 0, 0)  # load the number of the call
    for number in numbers:
        code += struct.pack("HBBI", 0x15, 0, 1, number) + struct.pack("HBBI", 0x06, 0, 0, KILL_PROCESS)
    code += struct.pack("HBBI", 0x06, 0, 0, ALLOW)
    text = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(text)))
    word = ctypes.c_ulong
    call = [word(SYS_SECCOMP), word(SET_MODE_FILTER), word(FLAG_TSYNC if together else 0), program]
    if not by_call:
        assert libc.prctl(PR_SET_NO_NEW_PRIVS, word(1), word(0), word(0), word(0)) == 0
    if by_call or together:
        assert libc.syscall(*call) == 0, os.strerror(ctypes.get_errno())
        return
    assert libc.prctl(PR_SET_SECCOMP, word(MODE_FILTER), program, word(0), word(0)) == 0, os.strerror(ctypes.get_errno())


def burst():
    kept = [str(i) * 6 for i in range(500_000)]
    del kept[::2]
    kept = kept[::1000]
    blocks = [bytes(100_000) for _ in range(300)]
    del blocks
    return kept


def work(patience=20):
    """A burst that has gone back at the end."""
    before = resident()
    kept = [str(i) * 6 for i in range(500_000)]
    full = resident() - before
    kept = kept[::1000]
    deadline = time.monotonic() + patience
    while resident() - before > full / 3:
        assert time.monotonic() < deadline, "%d of %d bytes are still there" % (resident() - before, full)
        time.sleep(0.05)
    del kept


def in_thread():
    confine()
    burst()
    work()


if how == "inherited":
    confine()
    os.execv(sys.executable, [sys.executable, sys.argv[0], "none"])
if how in ("prctl", "together"):
    confine(together=how == "together")
if how == "seccomp":
    work()
    confine(by_call=True)
if how == "thread":
    failed = []
    threading.excepthook = lambda args: (failed.append(args), sys.__excepthook__(*args[:3]))
    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    assert not failed
for _ in range(3):
    burst()
work()
print("ok")
