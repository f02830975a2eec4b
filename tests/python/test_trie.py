"""neap.Trie and neap.FrozenTrie against dict and sorted lists."""

import copy
import gc
import pickle
import subprocess
import sys
from collections.abc import ItemsView, KeysView, Mapping, MutableMapping, ValuesView

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import neap

KEYS = st.one_of(st.text(alphabet="ab", max_size=8), st.text(max_size=6), st.text(alphabet="0123456789", max_size=20))
VALUES = st.integers(0, 2**32 - 1)
WORDS = {"dart": 1, "dance": 2, "dancer": 3, "danger": 4}


def utf8(text):
    return text.encode("utf-8", "surrogatepass")


class TrieMachine(RuleBasedStateMachine):
    """Any operations leave a Trie as they leave a dict."""

    @initialize(items=st.dictionaries(KEYS, VALUES, max_size=300))
    def start(self, items):
        self.model = dict(items)
        self.trie = neap.Trie("str", "u32", items)

    @rule(key=KEYS, value=VALUES)
    def put(self, key, value):
        self.trie[key] = self.model[key] = value

    @rule(items=st.dictionaries(KEYS, VALUES, max_size=100))
    def update(self, items):
        self.trie.update(items)
        self.model.update(items)

    @rule(key=KEYS)
    def take(self, key):
        assert self.trie.pop(key, None) == self.model.pop(key, None)

    @rule(data=st.data())
    def take_some(self, data):
        for key in data.draw(st.lists(st.sampled_from(sorted(self.model)), unique=True)) if self.model else []:
            del self.trie[key], self.model[key]

    @rule(key=KEYS)
    def take_prefix(self, key):
        for gone in list(self.trie.prefix(key[:1])):
            del self.trie[gone], self.model[gone]

    @rule(key=KEYS, value=VALUES)
    def setdefault(self, key, value):
        assert self.trie.setdefault(key, value) == self.model.setdefault(key, value)

    @rule()
    def compact(self):
        self.trie.compact()

    @rule(prefix=KEYS, first=KEYS, last=KEYS)
    def look(self, prefix, first, last):
        ordered = sorted(self.model)
        for trie in self.trie, self.trie.freeze():
            assert list(trie.prefix(prefix)) == [key for key in ordered if key.startswith(prefix)]
            assert list(trie.range(first, last)) == [key for key in ordered if first <= key < last]
            assert list(trie.range(first).items()) == [(key, self.model[key]) for key in ordered if key >= first]
            assert len(trie.range(last=last)) == sum(key < last for key in ordered)
            wanted = sorted((key for key in ordered if last.startswith(key)), key=len)
            assert trie.prefixes_of(last) == wanted
            assert trie.longest_prefix_of(last) == (wanted[-1] if wanted else None)
            assert trie.get(prefix) == self.model.get(prefix)
            assert (prefix in trie) == (prefix in self.model)

    @invariant()
    def same(self):
        assert len(self.trie) == len(self.model)
        assert list(self.trie.items()) == sorted(self.model.items())
        assert self.trie == self.model


TestTrieMachine = TrieMachine.TestCase
TestTrieMachine.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


