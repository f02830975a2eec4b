"""neap.Stream in fresh processes: every Python, interpreters of their own, leaks, memory."""
from process_support import assert_stable_abi, isolating, needs_containers, passes, served

pytestmark = needs_containers


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
import os, pickle, socket
import neap
from neap.streams import View
name = "leaks-%d" % os.getpid()
one, other = socket.socketpair()
other.setblocking(False)
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
        attempt(call, neap.Overrun, StopIteration)
    with neap.Stream.shared(name, 8, 8) as writer:
        pickle.loads(pickle.dumps(writer))
        attempt(lambda: neap.Stream.shared(name, 8, 8))
        attempt(lambda: neap.Stream.shared(name).write(b"x"))
types = [neap.Stream, neap.Reader, View, *neap.Stream.__mro__, neap.Overrun, neap.WriterDied]
assert_leaks_nothing(everything, types, first=500, times=300, blocks=150)
one.close(), other.close()
""")


@served
def test_import_again_and_again_leaks_nothing(python):
    passes(python, """
def use(neap):
    stream = neap.Stream(8, 8)
    stream.write(b"12345678")
    assert stream.reader("oldest").read_block() == b"12345678"
assert_import_leaks_nothing(use)
""")


@isolating
def test_isolated_interpreters(python):
    """Each has its own types and a GIL of its own; all read one shared stream."""
    passes(python, """
import os, neap
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
with neap.Stream.shared(name, 100, 8) as writer:
    for i in range(120):
        writer.write(bytes([i]) * 100)
    run_isolated(body, times=5)
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


def test_only_the_stable_abi_is_used():
    assert_stable_abi("_stream")
