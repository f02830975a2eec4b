"""neap.Stream against a bytearray of all that was ever written."""
import gc
import io
import pickle
import socket
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import neap
from support import needs_64_bits


class StreamAsItShouldBe(RuleBasedStateMachine):
    """The contract in Python: everything written is kept, and the window is arithmetic on it."""

    @initialize(block_bytes=st.integers(1, 50), block_count=st.integers(1, 9))
    def make(self, block_bytes, block_count):
        self.stream = neap.Stream(block_bytes, block_count)
        self.block_bytes, self.ring = block_bytes, block_bytes * block_count
        self.all, self.claimed, self.closed = bytearray(), 0, False
        self.readers = [(self.stream.reader(), [0, 0])]

    def oldest(self):
        oldest = max(0, self.claimed - self.ring)
        oldest += -oldest % self.block_bytes
        return min(oldest, len(self.all))

    def settle(self, place):
        if self.claimed - place[0] > self.ring:
            place[1] += self.oldest() - place[0]
            place[0] = self.oldest()

    @precondition(lambda self: not self.closed)
    @rule(data=st.binary(max_size=200), kind=st.sampled_from([bytes, bytearray, memoryview]))
    def write(self, data, kind):
        assert self.stream.write(kind(data)) == len(data)
        self.all += data
        self.claimed = max(self.claimed, len(self.all))

    @precondition(lambda self: not self.closed)
    @rule(data=st.binary(min_size=1, max_size=200), share=st.floats(0, 1))
    def claim(self, data, share):
        with self.stream.claim(len(data)) as memory:
            assert len(memory) == min(len(data), self.ring - len(self.all) % self.ring)
            memory[:] = data[:len(memory)]
            used = int(share * len(memory))
            self.claimed = max(self.claimed, len(self.all) + len(memory))
        self.stream.commit(used)
        self.all += data[:used]

    @rule(start=st.one_of(st.just("now"), st.just("oldest"), st.integers(0, 1000)))
    def open_reader(self, start):
        back = {"now": 0, "oldest": 1 << 60}.get(start, start)
        place = [max(0, len(self.all) - back), 0]
        self.settle(place)
        self.readers.append((self.stream.reader(start), [place[0], 0]))

    def taken(self, place, got, expected):
        if expected == 0:
            assert got == (b"" if self.closed and place[0] == len(self.all) else None)
        else:
            assert got == self.all[place[0]:place[0] + expected]
            place[0] += expected

    @rule(data=st.data(), size=st.one_of(st.none(), st.integers(-1, 300)))
    def read(self, data, size):
        reader, place = data.draw(st.sampled_from(self.readers))
        self.settle(place)
        there = len(self.all) - place[0]
        if size == 0:
            assert reader.read(0) == b""
            return
        self.taken(place, reader.read(size), there if size is None or size < 0 else min(size, there))

    @rule(data=st.data(), how=st.sampled_from(["read_block", "view", "readinto"]))
    def read_block(self, data, how):
        reader, place = data.draw(st.sampled_from(self.readers))
        self.settle(place)
        there, rest = len(self.all) - place[0], self.block_bytes - place[0] % self.block_bytes
        expected = rest if there >= rest else there if self.closed else 0
        if how == "read_block":
            self.taken(place, reader.read_block(), expected)
        elif how == "view":
            view = reader.view()
            assert (view is None) == (expected == 0)
            if view is not None:
                with view as memory:
                    got = bytes(memory)
                    assert view.valid and memory.readonly
                self.taken(place, got, expected)
        else:
            room = bytearray(7)
            got = reader.readinto(room)
            if got:
                self.taken(place, bytes(room[:got]), min(7, there))
            else:
                assert got == (0 if self.closed else None) and there == 0

    @rule()
    def end(self):
        if len(self.all) > 100:
            self.stream.close()
            self.closed = True

    @invariant()
    def agrees(self):
        if not hasattr(self, "stream"):
            return
        assert self.stream.written == len(self.all)
        assert self.stream.oldest == self.oldest()
        assert self.stream.closed == self.closed
        for reader, place in self.readers:
            self.settle(place)
            assert reader.lag == len(self.all) - place[0]
            assert (reader.offset, reader.missed) == tuple(place)
            assert reader.ended == (self.closed and reader.lag == 0)