@pytest.mark.parametrize("kind, least, most", [("i8", -128, 127), ("u16", 0, 65535), ("i64", -(2**63), 2**63 - 1)])
def test_integers_are_in_order(kind, least, most):
    keys = {least, most, 0, 1, most // 2, least // 2}
    for trie in neap.Trie(kind, None, keys), neap.FrozenTrie(kind, None, keys):
        assert list(trie) == sorted(keys)
        assert list(trie.range(0, most)) == sorted(key for key in keys if 0 <= key < most)
        assert most + 1 not in trie
        with pytest.raises(TypeError, match="no prefixes"):
            trie.prefix(1)
    with pytest.raises(OverflowError):
        trie.copy()[most + 1] = None


@given(st.dictionaries(st.binary(max_size=12), st.binary(max_size=400), max_size=60))
@settings(deadline=None, max_examples=60)
def test_values_may_be_bytes(items):
    trie = neap.Trie("bytes", "bytes", items)
    assert dict(trie.items()) == items
    assert dict(trie.freeze().items()) == items
    assert [trie.freeze()[key] for key in items] == list(items.values())


@pytest.mark.parametrize("kind", ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64", "str", None])
def test_values_of_each_kind(kind):
    one = {"str": "value", None: None, "f32": 0.5, "f64": 1e300}.get(kind, 100)
    for trie in neap.Trie("str", kind, {"a": one, "b": one}), neap.FrozenTrie("str", kind, {"a": one, "b": one}):
        assert trie["a"] == one and trie.kinds == ("str", kind)
        assert list(trie.values()) == [one, one]


def test_is_a_mapping():
    trie = neap.Trie("str", "u32", WORDS)
    frozen = trie.freeze()
    assert isinstance(trie, MutableMapping) and isinstance(frozen, Mapping)
    assert not isinstance(frozen, MutableMapping)
    for t in trie, frozen:
        assert isinstance(t.keys(), KeysView) and isinstance(t.values(), ValuesView)
        assert isinstance(t.items(), ItemsView)
        assert t.keys() == WORDS.keys() and t.items() == WORDS.items()
        assert t.keys() & {"dart", "x"} == {"dart"} and t.keys() - {"dart"} == set(WORDS) - {"dart"}
        assert t == WORDS == t and t != {**WORDS, "x": 1} and t != {**WORDS, "dart": 2} and t != 1
        assert "dance" in t.prefix("dan") and "dart" not in t.prefix("dan") and "dance" not in t.range("dancer")
        assert ("dance", 2) in t.prefix("dan").items() and ("dance", 3) not in t.items()
        assert list(t.prefix("dan").items()) == [("dance", 2), ("dancer", 3), ("danger", 4)]
        assert list(t.prefix("dan").values()) == [2, 3, 4]
        with pytest.raises(TypeError):
            hash(t.copy()) if t is frozen else hash(t)
    assert repr(trie) == "Trie('str', 'u32', {'dance': 2, 'dancer': 3, 'danger': 4, 'dart': 1})"
    assert repr(frozen).startswith("FrozenTrie(")
    assert repr(trie.prefix("dar")) == "Trie_keys(['dart'])"
    assert trie | {"x": 1} == {**WORDS, "x": 1} and trie == WORDS
    trie |= {"x": 1}
    assert trie == {**WORDS, "x": 1} and trie.popitem() == ("dance", 2)
    trie.clear()
    assert len(trie) == 0 and list(trie) == []


def test_errors_are_as_those_of_a_dict():
    trie = neap.Trie("str", "u8", {"a": 1})
    for wrong in (lambda: trie["b"], lambda: trie.pop("b"), lambda: trie.__delitem__("b"), neap.Trie("str", None).popitem):
        with pytest.raises(KeyError):
            wrong()
    with pytest.raises(KeyError, match="^'b'$"):
        trie["b"]
    for key in 1, b"a", None:
        with pytest.raises(TypeError):
            trie[key]
    with pytest.raises(OverflowError):
        trie["a"] = 256
    with pytest.raises(TypeError):
        trie["a"] = "x"
    assert trie == {"a": 1}
    with pytest.raises(ValueError):
        neap.Trie("f64", "u8")
    with pytest.raises(ValueError):
        neap.Trie("u128", "u8")
    with pytest.raises(ValueError):
        trie.update([("a",)])
    with pytest.raises(TypeError):
        trie.update([1])
    with pytest.raises(TypeError):
        trie.freeze()["x"] = 1
    assert "\ud800" not in trie


def test_a_change_ends_an_iteration():
    trie = neap.Trie("str", "u32", {str(i): i for i in range(1000)})
    iterator = iter(trie)
    next(iterator)
    trie["0"] = 7  # no key came or went
    next(iterator)
    trie["x"] = 1
    for _ in range(2):
        with pytest.raises(RuntimeError, match="changed size during iteration"):
            next(iterator)
    for key in trie:
        trie.compact()  # nor here
    view = trie.prefix("99")
    assert len(view) == 11
    trie["99x"] = 1
    assert len(view) == 12


def test_pickle_and_copy():
    class Named(neap.Trie):
        pass

    trie = neap.Trie("str", "u32", WORDS)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        for t in trie, trie.freeze():
            again = pickle.loads(pickle.dumps(t, protocol))
            assert type(again) is type(t) and again == t and again.kinds == t.kinds
    other = copy.copy(trie)
    other["x"] = 1
    assert trie == WORDS and copy.deepcopy(trie.freeze()) == WORDS
    named = Named("str", None, ["a"])
    named.label = "here"
    assert copy.copy(named).label == "here" and type(copy.copy(named)) is Named


def test_files(tmp_path):
    path = tmp_path / "words.trie"
    items = {str(i * 7919 % 100003): i for i in range(20000)}
    frozen = neap.FrozenTrie("str", "u32", items)
    frozen.save(path)
    opened = neap.FrozenTrie.open(path, verify=True)
    assert opened == items and opened == frozen and opened.nbytes <= frozen.nbytes + 4096
    opened.save(path)
    assert opened == items
    with pytest.raises(FileNotFoundError):
        neap.FrozenTrie.open(tmp_path / "none")
    data = path.read_bytes()
    for wrong in b"", b"x" * 1000, data[:-1], data[: len(data) // 2], data + b"x":
        path.write_bytes(wrong)
        with pytest.raises(ValueError):
            neap.FrozenTrie.open(path)
    path.write_bytes(data[:-100] + bytes(100))
    with pytest.raises(ValueError, match="damaged"):
        neap.FrozenTrie.open(path, verify=True)
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_leaks():
    def work():
        trie = neap.Trie("str", "u32", {str(i): i for i in range(200)})
        frozen = trie.freeze()
        for t in trie, frozen:
            iterator = iter(t.items())
            next(iterator)
            list(t.prefix("1").items()), t.prefixes_of("123"), t.longest_prefix_of("x"), t.get(1.5 and "x")
            t == {"1": 1}, repr(t), pickle.dumps(t), len(t.range("1", "2"))
            with pytest.raises(TypeError):
                t[1]
            with pytest.raises(KeyError):
                t["none"]
        with pytest.raises(TypeError):
            trie.update([("1", 1), ("2", "x")])
        trie.pop("1"), trie.popitem(), trie.setdefault("new", 1), trie.clear()

    types, growths = sys.getrefcount(neap.Trie), []
    for _ in range(6):  # what CPython keeps for itself grows less and less; a leak does not
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(200):
            work()
        gc.collect()
        growths.append(sys.getallocatedblocks() - before)
    assert min(growths) < 150
    assert sys.getrefcount(neap.Trie) <= types + 2


def test_cycles_are_collected():
    class Named(neap.Trie):
        pass

    import weakref

    named = Named("str", None, ["a"])
    named.me = iter(named)
    gone = weakref.ref(named)
    del named
    gc.collect()
    assert gone() is None


def test_sub_interpreters_and_reimport():
    program = """
import sys
try:
    import _xxsubinterpreters as interpreters
except ImportError:
    import _interpreters as interpreters
code = "import neap; t = neap.Trie('str', 'u32', {'dart': 1}); assert list(t.freeze().prefix('d')) == ['dart']"
for _ in range(3):
    i = interpreters.create()
    interpreters.run_string(i, code)
    interpreters.destroy(i)
exec(code)
first = neap.Trie
for name in [name for name in sys.modules if name.startswith("neap")]:
    del sys.modules[name]
exec(code)
assert neap.Trie is not first and first("str", None, ["a"]) == {"a": None}
"""
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stderr == ""
