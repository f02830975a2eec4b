"""neap.Map against dict."""
import collections.abc
import copy
import math
import pickle
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

neap = pytest.importorskip("neap")
try:
    Map = neap.Map
except (AttributeError, ImportError):
    pytest.skip("the package is built without its containers", allow_module_level=True)


def whole(bits, signed):
    return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1) if signed else st.integers(0, (1 << bits) - 1)


KINDS = {
    "str": st.text(st.characters(blacklist_categories=["Cs"]), max_size=12) | st.integers(200, 600).map(lambda n: "é" * n),
    "bytes": st.binary(max_size=12) | st.integers(250, 300).map(bytes),
    **{f"{'i' if signed else 'u'}{bits}": whole(bits, signed) for bits in (8, 16, 32, 64) for signed in (True, False)},
    "f32": st.floats(width=32, allow_nan=False),
    "f64": st.floats(allow_nan=False),
    None: st.none(),
}
kind_pairs = st.sampled_from([(key, value) for key in KINDS if key for value in KINDS])


@st.composite
def filled(draw, max_size=60):
    """Kinds, and a dict of such entries."""
    key, value = draw(kind_pairs)
    return key, value, draw(st.dictionaries(KINDS[key], KINDS[value], max_size=max_size))


def outcome(call):
    """The result of a call, or its exception's class and arguments."""
    try:
        return call()
    except Exception as error:
        return type(error), error.args


class Twins(RuleBasedStateMachine):
    """The same calls on a Map and on a dict."""

    @initialize(kinds=kind_pairs)
    def make(self, kinds):
        self.kinds, self.map, self.dict = kinds, Map(*kinds), {}

    def key(self, data):
        """A key that is there as often as not."""
        fresh = KINDS[self.kinds[0]]
        return data.draw(st.sampled_from(sorted(self.dict)) | fresh if self.dict else fresh)

    def value(self, data):
        return data.draw(KINDS[self.kinds[1]])

    def both(self, call):
        ours, theirs = outcome(lambda: call(self.map)), outcome(lambda: call(self.dict))
        assert ours == theirs

    @rule(data=st.data())
    def set_item(self, data):
        key, value = self.key(data), self.value(data)
        self.both(lambda m: m.__setitem__(key, value))

    @rule(data=st.data())
    def set_many(self, data):
        more = data.draw(st.dictionaries(KINDS[self.kinds[0]], KINDS[self.kinds[1]], max_size=80))
        self.both(lambda m: m.update(more))

    @rule(data=st.data())
    def delete(self, data):
        key = self.key(data)
        self.both(lambda m: m.__delitem__(key))

    @rule(data=st.data())
    def delete_many(self, data):
        for key in sorted(self.dict)[::data.draw(st.integers(1, 3))]:
            self.both(lambda m: m.__delitem__(key))

    @rule(data=st.data())
    def pop(self, data):
        key, default = self.key(data), object()
        self.both(lambda m: m.pop(key, default))
        self.both(lambda m: m.pop(key))

    @rule(data=st.data())
    def setdefault(self, data):
        key, value = self.key(data), self.value(data)
        self.both(lambda m: m.setdefault(key, value))

    @rule()
    def popitem(self):
        if not self.dict:
            with pytest.raises(KeyError):
                self.map.popitem()
            return
        key, value = self.map.popitem()
        assert self.dict.pop(key) == value

    @rule()
    def clear(self):
        self.both(lambda m: m.clear())

    @rule()
    def trim(self):
        assert self.map.trim() >= 0

    @rule(data=st.data())
    def look(self, data):
        key, default = self.key(data), object()
        self.both(lambda m: m[key])
        self.both(lambda m: m.get(key))
        self.both(lambda m: m.get(key, default))
        self.both(lambda m: key in m)

    @invariant()
    def same(self):
        if hasattr(self, "map"):
            assert len(self.map) == len(self.dict) and dict(self.map.items()) == self.dict
            assert self.map == self.dict and self.dict == self.map and not self.map != self.dict


Twins.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestTwins = Twins.TestCase


# --- making, comparing, copying ---------------------------------------------------


