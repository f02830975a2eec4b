"""Map, Trie and Bits while a thread saves, copies, freezes or flushes them without the GIL."""
import os
import signal
import stat
import sys
import threading
import time

import pytest

neap = pytest.importorskip("neap")
from neap import Bits, FrozenTrie, Map, Trie  # noqa: E402

MANY = 300_000


def filled(kind):
    mapping = kind("u64", "u64")
    mapping.update((number, number) for number in range(MANY))
    return mapping


CALLS = [(Map, "save"), (Map, "copy"), (Trie, "copy"), (Trie, "freeze"), (FrozenTrie, "save"), (FrozenTrie, "copy")]


def call_of(mapping, name, folder):
    return lambda: mapping.save(folder / "file") if name == "save" else getattr(mapping, name)()


class Beside:
    """Runs a call again and again in another thread."""

    def __init__(self, call):
        self.call, self.stop, self.results, self.problem = call, False, [], None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            while not self.stop:
                self.results.append(self.call())
        except BaseException as error:
            self.problem = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.stop = True
        self.thread.join()
        assert self.problem is None, self.problem


@pytest.fixture
def eager():
    """Threads change as often as possible."""
    old = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(old)


@pytest.mark.parametrize("kind, name", CALLS)
def test_others_run_meanwhile(kind, name, tmp_path):
    """While the call is in C, this thread counts on: with the GIL held, it could not have counted between the
    moment before the call and the moment after it."""
    mapping = filled(Trie).freeze() if kind is FrozenTrie else filled(kind)
    count, marks = [0], []
    call = call_of(mapping, name, tmp_path)

    def work():
        for _ in range(3):
            before = count[0]
            call()
            marks.append(count[0] - before)

    old = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # nobody takes the GIL from another thread: it has to be given
    try:
        thread = threading.Thread(target=work)
        thread.start()
        while thread.is_alive():
            count[0] += 1
            time.sleep(0.0002)
        thread.join()
    finally:
        sys.setswitchinterval(old)
    assert min(marks) > 0, marks


