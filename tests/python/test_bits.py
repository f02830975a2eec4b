"""neap.Bits against int, list of bool and bytearray."""
import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import needs_64_bits

neap = pytest.importorskip("neap")
try:
    Bits = neap.Bits
except (AttributeError, ImportError):
    pytest.skip("the package is built without its containers", allow_module_level=True)

bits_lists = st.lists(st.integers(0, 1), max_size=300)
indices = st.none() | st.integers(-330, 330)
slices = st.builds(slice, indices, indices, st.none() | st.integers(-70, 70).filter(bool))
EVEN_MORE = settings(max_examples=300, deadline=None)


def number(values):
    """What bits are as an int, the first one lowest."""
    return sum(bit << place for place, bit in enumerate(values))


def outcome(call):
    """The result of a call, or its exception's class and text."""
    try:
        return call()
    except Exception as error:
        return type(error), str(error)


# --- making ---------------------------------------------------------------------


@given(bits_lists)
def test_made_of_anything(values):
    text = "".join(map(str, values))
    for bits in (Bits(values), Bits(map(bool, values)), Bits(text), Bits(Bits(values)), Bits(tuple(values)),
                 Bits(" ".join(text) + "\n__"), Bits(len(values), number(values)), Bits(len(values), value=text + "101")):
        assert list(bits) == values and len(bits) == len(values) and bits == Bits(values)
        assert bits.to01() == text and int(bits) == number(values)
        assert repr(bits) == f"Bits('{text}')" and str(bits) == repr(bits)