TestStreamAsItShouldBe = StreamAsItShouldBe.TestCase
TestStreamAsItShouldBe.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


@given(st.lists(st.binary(max_size=3000)), st.integers(1, 100), st.integers(1, 20))
@settings(deadline=None)
def test_what_was_written_comes_out(pieces, block_bytes, block_count):
    stream = neap.Stream(block_bytes, block_count)
    reader = stream.reader()
    out = b""
    for piece in pieces:
        stream.write(piece)
        out += reader.read() or b""
    stream.close()
    out += b"".join(reader)
    assert len(out) + reader.missed == sum(map(len, pieces))
    if not reader.missed:
        assert out == b"".join(pieces)


# --- messages and types ---------------------------------------------------------------------


@pytest.mark.parametrize("arguments, error", [
    ((), TypeError), ((1,), TypeError), ((1, 2, 3), TypeError), (("1", 2), TypeError), ((1.5, 2), TypeError),
    ((0, 1), ValueError), ((1, 0), ValueError), ((-1, 1), ValueError), ((1 << 70, 1), OverflowError),
    pytest.param((1 << 40, 1), MemoryError, marks=needs_64_bits), ((1 << 30, 1 << 30), MemoryError),
    pytest.param((1 << 62, 1 << 62), MemoryError, marks=needs_64_bits)])
def test_wrong_measures(arguments, error):
    with pytest.raises(error):
        neap.Stream(*arguments)


def message_of(function, *arguments):
    try:
        function(*arguments)
    except Exception as error:
        return type(error), str(error)
    return None


@pytest.mark.parametrize("data", ["text", None, 7, memoryview(bytes(10))[::2], [1]])
def test_write_refuses_as_bytes_io_does(data):
    assert message_of(neap.Stream(8, 8).write, data) == message_of(io.BytesIO().write, data) is not None


@pytest.mark.parametrize("size", ["text", 1.5, b"", [1]])
def test_read_refuses_as_bytes_io_does(size):
    assert message_of(neap.Stream(8, 8).reader().read, size) == message_of(io.BytesIO().read, size) is not None


@pytest.mark.parametrize("target", [b"", "", 5, memoryview(b"123")])
def test_readinto_refuses_as_bytes_io_does(target):
    ours, theirs = message_of(neap.Stream(8, 8).reader().readinto, target), message_of(io.BytesIO().readinto, target)
    assert ours == theirs is not None


def test_closed_is_closed():
    with neap.Stream(8, 8) as stream:
        stream.write(b"1")
    assert stream.closed and stream.state == "closed"
    for function, argument in (stream.write, b"1"), (stream.claim, 1), (stream.commit, 1):
        with pytest.raises(ValueError, match="closed stream"):
            function(argument)
    stream.close()


@pytest.mark.parametrize("start, error", [("then", ValueError), (-1, ValueError), (1.5, TypeError), (None, TypeError),
                                          (1 << 80, OverflowError)])
def test_wrong_starts(start, error):
    with pytest.raises(error):
        neap.Stream(8, 8).reader(start)


def test_reader_needs_a_stream():
    with pytest.raises(TypeError, match="Stream"):
        neap.Reader(5)


def test_claims():
    stream = neap.Stream(8, 8)
    with pytest.raises(ValueError, match="positive"):
        stream.claim(0)
    with pytest.raises(ValueError, match="claimed"):
        stream.commit(1)
    with pytest.raises(ValueError, match="claimed"):
        stream.commit(-1)
    with pytest.raises(TypeError):
        stream.claim("1")


