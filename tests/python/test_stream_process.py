"""neap.Stream in fresh processes: every Python, interpreters of their own, leaks, memory."""
import subprocess

import pytest

from support import BUILD, clean_environment, pythons

EXTENSION = BUILD / "python/neap/_stream.abi3.so"
pytestmark = pytest.mark.skipif(not EXTENSION.exists(), reason="the package is built without its containers")
VERSIONS = [(3, minor) for minor in range(11, 16)]
served = pytest.mark.parametrize("python", pythons(versions=VERSIONS))

RESIDENT = """
def resident():  # exact, unlike the counters of statm
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Rss:"))
"""


def passes(python, body):
    done = subprocess.run([python.path, "-W", "error", "-c", RESIDENT + body + "\nprint('ok')"], capture_output=True,
                          text=True, timeout=120, env=clean_environment(PYTHONPATH=str(BUILD / "python")))
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", ""), done.stderr


@served
def test_every_python(python):
    passes(python, """
import asyncio, os, socket, neap
stream = neap.Stream(8, 4)
reader = stream.reader()
stream.write(b"12345678abc")
assert reader.read(3) == b"123" and reader.read_block() == b"45678" and reader.read_block() is None
one, other = socket.socketpair()
with one, other:
    assert reader.send(one) == 3 and other.recv(10) == b"abc"
async def main():
    tasks = [asyncio.create_task(stream.reader().__anext__()) for _ in range(3)]
    await asyncio.sleep(0)
    stream.write(b"12345678")
    return await asyncio.gather(*tasks)
assert asyncio.run(main()) == [b"12345"] * 3
with reader.view() as memory:
    assert memory == b"12345"
name = "every-python-%d" % os.getpid()
with neap.Stream.shared(name, 8, 4) as writer:
    writer.write(b"shared")
    assert neap.Stream.shared(name).reader("oldest").read() == b"shared"
""")


@served
def test_no_call_leaks(python):
    """Neither references nor blocks nor descriptors nor mappings, also where it ends in an exception."""
    passes(python, """
import gc, os, pickle, socket, sys
import neap
from neap.streams import View
name = "leaks-%d" % os.getpid()
one, other = socket.socketpair()
other.setblocking(False)
def attempt(call):
    try:
        call()
    except (TypeError, ValueError, OverflowError, BufferError, MemoryError, OSError, neap.Overrun, StopIteration):
        pass
def overrun(stream, reader):
    with reader.view():
        stream.write(bytes(1000))
def leave(reader):
    with reader.view():
        raise ValueError
def everything():
    stream = neap.Stream(16, 4)
    reader = stream.reader()
    stream.write(bytes(40))
    for call in (
        lambda: neap.Stream(0, 1), lambda: neap.Stream("x", 1), lambda: neap.Stream(1 << 40, 1), lambda: neap.Reader(5),
        lambda: stream.reader("x"), lambda: stream.reader(-1), lambda: stream.reader(1.5), lambda: stream.reader(1 << 80),
        lambda: stream.write("x"), lambda: stream.claim(0), lambda: stream.claim(3), lambda: stream.commit(2),
        lambda: stream.commit(99), lambda: reader.read("x"), lambda: reader.read(1, 2), lambda: reader.read(3),
        lambda: reader.read_block(), lambda: reader.readinto(bytearray(3)), lambda: reader.readinto(b""),
        lambda: overrun(stream, reader), lambda: leave(reader), lambda: reader.view().done(), lambda: reader.view().valid,
        lambda: pickle.PickleBuffer(reader.view().memory), lambda: reader.wait(0), lambda: reader.wait("x"), lambda: reader.wait(0, -1),
        lambda: reader.send(one, 7), lambda: other.recv(1000), lambda: reader.send("x"), lambda: reader.send(-1),
        lambda: reader.send(one, "x"), lambda: pickle.dumps(stream), lambda: pickle.dumps(reader), lambda: repr((stream, reader)),
        lambda: [stream.written, stream.oldest, stream.state, stream.name, reader.lag, reader.ended, reader.offset, reader.missed],
        lambda: stream._on_change(lambda: stream), lambda: stream._on_change(lambda: 1), lambda: stream.write(bytes(20)),
        lambda: stream._on_change(lambda: stream), lambda: next(reader), lambda: stream.__enter__().close(), lambda: list(reader),
        lambda: neap.Stream.shared("a/b"), lambda: neap.Stream.shared(name), lambda: neap.Stream.shared(name, 5),
        lambda: neap.Stream.shared(name, 0, 5), lambda: neap.Stream.unlink("not there"), lambda: neap.Stream.unlink(5)):
        attempt(call)
    with neap.Stream.shared(name, 8, 8) as writer:
        pickle.loads(pickle.dumps(writer))
        attempt(lambda: neap.Stream.shared(name, 8, 8))
        attempt(lambda: neap.Stream.shared(name).write(b"x"))
known = [neap.Stream, neap.Reader, View, *neap.Stream.__mro__, neap.Overrun, neap.WriterDied]
def figures():
    gc.collect()
    with open("/proc/self/maps") as file:
        mappings = sum("neap" in line for line in file)
    return [sys.getallocatedblocks(), len(os.listdir("/proc/self/fd")), mappings, *map(sys.getrefcount, known)]
for _ in range(500):
    everything()
figures()
grown = []  # in rounds: CPython's free lists fill up too, but not in each of them
for _ in range(6):
    blocks, *held = figures()
    for _ in range(300):
        everything()
    more, *then = figures()
    assert held == then, (held, then)
    grown.append(more - blocks)
assert min(grown) < 150, grown
start = resident()
for _ in range(500):
    everything()
assert resident() - start < 1 << 20, resident() - start
one.close(), other.close()
""")