@given(filled())
def test_made_of_anything(given_):
    key, value, items = given_
    sources = [items, Map(key, value, items), items.items() if value else items, iter(items.items() if value else items)]
    for source in sources:
        assert Map(key, value, source) == items
    assert Map.from_items(key, value, items) == items
    assert Map(key, value, {}) == {} and Map(key, value).kinds == (key, value)
    assert Map(key=key, value=value, items=items) == items


@given(filled())
def test_copies_are_equal_and_apart(given_):
    key, value, items = given_
    first = Map(key, value, items)
    for second in (first.copy(), copy.copy(first), copy.deepcopy(first),
                   *(pickle.loads(pickle.dumps(first, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1))):
        assert type(second) is Map and second == first == items and second.kinds == first.kinds
        second.clear()
        assert first == items and (second != first or not items)


@given(filled())
def test_repr_is_an_expression(given_):
    key, value, items = given_
    names = {"Map": Map, "inf": math.inf}
    assert eval(repr(Map(key, value, items)), names) == items


@given(filled(), filled())
def test_union(one, other):
    key, value, items = one
    more = other[2] if other[:2] == one[:2] else {}
    united = Map(key, value, items) | more
    assert type(united) is Map and united == items | more
    assert Map(key, value, items) | Map(key, value, more) == united
    changed = same = Map(key, value, items)
    changed |= more
    assert changed is same and changed == united


def test_equality_has_its_limits():
    numbers = Map("u8", "u8", {1: 2})
    assert numbers == Map("i64", "f64", {1: 2.0}) and numbers == {1.0: 2} and numbers != Map("str", "u8", {"1": 2})
    assert numbers != [(1, 2)] and numbers != {1: 3} and numbers != {2: 2} and numbers != {1: 2, 3: 4}
    assert numbers.__lt__(numbers) is NotImplemented
    with pytest.raises(TypeError, match="unhashable"):
        hash(numbers)


def test_floats_as_keys():
    floats = Map("f64", "u8", {0.0: 1, math.nan: 2, math.inf: 3})
    assert floats[-0.0] == 1 and floats[float("nan")] == 2 and floats[-float("nan")] == 2 and floats[math.inf] == 3
    assert math.copysign(1, next(key for key in Map("f32", None, [-0.0]))) == 1
    tiny = Map("f32", "u8", {-1e-50: 1})  # which f32 rounds to a zero
    assert tiny[0.0] == 1 and tiny[1e-50] == 1 and math.copysign(1, next(iter(tiny))) == 1
    assert floats == floats.copy()
    assert Map("f32", "f32", {0.1: 0.1})[0.1] == pytest.approx(0.1)


# --- views and iteration ------------------------------------------------------------


@given(filled(), st.data())
def test_views(given_, data):
    key, value, items = given_
    ours = Map(key, value, items)
    other = dict(data.draw(st.lists(st.sampled_from(sorted(items.items())), unique_by=lambda pair: pair[0])) if items else [])
    for name in ("keys", "items"):
        mine, theirs, others = getattr(ours, name)(), getattr(items, name)(), getattr(other, name)()
        assert mine == theirs and set(mine) == set(theirs) and len(mine) == len(theirs)
        for operation in ("__and__", "__or__", "__sub__", "__xor__"):
            assert getattr(mine, operation)(others) == getattr(theirs, operation)(others)
            assert getattr(mine, operation)(list(others)) == getattr(theirs, operation)(list(others))
        for operation in ("__lt__", "__le__", "__gt__", "__ge__", "__eq__", "__ne__"):
            assert getattr(mine, operation)(others) == getattr(theirs, operation)(others)
        assert others <= mine and (others - mine) == set() and mine.isdisjoint(others) == (not other)
        assert all(one in mine for one in theirs)
    assert sorted(map(repr, ours.values())) == sorted(map(repr, Map(key, value, items).copy().values()))
    assert sorted(ours.values(), key=repr) == sorted(items.values(), key=repr)
    assert list(ours) == list(ours.keys()) == [pair[0] for pair in ours.items()]
    assert list(ours.values()) == [pair[1] for pair in ours.items()] == [ours[one] for one in ours]


def test_views_are_of_their_kind():
    ours = Map("str", "u8", {"a": 1})
    assert isinstance(ours, collections.abc.MutableMapping)
    assert isinstance(ours.keys(), collections.abc.KeysView) and isinstance(ours.items(), collections.abc.ItemsView)
    assert isinstance(ours.values(), collections.abc.ValuesView) and isinstance(iter(ours), collections.abc.Iterator)
    assert repr(ours.keys()) == "Map_keys(['a'])" and repr(ours.items()) == "Map_items([('a', 1)])"
    assert ("a", 2) not in ours.items() and ("b", 1) not in ours.items() and "a" not in ours.items()
    assert iter(ours).__length_hint__() == 1
    match {"x": 1} | dict(ours):
        case {"a": 1}:
            pass


@pytest.mark.parametrize("change", [lambda m: m.update(new=1), lambda m: m.pop("3"), lambda m: m.clear()])
@pytest.mark.parametrize("view", ["keys", "values", "items"])
def test_iteration_notices_change(view, change):
    ours = Map("str", "u32", {str(i): i for i in range(100)})
    iterator = iter(getattr(ours, view)())
    next(iterator)
    ours["5"] = 7  # no change of keys
    next(iterator)
    change(ours)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="changed size during iteration"):
            next(iterator)
    assert iterator.__length_hint__() == 0