def test_a_stale_claim_is_refused():
    """Whatever comes after a claim ends it, and its memory can be written no more."""
    stream = neap.Stream(64, 4)
    reader = stream.reader()
    claim = stream.claim(64)
    claim[:4] = b"aaaa"
    stream.write(b"zz")
    with pytest.raises(ValueError, match="nothing is claimed"):
        stream.commit(4)
    with pytest.raises(ValueError, match="released"):
        claim[0] = 1
    first = stream.claim(8)
    second = stream.claim(4)
    with pytest.raises(ValueError, match="released"):
        first[0] = 1
    second[:] = b"bbbb"
    with pytest.raises(ValueError, match="more is committed"):
        stream.commit(5)
    second[0] = ord("c")  # it goes on after a mistake
    stream.commit(4)
    with pytest.raises(ValueError, match="released"):
        second[0] = 88
    with pytest.raises(ValueError, match="nothing is claimed"):
        stream.commit(1)
    third = stream.claim(8)
    stream.close()
    with pytest.raises(ValueError, match="released"):
        third[0] = 88
    assert reader.read() == b"zzcbbb"


def test_a_claim_of_which_a_part_is_used():
    """A slice can be written after its memoryview was released: so it has to go first."""
    stream = neap.Stream(64, 4)
    claim = stream.claim(8)
    part = claim[2:4]
    claim[:] = b"01234567"
    for call in (lambda: stream.commit(8), lambda: stream.write(b"x"), lambda: stream.claim(3)):
        with pytest.raises(BufferError):
            call()
    part[:] = b"ab"
    part.release()
    stream.commit(8)
    other = memoryview(stream.claim(2))
    other[:] = b"yz"
    with pytest.raises(BufferError):
        stream.commit(2)
    del other
    stream.commit(2)
    assert stream.reader("oldest").read() == b"01ab4567yz"


def test_what_cannot_be_pickled_says_so():
    stream = neap.Stream(8, 8)
    for thing in stream, stream.reader():
        with pytest.raises(TypeError, match="cannot pickle"):
            pickle.dumps(thing)


def test_descriptions():
    stream = neap.Stream(8, 4)
    stream.write(b"12345")
    assert repr(stream) == "<neap.Stream of 4 x 8 bytes, 5 written>"
    assert repr(stream.reader()) == "<neap.Reader at 5, 0 missed>"
    assert (stream.block_bytes, stream.block_count, stream.name, stream.writable) == (8, 4, None, True)
    assert neap.Stream.__module__ == neap.Reader.__module__ == "neap"
    with pytest.raises(AttributeError):
        stream.written = 5
    with pytest.raises(TypeError):
        neap.streams.View()


# --- views -------------------------------------------------------------------------------------


def filled():
    stream = neap.Stream(10, 4)
    reader = stream.reader()
    stream.write(bytes(range(35)))
    return stream, reader


def test_view_that_was_overwritten():
    stream, reader = filled()
    with pytest.raises(neap.Overrun):
        with reader.view() as memory:
            first = bytes(memory)
            stream.write(bytes(100))
    assert first == bytes(range(10))
    assert reader.missed == 100 and reader.read_block() == bytes(10)
    view = reader.view()
    stream.write(bytes(100))
    assert not view.valid and view.done() is False and view.done() is False


def test_view_that_was_not_used_up():
    _, reader = filled()
    with pytest.raises(KeyError):
        with reader.view():
            raise KeyError
    assert reader.offset == 0


def test_view_that_is_still_looked_through():
    _, reader = filled()
    view = reader.view()
    pin = pickle.PickleBuffer(view.memory)
    with pytest.raises(BufferError, match="export"):
        with view:
            pass
    pin.release()
    assert view.done() is True and reader.offset == 10


def test_view_of_a_reader_that_moved():
    _, reader = filled()
    view = reader.view()
    reader.read(1)
    with pytest.raises(ValueError, match="moved"):
        view.done()
    assert not view.valid


def test_memory_outlives_the_names():
    _, reader = filled()
    memory = reader.view().memory
    del reader, _
    gc.collect()
    assert bytes(memory) == bytes(range(10))


# --- waiting and threads ---------------------------------------------------------------------------


def test_wait_has_a_limit():
    stream, reader = filled()
    reader.read()
    assert reader.wait(0) is False and reader.wait(0.01) is False
    with pytest.raises(ValueError):
        reader.wait(-1)
    with pytest.raises(TypeError):
        reader.wait("1")
    stream.write(b"1234")
    assert reader.wait(0, nbytes=4) is True and reader.wait(0, 5) is False
    stream.write(bytes(40))
    assert reader.wait(0, 1000) is False  # the oldest whole block is 39 bytes back
    stream.write(bytes(1))
    assert reader.wait(0, 1000) is True  # the ring: more are never there
    stream.close()
    assert reader.wait() is True