@served
def test_import_again_and_again_leaks_nothing(python):
    passes(python, """
import gc, importlib, sys
def again(times):
    for _ in range(times):
        for name in [name for name in sys.modules if name.split(".")[0] == "neap"]:
            del sys.modules[name]
        stream = importlib.import_module("neap").Stream(8, 8)
        stream.write(b"12345678")
        assert stream.reader("oldest").read_block() == b"12345678"
    gc.collect()
    return sys.getallocatedblocks()
again(300)
grown = []
for _ in range(4):
    before = again(1)
    grown.append(again(200) - before)
assert min(grown) < 150, grown
""")


@pytest.mark.parametrize("python", pythons(versions=VERSIONS[1:]))
def test_isolated_interpreters(python):
    """Each has its own types and a GIL of its own; all read one shared stream."""
    passes(python, """
import os, threading, neap
try:
    import _interpreters as interpreters
    make = lambda: interpreters.create("isolated")
except ImportError:
    import _xxsubinterpreters as interpreters
    make = lambda: interpreters.create(isolated=True)
name = "interpreters-%d" % os.getpid()
body = '''
import neap
private = neap.Stream(8, 8)
private.write(b"12345678")
assert private.reader("oldest").read_block() == b"12345678"
reader = neap.Stream.shared("NAME").reader("oldest")
while (block := reader.read_block()) is not None:
    assert block == block[:1] * len(block) and len(block) == 100
assert reader.offset == 12000 and reader.missed == 0
'''.replace("NAME", name)
def work():
    for _ in range(5):
        one = make()
        problem = interpreters.run_string(one, body)
        if problem is not None:
            failed.append(problem)
        interpreters.destroy(one)
failed = []
with neap.Stream.shared(name, 100, 8) as writer:
    for i in range(120):
        writer.write(bytes([i]) * 100)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
assert not failed, failed
""")


@served
def test_six_hundred_streams_stay_as_they_are(python):
    """Not a byte more after a hundred thousand pieces than after the first ten thousand."""
    passes(python, """
import neap
streams = [neap.Stream(1400, 16) for _ in range(600)]
readers = [stream.reader() for stream in streams]
pieces = [bytes(200 + i * 37 % 1201) for i in range(97)]
buffer = bytearray(1400)
def run(count):
    for i in range(count):
        streams[i % 600].write(pieces[i % 97])
        if i % 3 == 0:
            readers[i % 600].readinto(buffer)
run(10_000), resident()  # which itself takes memory the first time
before = resident()
run(100_000)
assert resident() - before <= 64 << 10, resident() - before
""")
