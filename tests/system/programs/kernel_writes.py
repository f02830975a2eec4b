"""The kernel reads and writes small Python buffers all the time, while sparse pages are meshed.

    kernel_writes.py SECONDS FOLDER

Threads receive into buffers (recv_into), read a file into them past the page cache (O_DIRECT, where the file system
of FOLDER has it), and hand them to a pipe without a copy (vmsplice). Everything is verified. Prints "ok".
"""
import ctypes
import mmap
import os
import random
import socket
import sys
import threading
import time

import neap
import witness

BLOCK = 512  # of direct I/O, bytes
BLOCKS = 64
HELD = 400  # buffers that are there at a time, sparse among others
PACE = 10  # pieces of work between two pauses

libc = ctypes.CDLL(None, use_errno=True)
done = {}
wrong = []  # texts of errors
stop = threading.Event()


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def contents(number):
    return random.Random(number).randbytes(BLOCK)


KNOWN = [contents(number) for number in range(BLOCKS)]


def address_of(buffer):
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


def sparse_buffers(size):
    """Some buffers of many: the others go."""
    return [bytearray(size) for _ in range(HELD * 10)][::10]


def repeat(name, work):
    """Has `work` done again and again; it takes a number."""
    def run():
        count = 0
        try:
            while not stop.is_set():
                work(count)
                count += 1
                if count % PACE == 0:  # nothing is stopped while a thread writes to what is full, or computes
                    time.sleep(0.01)
        except BaseException as error:
            if not (stop.is_set() and isinstance(error, OSError)):  # the other end has gone then
                wrong.append("%s: %r" % (name, error))
        done[name] = count
    return threading.Thread(target=run)


def receiving():
    there, here = socket.socketpair()
    buffers = sparse_buffers(BLOCK)

    def send(count):
        there.sendall(KNOWN[count % BLOCKS])

    def receive(count):
        view = memoryview(buffers[count % HELD])
        got = 0
        while got < BLOCK and not stop.is_set():
            got += here.recv_into(view[got:])
            if stop.is_set():
                return
        assert bytes(view) == KNOWN[count % BLOCKS], "what was received is not what was sent"
        older = (count + 1) % HELD
        if count >= HELD:
            assert bytes(buffers[older]) == KNOWN[(count + 1 - HELD) % BLOCKS], "a buffer of before has changed"

    def end():
        stop.wait()
        there.shutdown(socket.SHUT_RDWR)

    return [repeat("sent", send), repeat("received", receive), threading.Thread(target=end)]


def directly(folder):
    path = os.path.join(folder, "blocks")
    with open(path, "wb") as file:
        file.write(b"".join(KNOWN))
    try:
        file = os.open(path, os.O_RDONLY | os.O_DIRECT)
        os.preadv(file, [mmap.mmap(-1, 4096)], 0)
    except OSError:
        return []
    buffers = sparse_buffers(3 * BLOCK)

    def read(count):
        buffer = buffers[count % HELD]
        first = -address_of(buffer) % BLOCK
        view = memoryview(buffer)[first:first + BLOCK]
        assert os.preadv(file, [view], count % BLOCKS * BLOCK) == BLOCK
        assert bytes(view) == KNOWN[count % BLOCKS], "what was read is not what the file holds"

    return [repeat("read directly", read)]


def spliced():
    out, into = os.pipe()
    buffers = [bytearray(KNOWN[number % BLOCKS]) for number in range(HELD * 10)][::10]
    expected = [KNOWN[number * 10 % BLOCKS] for number in range(HELD)]

    def splice(count):
        which = count % HELD
        piece = Iovec(address_of(buffers[which]), BLOCK)
        assert libc.vmsplice(into, ctypes.byref(piece), 1, 0) == BLOCK, os.strerror(ctypes.get_errno())
        assert os.read(out, BLOCK) == expected[which], "what came out of the pipe is not what went in"

    return [repeat("spliced", splice)]


def main(seconds, folder):
    witness.must_serve()
    threads = receiving() + directly(folder) + spliced()
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    rounds = meshed = 0
    while time.monotonic() < end and not wrong:
        texts = [str(number) * 3 for number in range(rounds, rounds + 100_000)]
        kept = texts[::70]
        del texts
        time.sleep(0.3)
        neap.trim()
        meshed = max(meshed, neap.stats().meshed_bytes)
        assert kept == [str(number) * 3 for number in range(rounds, rounds + 100_000, 70)]
        rounds += 1
    stop.set()
    for thread in threads:
        thread.join(10)
    assert not wrong, wrong
    assert all(count > 10 for count in done.values()) and rounds > 1, done
    assert meshed > 1 << 20, "only %d bytes were meshed" % meshed
    print("ok")


main(float(sys.argv[1]), sys.argv[2])