def test_iteration_in_threads():
    stream = neap.Stream(100, 1000)
    results = []
    threads = [threading.Thread(target=lambda: results.append(b"".join(stream.reader("oldest")))) for _ in range(4)]
    for thread in threads:
        thread.start()
    data = bytes(i * 7 % 251 for i in range(50000))
    for at in range(0, len(data), 333):
        stream.write(data[at:at + 333])
    stream.close()
    for thread in threads:
        thread.join()
    assert results == [data] * 4


# --- sending -----------------------------------------------------------------------------------------


@pytest.fixture
def pair():
    one, other = socket.socketpair()
    with one, other:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        yield one, other


def test_send(pair):
    stream, reader = filled()
    assert reader.send(pair[0], 7) == 7 and reader.send(pair[0]) == 28 and reader.send(pair[0]) == 0
    assert pair[1].recv(100) == bytes(range(35))
    stream.write(b"12")
    assert reader.send(pair[0].fileno()) == 2
    for wrong in "text", None, 1.5:
        with pytest.raises(TypeError):
            reader.send(wrong)
    with pytest.raises(ValueError):
        reader.send(pair[0], -1)
    with pytest.raises(TypeError):
        reader.send(pair[0], "1")


def test_send_waits_as_the_socket_does(pair):
    stream = neap.Stream(1 << 16, 16)
    reader = stream.reader()
    data = bytes(i % 253 for i in range(700000))
    stream.write(data)
    pair[0].setblocking(False)
    sent = 0
    with pytest.raises(BlockingIOError):
        while True:
            sent += reader.send(pair[0])
    pair[0].settimeout(0.01)
    with pytest.raises(TimeoutError, match="^timed out$"):
        reader.send(pair[0])
    assert reader.offset == sent
    pair[0].setblocking(True)
    got = []
    thread = threading.Thread(target=lambda: got.append(pair[1].recv(len(data), socket.MSG_WAITALL)))
    thread.start()
    while reader.lag:
        reader.send(pair[0])
    thread.join()
    assert got == [data]


def test_send_to_nobody(pair):
    _, reader = filled()
    pair[1].close()
    with pytest.raises(BrokenPipeError):
        reader.send(pair[0])
    assert reader.offset == 0


# --- references ----------------------------------------------------------------------------------------


def use_everything():
    stream = neap.Stream(16, 4)
    reader = stream.reader()
    for _ in range(10):
        stream.write(b"0123456789" * 7)
        reader.read(3), reader.read_block(), reader.readinto(bytearray(3))
        with reader.view() as memory:
            bytes(memory)
        reader.view(), reader.lag, reader.ended, reader.stream, repr(reader), repr(stream)
        for wrong in (lambda: stream.write("x"), lambda: reader.read("x"), lambda: reader.readinto(b""),
                      lambda: neap.Stream(0, 1), lambda: stream.reader("x"), lambda: stream.commit(99)):
            try:
                wrong()
            except (TypeError, ValueError):
                pass
        with stream.claim(5) as memory:
            memory[:1] = b"x"
        stream.commit(1)
    stream._on_change(lambda: stream)  # a circle
    list_of = [stream, reader]
    list_of.append(list_of)


def test_nothing_is_kept():
    def blocks():
        gc.collect()
        return sys.getallocatedblocks()

    for _ in range(300):
        use_everything()
    grown = []  # in rounds: CPython's own caches grow too, but not in each of them
    for _ in range(5):
        before = blocks()
        for _ in range(100):
            use_everything()
        grown.append(blocks() - before)
    assert min(grown) < 50, grown


def test_a_pieces_way_takes_no_memory():
    stream = neap.Stream(1400, 16)
    reader, buffer = stream.reader(), bytearray(1400)
    piece = bytes(700)
    count = sys.getrefcount(piece)
    before = sys.getallocatedblocks()
    for _ in range(1000):
        stream.write(piece)
        reader.readinto(buffer)
    assert sys.getallocatedblocks() - before < 10 and sys.getrefcount(piece) == count