@pytest.mark.parametrize("kind, name", [one for one in CALLS if one[0] is not FrozenTrie])
def test_changes_wait_and_reads_do_not(kind, name, tmp_path, eager):
    """What a call gives is the mapping at one moment: here it has all entries or none, because clear() and update()
    are single steps."""
    mapping, whole = filled(kind), filled(Map)
    call = call_of(mapping, name, tmp_path)
    with Beside(lambda: Map.open(tmp_path / "file", verify=True) if call() is None else call()) as beside:
        ends = time.monotonic() + 60
        while len(beside.results) < 5 and time.monotonic() < ends and not beside.problem:
            mapping.clear()
            mapping.update(whole)
            assert len(mapping) == MANY and mapping[5] == 5 and next(iter(mapping)) is not None
            assert mapping.setdefault(MANY, 1) == 1 and mapping.pop(MANY) == 1 and mapping.popitem() and len(mapping) == MANY - 1
            mapping[MANY + 1] = 7
            del mapping[MANY + 1]
    for result in beside.results:
        assert len(result) in (0, MANY - 1, MANY, MANY + 1) and len(list(result)) == len(result)
        assert not result or result[MANY // 2] == MANY // 2
    if kind is Map:
        assert mapping.add(5, 1) == 6
    mapping.clear()
    assert len(mapping) == 0


def test_two_readers_take_turns(tmp_path, eager):
    mapping = filled(Map)
    with Beside(lambda: mapping.save(tmp_path / "a")) as one, Beside(lambda: mapping.copy() == mapping) as two:
        while (len(one.results) < 3 or len(two.results) < 3) and not one.problem and not two.problem:
            time.sleep(0.01)
    assert all(two.results) and Map.open(tmp_path / "a", verify=True) == mapping


def test_trie_iterators_while_it_freezes(eager):
    """A cursor takes and gives back memory, which must not be the trie's while another thread walks over it."""
    trie = Trie("str", "u32", ((f"key {number}", number) for number in range(1000)))
    with Beside(lambda: len(trie.freeze())) as one, Beside(lambda: len(trie.copy())) as two:
        while len(one.results) < 700 and not one.problem and not two.problem:
            for _ in range(50):
                assert next(iter(trie.prefix("key 99"))) == "key 99" and len(trie.prefix("key 5")) == 111 and trie.prefix("key 7")
    assert set(one.results) == set(two.results) == {1000} and len(list(trie)) == 1000 and trie.freeze() == trie


@pytest.mark.parametrize("kind, name", [(Map, "save"), (Map, "copy"), (Trie, "freeze")])
def test_a_child_forked_meanwhile_goes_on(kind, name, tmp_path, eager):
    """The thread that reads does not exist in the child, which changes the mapping and waits for nobody."""
    mapping = filled(kind)
    call = call_of(mapping, name, tmp_path)
    with Beside(call) as beside:
        for turn in range(6):
            time.sleep(0.01 * (turn % 4))
            child = os.fork()
            if child == 0:
                signal.alarm(20)
                mapping[MANY] = 1
                del mapping[0]
                good = len(mapping) == MANY and mapping[MANY] == 1 and 0 not in mapping and len(mapping.copy()) == MANY
                os._exit(0 if good else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not beside.problem and len(mapping) == MANY


# --- Bits ------------------------------------------------------------------------------------------------------


def test_bits_while_they_are_flushed(tmp_path, eager):
    """Bits are read and set meanwhile; to resize or close raises BufferError, and does so only meanwhile."""
    with Bits.open(tmp_path / "bits", "w+") as bits:
        bits.resize(8 << 20)
        refused = 0
        with Beside(lambda: bits.flush()) as beside:
            ends = time.monotonic() + 30
            while (not refused or len(beside.results) < 20) and time.monotonic() < ends and not beside.problem:
                for at in range(0, 8 << 20, 50_000):
                    bits[at] = 1
                assert bits[50_000] == 1 and bits.count() > 100
                for call in (lambda: bits.resize(8 << 20 | 8), lambda: bits.append(1), lambda: bits.trim()):
                    try:
                        call()
                        bits.resize(8 << 20)
                    except BufferError as error:
                        refused += 1
                        assert "another thread flushes it" in str(error)
        assert refused > 0
        bits.resize(16)
        with memoryview(bits), pytest.raises(BufferError, match="Existing exports of data"):
            bits.resize(8)
    assert len(bits) == 0


def test_bits_flush_lets_others_run(tmp_path):
    with Bits.open(tmp_path / "bits", "w+") as bits:
        bits.resize(8 << 23)
        count, marks = [0], []

        def work():
            for _ in range(5):
                bits.invert()
                before = count[0]
                bits.flush()
                marks.append(count[0] - before)

        old = sys.getswitchinterval()
        sys.setswitchinterval(1000)
        try:
            thread = threading.Thread(target=work)
            thread.start()
            while thread.is_alive():
                count[0] += 1
                time.sleep(0.0002)
            thread.join()
        finally:
            sys.setswitchinterval(old)
        assert max(marks) > 0, marks


# --- where it cannot be saved ------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [lambda: Map("str", "u8", {"a": 1}), lambda: Trie("str", "u8", {"a": 1}).freeze()])
def test_what_is_in_the_way_is_said(made, tmp_path):
    """And not that the mapping is damaged."""
    mapping = made()
    os.mkfifo(tmp_path / "pipe")
    for path, kind, text in ((tmp_path, IsADirectoryError, "Is a directory"), (tmp_path / "pipe", OSError, "Not a regular file"),
                             (tmp_path / "none" / "file", FileNotFoundError, "No such file")):
        with pytest.raises(kind, match=text) as caught:
            mapping.save(path)
        assert caught.value.filename == path
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode)


# --- what may not count all of it ---------------------------------------------------------------------------------


@pytest.mark.parametrize("frozen", [False, True])
def test_whether_a_prefix_has_keys(frozen):
    trie = Trie("str", "u32", {"dart": 1, "dance": 2, "dancer": 3})
    trie = trie.freeze() if frozen else trie
    for view in (trie.prefix("dan"), trie.prefix("dan").items(), trie.prefix("").values(), trie.range("dance"), trie.keys(), trie.prefix("dart")):
        assert bool(view) is True and len(view) > 0
    for view in (trie.prefix("x"), trie.prefix("darts"), trie.range("e"), trie.range("a", "b").items(), Trie("str", None).keys(),
                 Trie("str", None).freeze().prefix("")):
        assert bool(view) is False and len(view) == 0