def test_values_may_be_set_during_iteration():
    ours = Map("str", "str", {str(i): "x" * i for i in range(100)})
    for key in ours:
        ours[key] = "y" * (300 - int(key))
    assert ours == {str(i): "y" * (300 - i) for i in range(100)}


# --- errors --------------------------------------------------------------------------


@pytest.mark.parametrize("kind, wrong, error", [
    ("str", 1, TypeError), ("str", b"a", TypeError), ("str", "\ud800", UnicodeEncodeError), ("bytes", "a", TypeError),
    ("bytes", bytearray(b"a"), TypeError), ("u8", 256, OverflowError), ("u8", -1, OverflowError), ("u8", "1", TypeError),
    ("u8", 1.0, TypeError), ("u64", 1 << 64, OverflowError), ("u64", -1, OverflowError), ("i8", 128, OverflowError),
    ("i8", -129, OverflowError), ("i64", 1 << 63, OverflowError), ("f64", "1", TypeError), ("f64", 10**400, OverflowError),
    ("f32", 1e39, OverflowError), ("f64", None, TypeError), ("i32", None, TypeError)])
def test_what_does_not_fit(kind, wrong, error):
    as_key, as_value = Map(kind, "u8"), Map("u8", kind)
    with pytest.raises(error):
        as_key[wrong] = 1
    with pytest.raises(error):
        as_value[1] = wrong
    with pytest.raises(error):
        as_value.setdefault(1, wrong)
    assert not as_key and not as_value
    if error is TypeError:
        for call in (lambda: as_key[wrong], lambda: wrong in as_key, lambda: as_key.get(wrong), lambda: as_key.pop(wrong, 1)):
            with pytest.raises(TypeError):
                call()
    else:  # a value that the kind cannot have is just not there
        assert wrong not in as_key and as_key.get(wrong, 5) == 5 and as_key.pop(wrong, 6) == 6
        for call in (lambda: as_key[wrong], lambda: as_key.pop(wrong), lambda: as_key.__delitem__(wrong)):
            with pytest.raises(KeyError) as raised:
                call()
            assert raised.value.args == (wrong,)


def test_kinds_are_checked():
    for key, value, error in [("u128", "u8", ValueError), ("u8", "int", ValueError), (None, "u8", TypeError),
                              ("none", "u8", ValueError), (int, "u8", TypeError), ("u8", 1, TypeError)]:
        with pytest.raises(error):
            Map(key, value)
    with pytest.raises(TypeError):
        Map("u8")
    with pytest.raises(TypeError):
        type(iter(Map("u8", "u8")))()
    with pytest.raises(TypeError):
        Map.something = 1


