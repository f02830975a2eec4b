"""One test for all: every store gives what neap.Map gives, for every key and value of its kinds."""
import itertools
import math
import operator
import os

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

neap = pytest.importorskip("neap")
LONG = os.environ.get("NEAP_TEST_LONG") == "1"  # ./dev check
pytestmark = pytest.mark.xdist_group("stores")

RANGES = {f"{sign}{bits}": (-(1 << bits - 1) if sign == "i" else 0, (1 << bits - (sign == "i")) - 1)
          for sign in "iu" for bits in (8, 16, 32, 64)}
KINDS = ["str", "bytes", *RANGES, "f32", "f64"]
MAPPINGS = ["Trie", "sqlite", "memory", "redis", "cluster"]
names = (f"property{number}" for number in itertools.count())


class Text(str):
    def __hash__(self):
        return 1

    def __str__(self):
        return "another text"


class Index:
    def __index__(self):
        return 7


class Broken:
    def __index__(self):
        raise ZeroDivisionError("of the object")

    __float__ = __index__


floats = st.one_of(st.floats(), st.sampled_from([0.0, -0.0, math.nan, -math.nan, math.inf, -math.inf, 0.1, 5e-324, 1e300,
                                                 3.4028234663852886e38, 3.4028235677973366e38]), st.floats(width=32))
VALUES = {
    "str": st.one_of(st.text(max_size=5), st.sampled_from(["", "a\0b", "1", "nan", "\U0010ffff", Text("dart"), "x" * 300])),
    "bytes": st.one_of(st.binary(max_size=5), st.sampled_from([b"", b"\xff", b"\xff\xff", b"1", b"nan", b"y" * 300])),
    **{kind: st.one_of(st.integers(low, high), st.sampled_from([low, high, 0, 1])) for kind, (low, high) in RANGES.items()},
    "f32": floats, "f64": floats, None: st.none()}
# Also what no kind takes, or only some.
anything = st.sampled_from([None, "", "x", b"x", "1", b"1", 0, 1, True, -1, 1.0, 1.5, math.nan, 1 << 70, -(1 << 70), 10 ** 400,
                            "\ud800", [], (), bytearray(b"1"), Index(), Broken(), 1j])


def plain(thing):
    """So that equal means: the same type and the same value, of NaN and of both zeros too."""
    if isinstance(thing, float):
        return "float", "nan" if thing != thing else thing.hex()
    if isinstance(thing, (tuple, list)):
        return type(thing).__name__, [plain(one) for one in thing]
    return type(thing).__name__, thing


def outcome(call, *arguments):
    try:
        return plain(call(*arguments))
    except Exception as error:
        said = str(error) if isinstance(error, (TypeError, OverflowError)) else ""
        return type(error), said


def entries(mapping):
    return sorted((plain(pair) for pair in mapping.items()), key=repr)


CALLS = {
    "set": operator.setitem, "get": operator.getitem, "delete": operator.delitem, "in": operator.contains,
    "get_or": lambda mapping, key, value: mapping.get(key, "default"), "pop": lambda mapping, key: mapping.pop(key),
    "pop_or": lambda mapping, key: mapping.pop(key, "default"), "setdefault": lambda mapping, key, value: mapping.setdefault(key, value),
    "add": lambda mapping, key, value: mapping.add(key, value), "add_1": lambda mapping, key: mapping.add(key),
    "update": lambda mapping, pairs: mapping.update(pairs), "clear": lambda mapping: mapping.clear(),
    "len": len, "bool": bool,
}


def calls_of(key, value):
    keys, values = st.one_of(VALUES[key], VALUES[key], anything), st.one_of(VALUES[value], VALUES[value], anything)
    pairs = st.lists(st.tuples(VALUES[key], VALUES[value]), max_size=6).filter(
        lambda pairs: all(key != "f32" or holds_single(one) for one, _ in pairs) and all(value != "f32" or holds_single(one) for _, one in pairs))
    return st.one_of(
        st.tuples(st.sampled_from(["set", "setdefault", "get_or"]), keys, values), st.tuples(st.just("set"), keys, values),
        st.tuples(st.sampled_from(["get", "delete", "in", "pop", "pop_or", "add_1"]), keys),
        st.tuples(st.just("add"), keys, values), st.tuples(st.just("update"), pairs),
        st.tuples(st.sampled_from(["clear", "len", "bool"])))


def holds_single(number):
    return not math.isfinite(number) or abs(number) <= 3.4028235e38


def opened(where, request, folder, key, value):
    name = next(names)
    if where == "Trie":
        return neap.Trie(key, value)
    if where == "memory":
        return neap.connect("sqlite::memory:", key, value)
    if where == "sqlite":
        return neap.connect(f"sqlite:{folder}/{name}.db", key, value)
    server = request.getfixturevalue("redis_server" if where == "redis" else "redis_cluster")
    return neap.connect(f"{server.url}?name={name}", key, value, expect=300)


@pytest.mark.parametrize("where", MAPPINGS)
@settings(max_examples=100 if LONG else 40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_mapping_gives_what_a_map_gives(where, data, request, tmp_path):
    key, value = data.draw(st.sampled_from(KINDS)), data.draw(st.sampled_from([*KINDS, None]))
    assume(where != "Trie" or not key.startswith("f"))
    model, mapping = neap.Map(key, value), opened(where, request, tmp_path, key, value)
    for name, *arguments in data.draw(st.lists(calls_of(key, value), max_size=12)):
        if where == "Trie" and name.startswith("add"):
            continue
        expected = outcome(CALLS[name], model, *arguments)
        assert outcome(CALLS[name], mapping, *arguments) == expected, (name, arguments)
    assert entries(mapping) == entries(model) and len(mapping) == len(model)
    assert sorted(map(repr, map(plain, mapping))) == sorted(map(repr, map(plain, model)))
    assert sorted(map(repr, map(plain, mapping.values()))) == sorted(map(repr, map(plain, model.values())))
    assert [plain(mapping[one]) for one in model] == [plain(model[one]) for one in model]
    if where == "Trie":
        return
    keys = [*model, *data.draw(st.lists(VALUES[key], max_size=4))]
    assert plain(mapping.get_many(keys, "default")) == plain([model.get(one, "default") for one in keys])
    if where != "memory":  # another process would see the same
        twin = neap.connect(mapping._url, key, value)
        assert entries(twin) == entries(model)
        twin.close()
    while model:
        one, other = mapping.popitem()
        assert plain(model.pop(one)) == plain(other)
    assert len(mapping) == 0 and outcome(mapping.popitem)[0] is KeyError
    mapping.close()