@given(st.binary(max_size=100))
def test_made_of_bytes(data):
    expected = [byte >> bit & 1 for byte in data for bit in range(8)]
    for source in (data, bytearray(data), memoryview(data)):
        assert list(Bits(source)) == expected
    assert bytes(Bits(data)) == data and int(Bits(data)) == int.from_bytes(data, "little")
    assert list(Bits(len(data) * 8 // 2, data)) == expected[:len(data) * 8 // 2]


@given(st.integers(0, 1 << 400))
def test_made_of_a_number(value):
    bits = Bits.from_int(value)
    assert len(bits) == value.bit_length() and int(bits) == value
    assert int(Bits(500, value)) == value


def test_nothing_and_zeros():
    assert len(Bits()) == 0 and list(Bits(70)) == [0] * 70 and Bits(0) == Bits("") == Bits([])
    assert not Bits() and Bits(1)  # the truth is the length, as for every sequence


@pytest.mark.parametrize("arguments, error", [
    ((-1,), ValueError("negative count")),
    ((1.5,), TypeError("cannot convert 'float' object to Bits")),
    ((None,), TypeError("cannot convert 'NoneType' object to Bits")),
    (("012",), ValueError("invalid literal for Bits(): '012'")),
    (([0, 2],), ValueError("bit must be 0 or 1")),
    (([0, 1 << 100],), ValueError("bit must be 0 or 1")),
    ((["1"],), TypeError("'str' object cannot be interpreted as an integer")),
    ((3, 8), OverflowError("int too big to convert")),
    ((300, 1 << 300), OverflowError("int too big to convert")),
    ((3, -1), OverflowError("can't convert negative int to unsigned")),
    ((300, -1), OverflowError("can't convert negative int to unsigned")),
    ((3, "10"), ValueError("3 bits wanted and 2 given")),
    (("1", 2), TypeError("Bits() takes a value only after a count")),
    ((10 ** 30,), OverflowError("cannot fit 'int' into an index-sized integer")),
    pytest.param((sys.maxsize,), MemoryError(), marks=needs_64_bits),
])
def test_not_made(arguments, error):
    assert outcome(lambda: Bits(*arguments)) == (type(error), str(error))


def test_an_iterator_that_fails():
    def broken():
        yield 1
        raise KeyError("mine")
    with pytest.raises(KeyError):
        Bits(broken())
    bits = Bits("1")
    with pytest.raises(KeyError):
        bits.extend(broken())
    assert bits == Bits("1")


# --- as a bit field --------------------------------------------------------------


def test_the_bit_field_of_the_documentation():
    k = Bits(8)
    k[3] = 1
    assert k[4:8] == 0
    k[4:8] = 0b1011
    assert int(k) == 0b10111000 and k[3] == 1 and k[7] == 1 and k[4:8] == 11


@EVEN_MORE
@given(bits_lists, slices)
def test_slices_are_numbers(values, part):
    assert Bits(values)[part] == number(values[part])


@EVEN_MORE
@given(bits_lists, slices, st.integers(-2, 1 << 80) | st.integers(0, 20))
def test_numbers_are_assigned(values, part, value):
    bits, width = Bits(values), len(values[part])
    if 0 <= value < 1 << width:
        bits[part] = value
        values[part] = [value >> place & 1 for place in range(width)]
    else:
        with pytest.raises(OverflowError, match="too big" if value > 0 else "negative"):
            bits[part] = value
    assert list(bits) == values


def test_whose_index_changes_the_bits():
    """What runs foreign code comes before any look at the bits."""
    bits = Bits(1000)

    class Shrinking:
        def __init__(self, value):
            self.value = value

        def __index__(self):
            bits.clear()
            return self.value

    def again(call):
        bits.resize(1000)
        return outcome(call)

    def assign(key, value):
        bits[key] = value

    nothing = (IndexError, "Bits index out of range")
    assert again(lambda: bits[Shrinking(999)]) == nothing
    assert again(lambda: assign(999, Shrinking(1))) == nothing
    assert again(lambda: bits[Shrinking(3):900]) == 0
    assert again(lambda: assign(slice(Shrinking(3), 900), 1)) == (OverflowError, "int too big to convert")
    assert again(lambda: assign(slice(3, 900), Shrinking(1))) == (OverflowError, "int too big to convert")
    assert again(lambda: bits.count(1, Shrinking(3), 900)) == 0
    assert again(lambda: bits.find(0, Shrinking(3), 900)) == -1
    assert again(lambda: bits.fill(1, Shrinking(3), 900)) is None and len(bits) == 0
    assert again(lambda: bits.copy(Shrinking(3), 900)) == Bits()
    assert again(lambda: bits.insert(Shrinking(900), 1)) is None and bits == Bits("1")
    assert again(lambda: bits.pop(Shrinking(900))) == (IndexError, "pop from empty Bits")
    assert again(lambda: bits.resize(Shrinking(5))) is None and len(bits) == 5
    assert again(lambda: bits & Shrinking(5)) == (ValueError, "Bits of equal length expected")
    assert again(lambda: bits << Shrinking(5)) == Bits()

    def shrinking():
        yield 1
        bits.clear()
    assert again(lambda: assign(slice(3, 900), shrinking())) is None and bits == Bits("1")
    assert again(lambda: bits.extend(shrinking())) is None and bits == Bits("1")


# --- as a sequence, beside a bytearray of zeros and ones ------------------------------


def both(values):
    return Bits(values), bytearray(values)


class Beside:
    """Calls on Bits and on a bytearray with the same result, or the same exception and text."""

    def __init__(self, values):
        self.bits, self.plain = both(values)

    def same(self, call):
        ours, theirs = outcome(lambda: call(self.bits, Bits)), outcome(lambda: call(self.plain, bytearray))
        if isinstance(theirs, (bytes, bytearray)):
            theirs = Bits(theirs and list(theirs))
        if isinstance(theirs, tuple) and isinstance(theirs[1], str):
            theirs = theirs[0], theirs[1].replace("bytearray", "Bits").replace("bytes", "bits").replace(
                "subsection not found", "bits not found")
        assert ours == theirs
        assert list(self.bits) == list(self.plain)


def assign(target, key, value):
    target[key] = value


def delete(target, key):
    del target[key]


positions = st.integers(-310, 310)
steps = st.one_of(
    st.tuples(st.just("get"), positions),
    st.tuples(st.just("set"), positions, st.integers(0, 1) | st.booleans()),
    st.tuples(st.just("delete"), positions | slices),
    st.tuples(st.just("replace"), slices, bits_lists),
    st.tuples(st.just("fit"), slices, st.integers(0, 1)),
    st.tuples(st.just("append"), st.integers(0, 1)),
    st.tuples(st.just("extend"), bits_lists),
    st.tuples(st.just("insert"), positions, st.integers(0, 1)),
    st.tuples(st.just("pop"), positions),
    st.tuples(st.just("join"), bits_lists),
    st.tuples(st.just("times"), st.integers(-1, 3)),
    st.tuples(st.just("index"), bits_lists | st.integers(0, 1), indices, indices),
    st.tuples(st.just("find"), st.lists(st.integers(0, 1), max_size=4) | st.integers(0, 1), indices, indices),
    st.tuples(st.just("rfind"), st.integers(0, 1), indices, indices),
    st.tuples(st.just("count"), st.integers(0, 1), indices, indices),
    st.tuples(st.just("contains"), bits_lists | st.integers(0, 1)),
    st.tuples(st.just("reverse")),
    st.tuples(st.just("clear")),
    st.tuples(st.just("itself"), slices),
)


def in_kind(value, kind):
    return kind(value) if isinstance(value, list) else value


CALLS = {
    "get": lambda a, kind, at: a[at],
    "set": lambda a, kind, at, bit: assign(a, at, bit),
    "delete": lambda a, kind, key: delete(a, key),
    # Nothing in the place of every second one deletes them from a bytearray; from a list, and here, not.
    "replace": lambda a, kind, part, values: part.step in (None, 1) or values and assign(a, part, kind(values)),
    "fit": lambda a, kind, part, bit: assign(a, part, kind([bit] * len(range(*part.indices(len(a)))))),
    "append": lambda a, kind, bit: a.append(bit),
    "extend": lambda a, kind, values: a.extend(values),
    "insert": lambda a, kind, at, bit: a.insert(at, bit),
    "pop": lambda a, kind, at: a.pop(at),
    "join": lambda a, kind, values: a + kind(values),
    "times": lambda a, kind, times: a * times,
    "index": lambda a, kind, what, start, stop: a.index(in_kind(what, kind), start, stop),
    "find": lambda a, kind, what, start, stop: a.find(in_kind(what, kind), start, stop),
    "rfind": lambda a, kind, bit, start, stop: a.rfind(bit, start, stop),
    "count": lambda a, kind, bit, start, stop: a.count(bit, start, stop),
    "contains": lambda a, kind, what: in_kind(what, kind) in a,
    "reverse": lambda a, kind: a.reverse(),
    "clear": lambda a, kind: a.clear(),
    "itself": lambda a, kind, part: assign(a, part, a),
}


@EVEN_MORE
@given(bits_lists, st.lists(steps, max_size=12))
def test_as_a_bytearray(values, calls):
    beside = Beside(values)
    for name, *arguments in calls:
        beside.same(lambda a, kind: CALLS[name](a, kind, *arguments))


# What a bytearray says, and what of Bits is to say otherwise.
OTHER_WORDS = {
    "can't extend bytearray with int": "cannot convert 'int' object to Bits",
    "find() takes at least 1 argument (0 given)": "find expected at least 1 argument, got 0",
    "subsection not found": "bits not found",
}


@pytest.mark.parametrize("call", [
    lambda a, kind: a[3], lambda a, kind: a[-4], lambda a, kind: a["x"], lambda a, kind: a[1.0],
    lambda a, kind: a[10 ** 30], lambda a, kind: assign(a, 3, 1), lambda a, kind: assign(a, 0, "x"),
    lambda a, kind: assign(a, "x", 1), lambda a, kind: delete(a, 3), lambda a, kind: delete(a, "x"),
    lambda a, kind: a.append("x"), lambda a, kind: a.pop(7), lambda a, kind: kind().pop(),
    lambda a, kind: a.insert("x", 1), lambda a, kind: a + 1, lambda a, kind: a * "x",
    lambda a, kind: a.find(0, "x"), lambda a, kind: a.extend(1), lambda a, kind: a[::0],
    lambda a, kind: assign(a, slice(None, None, 0), kind()), lambda a, kind: a.find(),
    lambda a, kind: a * 10 ** 30, lambda a, kind: kind(3).index(1),
])
def test_messages_are_those_of_a_bytearray(call):
    bits, plain = both([1, 0, 1])
    ours, theirs = outcome(lambda: call(bits, Bits)), outcome(lambda: call(plain, bytearray))
    assert ours == (theirs[0], OTHER_WORDS.get(theirs[1], theirs[1].replace("bytearray", "Bits")))


@EVEN_MORE
@given(bits_lists, indices, indices)
def test_ranges(values, start, stop):
    bits, part = Bits(values), slice(start, stop)
    assert list(bits.copy(start, stop)) == values[part]
    places = range(len(values))[part]
    assert list(bits.ones(start, stop)) == [place for place in places if values[place]]
    bits.invert(start, stop)
    assert list(bits) == [bit ^ (place in places) for place, bit in enumerate(values)]
    bits.fill(1, start, stop)
    assert list(bits) == [1 if place in places else bit for place, bit in enumerate(values)]


@given(bits_lists, st.integers(0, 400))
def test_resize(values, count):
    bits = Bits(values)
    bits.resize(count)
    assert list(bits) == (values + [0] * count)[:count]
    assert sys.getsizeof(bits) <= count / 8 + 64 and bits.nbytes == sys.getsizeof(bits)


@given(bits_lists)
def test_any_all_count(values):
    bits = Bits(values)
    assert (bits.any(), bits.all(), bits.count(), bits.count(0)) == (
        any(values), all(values), sum(values), len(values) - sum(values))
    assert list(reversed(bits)) == values[::-1]


# --- as a number ----------------------------------------------------------------------


@EVEN_MORE
@given(bits_lists, st.randoms(use_true_random=False), st.integers(0, 400))
def test_operators_are_those_of_int(values, chance, distance):
    count = len(values)
    mask, mine, other = (1 << count) - 1, number(values), chance.getrandbits(count + 1) >> 1
    a, b = Bits(values), Bits(count, other)
    expected = {"and": mine & other, "or": mine | other, "xor": mine ^ other}
    assert [int(c) for c in (a & b, a | b, a ^ b)] == list(expected.values())
    assert [int(c) for c in (a & other, other | a, a ^ other)] == list(expected.values())
    assert [a.count_and(b), a.count_or(b), a.count_xor(b)] == [v.bit_count() for v in expected.values()]
    assert int(~a) == ~mine & mask
    assert int(a & ~other) == mine & ~other & mask
    assert int(a | -1 - other) == (mine | ~other) & mask
    assert int(a << distance) == mine << distance & mask and int(a >> distance) == mine >> distance
    assert a == Bits(values) and len(a << distance) == count
    c = a
    c &= b
    c |= a
    c ^= b
    c <<= distance
    assert c is a and int(a) == ((mine & other | mine & other) ^ other) << distance & mask
    c >>= distance
    c ^= -1
    assert c is a and int(a) == ~((mine & other ^ other) << distance & mask) >> distance & mask or distance


def test_operators_with_what_does_not_fit():
    k = Bits("101")
    assert outcome(lambda: k & 8) == (OverflowError, "int too big to convert")
    assert outcome(lambda: k & -9) == (OverflowError, "int too big to convert")
    assert outcome(lambda: Bits(300) | 1 << 300) == (OverflowError, "int too big to convert")
    assert outcome(lambda: k & Bits(4)) == (ValueError, "Bits of equal length expected")
    assert outcome(lambda: k.count_xor(Bits(4))) == (ValueError, "Bits of equal length expected")
    assert outcome(lambda: k << -1) == outcome(lambda: 1 << -1)
    for call in (lambda: k & "1", lambda: "1" | k, lambda: k << "1", lambda: 1 << k, lambda: k ^ 1.0, lambda: k < k,
                 lambda: hash(k), lambda: k.count_and(5), lambda: Bits.from_int("1"), lambda: k.no_such):
        assert outcome(call)[0] in (TypeError, AttributeError)
    assert k << 10 ** 30 == Bits(3) and k == Bits("101") and k != "101" and k != 5


@given(bits_lists, bits_lists)
def test_equality(values, others):
    assert (Bits(values) == Bits(others)) is (values == others)
    assert (Bits(values) != Bits(others)) is (values != others)


# --- iteration and change ---------------------------------------------------------------


def test_iteration_over_what_changes():
    bits = Bits("1111")
    seen = []
    for place in bits.ones():
        seen.append(place)
        if place < 2:
            bits.append(1)
        if place == 4:
            bits.resize(3)
    assert seen == [0, 1, 2, 3, 4]
    ones = bits.ones()
    assert list(ones) == [0, 1, 2]
    bits.append(1)
    assert list(ones) == [] and next(ones, None) is None  # what has ended stays so
    assert [bit for bit in bits if bits.pop(0) or True] == [1, 1]


def test_not_to_be_derived_from_or_changed():
    with pytest.raises(TypeError):
        type("More", (Bits,), {})
    with pytest.raises(TypeError):
        Bits.more = 1
    with pytest.raises(TypeError):
        type(Bits().ones())()


# --- buffers, copies, pickles -----------------------------------------------------------------


def test_buffer():
    bits = Bits(12)
    with memoryview(bits) as view:
        assert (view.nbytes, view.format, view.readonly) == (2, "B", False)
        view[0] = 0b101
        view[1] = 0xFF  # more than there are bits
        assert bits[0:4] == 0b101 and bits.count() == 6 and len(bits) == 12
        for call in (lambda: bits.append(1), lambda: bits.resize(13), lambda: bits.clear(), lambda: bits.pop(),
                     lambda: bits.extend("1"), lambda: delete(bits, 0), lambda: delete(bits, slice(0, 3)),
                     lambda: delete(bits, slice(0, 9, 2)), lambda: assign(bits, slice(0, 3), "1"), lambda: bits.insert(0, 1),
                     lambda: bits.__imul__(2), lambda: bits.trim()):
            assert outcome(call) == (BufferError, "Existing exports of data: object cannot be re-sized")
        bits[1] = 1  # no length changes
        bits[2:4] = "11"
        bits <<= 1
        bits.resize(12)
        assert view[0] == 0b11110
    assert bytes(bits)[1] < 1 << 4  # what lay beyond the end is gone
    bits.append(1)
    assert bits[12] == 1 and len(bits) == 13


@given(bits_lists)
def test_pickled_and_copied(values):
    bits = Bits(values)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(bits, protocol)) == bits
    for twin in (copy.copy(bits), copy.deepcopy(bits), bits.copy(), eval(repr(bits))):
        assert twin == bits and twin is not bits
        twin.append(1)
        assert twin != bits


def test_long_ones_are_not_written_out():
    assert repr(Bits(2000)) == "<neap.Bits: 2000 bits, 0 of them set>" and len(Bits(2000).to01()) == 2000


# --- files ------------------------------------------------------------------------------------


def test_file(tmp_path):
    path = tmp_path / "flags"
    with Bits.open(path, "w+") as bits:
        assert len(bits) == 0
        bits.resize(100_003)
        bits[100_002] = 1
        bits[5:70] = (1 << 65) - 1
        bits.flush()
        assert path.stat().st_size == 12_501
        with Bits.open(path) as twin:  # the same pages
            bits[0] = 1
            assert twin[0] == 1 and len(twin) == 100_008 and twin.count() == 67
    assert len(bits) == 0
    with Bits.open(str(path), "r+") as bits:
        assert list(bits.ones(60)) == [*range(60, 70), 100_002]
        del bits[:100_000]
        bits.extend("11")
        assert path.stat().st_size == 2 and list(bits) == [0, 0, 1, 0, 0, 0, 0, 0, 1, 1]
    assert path.read_bytes() == b"\x04\x03"


def test_file_to_read_only(tmp_path):
    path = tmp_path / "flags"
    path.write_bytes(b"\x05" * 20)
    with Bits.open(path) as bits:
        for call in (lambda: assign(bits, 0, 1), lambda: assign(bits, slice(0, 3), 1), lambda: bits.append(1), lambda: bits.fill(0),
                     lambda: bits.invert(), lambda: bits.reverse(), lambda: bits.clear(), lambda: bits.resize(160),
                     lambda: bits.__iand__(bits), lambda: bits.__ilshift__(1), lambda: bits.__imul__(2), lambda: bits.pop(),
                     lambda: delete(bits, 0), lambda: delete(bits, slice(0, 9, 3)), lambda: bits.insert(0, 1),
                     lambda: assign(bits, slice(0, 9, 3), "111"), lambda: bits.__iadd__("1")):
            assert outcome(call) == (TypeError, "cannot modify read-only memory")
        assert memoryview(bits).readonly and bits.count() == 40 and int(~bits & bits) == 0
        assert pickle.loads(pickle.dumps(bits)) == bits
        view = memoryview(bits)
        assert outcome(bits.close)[0] is BufferError
        view.release()
    assert path.read_bytes() == b"\x05" * 20


def test_files_that_there_are_not(tmp_path):
    assert outcome(lambda: Bits.open(tmp_path / "none"))[0] is FileNotFoundError
    assert outcome(lambda: Bits.open(tmp_path / "none" / "none", "w+"))[0] is FileNotFoundError
    assert outcome(lambda: Bits.open(tmp_path, "r"))[0] is ValueError
    assert outcome(lambda: Bits.open("/dev/null"))[0] is ValueError
    assert outcome(lambda: Bits.open(tmp_path / "none", "rw")) == (ValueError, "mode must be 'r', 'r+' or 'w+', not 'rw'")
    assert outcome(lambda: Bits.open("a\0b"))[0] is ValueError
    assert not os.listdir(tmp_path)


def test_block_device(tmp_path):
    image = tmp_path / "image"
    image.write_bytes(bytes(1 << 20))
    try:
        made = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no losetup")
    if made.returncode != 0:
        pytest.skip("no loop device: " + made.stderr.strip())
    device = made.stdout.strip()
    try:
        with Bits.open(device, "r+") as bits:
            assert len(bits) == 8 << 20
            bits[12_345] = 1
            bits[100:164] = (1 << 64) - 1
            bits.flush()
            for call in (lambda: bits.append(1), lambda: bits.pop(), lambda: bits.resize(5), lambda: bits.clear(),
                         lambda: delete(bits, 0), lambda: bits.insert(0, 1), lambda: delete(bits, slice(0, 9, 2)),
                         lambda: assign(bits, slice(0, 3), "1")):
                assert outcome(call) == (ValueError, "a device cannot be resized")
        with Bits.open(device) as bits:
            assert list(bits.ones()) == [*range(100, 164), 12_345]
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
    assert Bits(image.read_bytes()).count() == 65


@needs_64_bits
def test_a_full_disk_is_an_error_and_no_crash():
    """Growing takes its place on the disk at once."""
    full = Path("/dev/shm")
    if not full.is_dir() or os.statvfs(full).f_bavail * os.statvfs(full).f_frsize > 1 << 40:
        pytest.skip("no memory file system of a known size")
    path = full / f"neap-bits-{os.getpid()}"
    try:
        with Bits.open(path, "w+") as bits:
            bits.resize(80)
            bits[79] = 1
            with pytest.raises(OSError):
                bits.resize(8 << 41)
            assert len(bits) == 80 and bits[79] == 1 and path.stat().st_size == 10
    finally:
        path.unlink(missing_ok=True)