@pytest.mark.parametrize("source, error", [([("a",)], ValueError), ([1], TypeError), (["abc"], ValueError), (5, TypeError),
                                           ([("a", 1), ("b", "x")], TypeError), ({"a": 1000}, OverflowError)])
def test_updates_that_fail(source, error):
    with pytest.raises(error):
        Map("str", "u8").update(source)
    with pytest.raises(error):
        Map("str", "u8", source)


def test_update_calls_back():
    """Code that runs in the middle of an update may change the map."""

    class Sly(int):
        def __index__(self):
            return 1

    class Changing:
        def __init__(self, ours):
            self.ours = ours

        def keys(self):
            self.ours.clear()
            return ["a", "b"]

        def __getitem__(self, key):
            self.ours["from " + key] = 1
            return Sly(7)

    ours = Map("str", "u8", {"x": 1})
    ours.update(Changing(ours))
    assert ours == {"a": 7, "b": 7, "from a": 1, "from b": 1}
    ours.update(ours)
    ours.update(ours.items())
    assert len(ours) == 4


# --- what dict has not ----------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(-3, 5))))
def test_add_counts(steps):
    ours, counts = Map("str", "u16"), {}
    for key, amount in steps:
        total = counts.get(key, 0) + amount
        if total < 0:
            with pytest.raises(OverflowError):
                ours.add(key, amount)
        else:
            counts[key] = total
            assert ours.add(key, amount) == total
    assert ours == counts


def test_add_of_other_kinds():
    floats = Map("u8", "f64")
    assert floats.add(1) == 1.0 and floats.add(1, 0.5) == 1.5
    keys = Map("str", None)
    assert keys.add("a") is None and keys.add("a") is None and list(keys) == ["a"]
    with pytest.raises(TypeError):
        keys.add("a", 1)
    with pytest.raises(TypeError):
        Map("str", "str").add("a")
    with pytest.raises(OverflowError):
        Map("str", "i64", {"a": (1 << 63) - 1}).add("a")
    with pytest.raises(TypeError):
        Map("str", "u8").add("a", 0.5)


def test_a_set_of_keys():
    keys = Map("str", None, ["a", "b", "a"])
    assert len(keys) == 2 and "a" in keys and keys["a"] is None and keys == {"a": None, "b": None}
    keys.update(["c"])
    keys.update({"d": 5})
    assert keys.keys() == set("abcd")
    with pytest.raises(TypeError):
        keys["e"] = 1


def test_subclasses():
    class Counts(Map):
        pass

    counts = Counts("str", "u32", {"a": 1})
    counts.name = "mine"
    counts.itself = counts.items()
    del counts.itself
    for other in (copy.copy(counts), copy.deepcopy(counts)):
        assert type(other) is Counts and other == counts and other.name == "mine"
    assert type(counts.copy()) is Map and isinstance(Counts.from_items("u8", None, [1]), Counts)


def test_sizes():
    """What is left of one map of 10,000 depends on its seed; of a larger one, and of twenty, it does not."""
    for count, maps in (100000, 1), (10000, 20):
        whole = left = 0
        for _ in range(maps):
            ours = Map("u32", "u32")
            empty = ours.nbytes
            ours.update((i, i) for i in range(count))
            full = ours.nbytes
            assert empty < 1000 and sys.getsizeof(ours) > full
            for i in range(count * 9 // 10):
                del ours[i]
            whole += full
            left += ours.nbytes
            ours.clear()
            assert ours.nbytes < 2000
        assert 8 * count * maps < whole < 18 * count * maps and left < whole / 4


def test_a_file_is_not_changed(tmp_path):
    Map("str", "u8", {"here": 1}).save(tmp_path / "file")
    ours = Map.open(tmp_path / "file")
    for key in "here", "not here":
        for change in (lambda: ours.__setitem__(key, 2), lambda: ours.__delitem__(key), lambda: ours.add(key),
                       lambda: ours.setdefault("new", 1), ours.popitem, ours.clear):
            with pytest.raises(TypeError, match="is a file"):
                change()
    assert dict(ours) == {"here": 1}
