"""Streams between Python processes: content verified block by block, writers that die."""
import asyncio
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
import traceback

import io
import pytest

import neap
from support import needs_64_bits

WRITER = """
import os, signal, sys, neap
name, pieces, end = sys.argv[1], int(sys.argv[2]), sys.argv[3]
stream = neap.Stream.shared(name, 1000, 32)
print("ready", flush=True)
sys.stdin.readline()
for i in range(pieces):
    size = 200 + i * 37 % 1200
    at = stream.written
    stream.write(b"".join(b"%08d" % n for n in range(at // 8, (at + size) // 8 + 1))[at % 8:][:size])
if end == "close":
    stream.close()
elif end == "in the middle":
    stream.claim(500)[:] = b"X" * 500
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def name():
    name = f"test-{os.getpid()}-{time.monotonic_ns()}"
    yield name
    try:
        neap.Stream.unlink(name)
    except OSError:
        pass


class Writer:
    def __init__(self, name, pieces, end):
        self.process = subprocess.Popen([sys.executable, "-c", WRITER, name, str(pieces), end],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def go(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.communicate()


def good(data, offset):
    text = b"".join(b"%08d" % n for n in range(offset // 8, (offset + len(data)) // 8 + 1))
    return text[offset % 8:][:len(data)] == data


def test_every_block_is_as_written(name):
    with Writer(name, 3000, "close") as writer:
        stream = neap.Stream.shared(name)
        assert not stream.writable and (stream.block_bytes, stream.block_count) == (1000, 32)
        reader = stream.reader("oldest")
        writer.go()
        delivered = 0
        for block in reader:
            assert good(block, reader.offset - len(block))
            delivered += len(block)
        assert delivered + reader.missed == stream.written > 2000000 and reader.ended
    with pytest.raises(FileNotFoundError):
        neap.Stream.shared(name)


@pytest.mark.parametrize("end", ["exit", "in the middle"])
def test_a_writer_that_died(name, end):
    with Writer(name, 10, end) as writer:
        stream = neap.Stream.shared(name)
        reader = stream.reader("oldest")
        writer.go()
        blocks = []
        with pytest.raises(neap.WriterDied):
            for block in reader:
                assert good(block, reader.offset - len(block))
                blocks.append(block)
        assert stream.state == "died" and not stream.closed and not reader.ended
        assert len(b"".join(blocks)) == stream.written > 3000
        for take in reader.read, reader.read_block, reader.view, lambda: reader.readinto(bytearray(5)):
            with pytest.raises(neap.WriterDied):
                take()
    with Writer(name, 5, "close") as writer:  # goes on with it, and so does the reader
        assert stream.state == "live" and reader.read() is None
        writer.go()
        data = b"".join(reader)
        assert good(data, reader.offset - len(data)) and len(data) > 999 and reader.ended


def test_event_loop(name):
    async def collect(reader):
        data = b""
        async for block in reader:
            data += block
        return data

    async def main():
        with Writer(name, 20, "close") as writer:
            stream = neap.Stream.shared(name)
            tasks = [asyncio.create_task(collect(stream.reader("oldest"))) for _ in range(10)]
            await asyncio.sleep(0.05)
            writer.go()
            results = await asyncio.wait_for(asyncio.gather(*tasks), 30)
            assert results == [results[0]] * 10 and good(results[0], 0) and len(results[0]) == stream.written
        with Writer(name, 20, "in the middle") as writer:
            stream = neap.Stream.shared(name)
            task = asyncio.create_task(collect(stream.reader("oldest")))
            await asyncio.sleep(0.05)
            writer.go()
            with pytest.raises(neap.WriterDied):
                await asyncio.wait_for(task, 30)

    asyncio.run(main())


def test_one_writer(name):
    with neap.Stream.shared(name, 8, 8) as stream:
        assert stream.name == name and stream.writable and name in repr(stream)
        with pytest.raises(FileExistsError):
            neap.Stream.shared(name, 8, 8)
        with pytest.raises(FileExistsError):
            neap.Stream.unlink(name)
        other = pickle.loads(pickle.dumps(stream))
        assert not other.writable and other.name == name
        for function, argument in (other.write, b"1"), (other.claim, 1), (other.commit, 1):
            with pytest.raises(io.UnsupportedOperation, match="not writable"):
                function(argument)
        other.close()  # closes nothing
        assert not stream.closed
        stream.write(b"12345678")
        assert other.reader("oldest").read() == b"12345678"
    assert other.closed


def test_a_child_reads_and_does_not_write(name):
    stream = neap.Stream.shared(name, 8, 8)
    stream.write(b"12345678")
    child = os.fork()
    if child == 0:
        try:
            stream.write(b"x")
        except io.UnsupportedOperation:
            fine = stream.reader("oldest").read() == b"12345678" and stream.state == "live"
            os._exit(0 if fine else 1)
        os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    stream.close()


def test_rights(name):
    stream = neap.Stream.shared(name, 8, 8, mode=0o640)
    assert os.stat("/dev/shm/neap." + name).st_mode & 0o777 == 0o640
    stream.close()
    stream = neap.Stream.shared(name, 8, 8, mode=0o666)
    assert os.stat("/dev/shm/neap." + name).st_mode & 0o777 == 0o644  # to write is its owner's
    stream.close()


def as_user(uid, body):
    """Runs `body` in a child of that user; its exit status."""
    child = os.fork()
    if child == 0:
        try:
            os.setresuid(uid, uid, uid)
            body()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to act as two users")
def test_a_stream_of_another_user(name):
    def squat():
        stream = neap.Stream.shared(name, 64, 4, mode=0o644)
        stream.write(b"spoofed")

    assert as_user(65534, squat) == 0
    for call in (lambda: neap.Stream.shared(name), lambda: neap.Stream.shared(name, owner=0),
                 lambda: neap.Stream.shared(name, owner=65533), lambda: neap.Stream.shared(name, 64, 4),
                 lambda: neap.Stream.unlink(name)):
        with pytest.raises(PermissionError):
            call()
    stream = neap.Stream.shared(name, owner=65534)
    reader = stream.reader("oldest")
    assert reader.read() == b"spoofed"
    copy = pickle.loads(pickle.dumps(stream))
    assert copy.reader("oldest").read() == b"spoofed"
    os.truncate("/dev/shm/neap." + name, 0)
    with pytest.raises(ValueError, match="cut short"):
        copy.reader("oldest").read_block() or reader.read()
        stream.reader("oldest").read_block()
    os.unlink("/dev/shm/neap." + name)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to act as two users")
def test_root_s_stream_for_others(name):
    stream = neap.Stream.shared(name, 64, 4, mode=0o644)
    stream.write(b"true")

    def read():
        assert neap.Stream.shared(name).reader("oldest").read() == b"true"
        assert neap.Stream.shared(name, owner=0).reader("oldest").read() == b"true"

    assert as_user(65534, read) == 0
    stream.close()


@pytest.mark.parametrize("owner, error", [(-1, ValueError), (2**32 - 1, ValueError), (2**80, ValueError),
                                          ("root", TypeError), (1.0, TypeError)])
def test_wrong_owners(name, owner, error):
    with pytest.raises(error):
        neap.Stream.shared(name, owner=owner)
    with pytest.raises(TypeError, match="owner is for reading"):
        neap.Stream.shared(name, 8, 8, owner=0)


def test_nothing_to_read_is_not_the_end(name):
    """A reader that the writer overtakes all the time gets None, as if nothing were there, and never b""."""
    code = f"import neap\nstream, data = neap.Stream.shared({name!r}, 4096, 2), bytes(8192)\nprint(flush=True)\n" \
           "while True: stream.write(data)"
    writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        writer.stdout.readline()
        reader = neap.Stream.shared(name).reader()
        until = time.monotonic() + 3
        while time.monotonic() < until:
            assert reader.read() != b""
    finally:
        writer.kill()
        writer.wait()


def test_waiting_for_a_new_writer(name):
    """After WriterDied, wait() sleeps until a new writer has written."""
    def write(data):
        child = os.fork()
        if child == 0:
            neap.Stream.shared(name, 4, 4).write(data)
            os._exit(0)  # without closing it
        return child

    os.waitpid(write(b"1234"), 0)
    reader = neap.Stream.shared(name).reader("oldest")
    assert next(reader) == b"1234"
    for data in (b"5678", b"9abc"):
        with pytest.raises(neap.WriterDied):
            next(reader)
        before = time.monotonic()
        assert not reader.wait(0.05) and not reader.wait(0.05)
        assert time.monotonic() - before >= 0.1
        child = write(data)
        assert reader.wait() and next(reader) == data
        os.waitpid(child, 0)
    neap.Stream.unlink(name)


@pytest.mark.parametrize("arguments, error", [
    ((), TypeError), ((5,), TypeError), (("",), ValueError), (("a/b",), ValueError), (("a\0b",), ValueError),
    (("x" * 201,), ValueError), (("x", 5), TypeError), (("x", 0, 5), ValueError), (("x", "5", 5), TypeError),
    (("x", 5, 1 << 70), OverflowError), pytest.param(("x", 1 << 30, 1 << 30), MemoryError, marks=needs_64_bits),
    (("there is no such stream",), FileNotFoundError)])
def test_wrong_arguments(arguments, error):
    with pytest.raises(error):
        neap.Stream.shared(*arguments)


def test_what_is_no_stream(name):
    path = "/dev/shm/neap." + name
    with open(path, "wb") as file:
        file.write(b"neap-stream\0" + bytes(5000))
    with pytest.raises(ValueError, match="not a neap stream"):
        neap.Stream.shared(name)
    os.unlink(path)


def test_a_signal_is_heard_while_waiting(name):
    code = """
        import signal, sys, neap
        stream = neap.Stream(8, 8)
        print("ready", flush=True)
        try:
            for block in stream.reader():
                pass
        except KeyboardInterrupt:
            print("heard")
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30)[0] == "heard\n"
