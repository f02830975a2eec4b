"""neap.Map in fresh processes: every Python, interpreters of their own, leaks, memory, files."""
import ast
import signal
import subprocess
import time

from process_support import (PACKAGE, assert_stable_abi, command, environment, isolating, needs_containers, newest,
                             passes, says, served)

pytestmark = needs_containers


@served
def test_every_python(python):
    passes(python, """
import pickle
from neap import Map
m = Map("str", "u32", {"dart": 1})
m["dance"] = 2
assert m.add("dance") == 3 and m.pop("dart") == 1 and dict(m) == {"dance": 3}
assert pickle.loads(pickle.dumps(m)) == m | {} == m and repr(m) == "Map('str', 'u32', {'dance': 3})"
""")


@served
def test_no_call_leaks(python, tmp_path):
    """Neither references nor blocks, also where it ends in an exception."""
    passes(python, f"""
import copy, pickle, sys
from neap import Map
folder = {str(tmp_path)!r}
path = folder + "/m"
Map("str", "str", {{"k": "v" * 1000}}).save(path)
def assign(m, key, value):
    m[key] = value
def delete(m, key):
    del m[key]
class Sub(Map):
    pass
def everything():
    m, n = Map("str", "u32", {{str(i): 1000 + i for i in range(40)}}), Map("f64", "bytes", [(1.5, b"x" * 300)])
    s, sub, f = Map("i64", None, [1 << 40]), Sub("str", "str", {{"a": "b" * 300}}), Map.open(path)
    walk = iter(m.items())
    next(walk)
    for call in (
        lambda: Map("x", "u8"), lambda: Map("u8", 5), lambda: Map("u8"), lambda: Map("str", "u8", [1]), lambda: Map("str", "u8", ["abc"]),
        lambda: Map("str", "u8", 5), lambda: Map("str", "u8", {{"a": 300}}), lambda: Map.from_items("str", "u8", [("a", 1)]),
        lambda: m["1"], lambda: m["x"], lambda: m[1], lambda: m["\\ud800"], lambda: n[1.5], lambda: "x" in m, lambda: 1 in m,
        lambda: assign(m, "x", 5000), lambda: assign(m, "x", -1), lambda: assign(m, 1, 1), lambda: assign(f, "k", "v"),
        lambda: delete(m, "x"), lambda: delete(m, "y"), lambda: delete(m, 1), lambda: delete(f, "k"), lambda: next(walk),
        lambda: m.get("1"), lambda: m.get("x", "d"), lambda: m.get(), lambda: m.get(1), lambda: m.pop("2"), lambda: m.pop("2", 3),
        lambda: m.pop("2"), lambda: m.pop(2), lambda: m.popitem(), lambda: f.popitem(), lambda: Map("u8", "u8").popitem(),
        lambda: m.setdefault("q", 4000), lambda: m.setdefault("r"), lambda: m.update(m, z=1), lambda: m.update({{"a": 1 << 40}}),
        lambda: m.update(m.items()), lambda: m.update([("1", 2)], k=3), lambda: f.update(m), lambda: f.update(f.copy()),
        lambda: m.add("1"), lambda: m.add("1", 1 << 70), lambda: m.add("1", -5000), lambda: m.add(1), lambda: s.add(3), lambda: n.add(1.5),
        lambda: list(m), lambda: list(m.values()), lambda: list(m.items()), lambda: repr(m), lambda: repr(m.keys()), lambda: m | {{"a": 1}},
        lambda: m | 3, lambda: m.__ior__({{"a": 1}}), lambda: m == m.copy(), lambda: m == dict(m), lambda: m == s, lambda: m < m,
        lambda: m.keys() & {{"1"}}, lambda: m.keys() | m, lambda: m.items() - m.items(), lambda: m.keys() ^ 5, lambda: m.keys() <= {{"1"}},
        lambda: m.keys().isdisjoint(m), lambda: m.keys().isdisjoint(5), lambda: ("1", 5) in m.items(), lambda: 5 in m.items(),
        lambda: hash(m), lambda: pickle.loads(pickle.dumps(m)), lambda: copy.copy(sub), lambda: copy.deepcopy(n), lambda: sub.copy(),
        lambda: f["k"], lambda: f.copy(), lambda: f.verify(), lambda: Map.open("/none"), lambda: Map.open(path, verify=True),
        lambda: Map.open("/proc/self/exe"), lambda: Map.open(5), lambda: m.save("/none/x"), lambda: m.save(5), lambda: n.save(folder + "/n"),
        lambda: m.nbytes + sys.getsizeof(m), lambda: m.kinds, lambda: m.trim(), lambda: setattr(sub, "own", sub.items()), lambda: m.clear()):
        attempt(call)
types = [Map, *map(type, (Map("u8", None).keys(), iter(Map("u8", None)), Map("u8", None).items()))]
assert_leaks_nothing(everything, types, first=800, times=40, blocks=30)
""")


@served
def test_import_again_and_again_leaks_nothing(python):
    passes(python, """
assert_import_leaks_nothing(lambda neap: iter(neap.Map("str", "u8", {"a": 1}).items()))
""")


@isolating
def test_isolated_interpreters(python):
    """Each with a GIL of its own, four at a time, all on the one heap of small maps."""
    passes(python, """
run_isolated('''
from collections.abc import MutableMapping
from neap import Map
for n in range(1, 1500, 97):
    maps = [Map("str", "u32", {str(i): i for i in range(n)}) for _ in range(5)]
    for one in maps:
        assert isinstance(one, MutableMapping) and len(one) == n
        for i in range(0, n, 2):
            del one[str(i)]
        assert sorted(one.values()) == list(range(1, n, 2))
''', times=2)
""")


@served
def test_memory_follows_the_entries(python):
    passes(python, """
import random
from neap import Map
random.seed(1)
keys = [str(random.random()) for _ in range(200_000)]
order = keys[:]
random.shuffle(order)
gone = order[:180_000]
Map("str", "u32", {key: 1 for key in keys[:3000]}).clear()  # the code itself is in memory, too
start = resident()
m = Map("str", "u32")
for number, key in enumerate(keys):
    m[key] = number
full = resident() - start
assert full < 32 * len(keys), full / len(keys)
for key in gone:
    del m[key]
left = resident() - start
assert left < full / 4, (left, full)
assert all(m[key] >= 0 for key in order[180_000:]) and len(m) == 20_000
m.clear()
m.trim()
assert resident() - start < full / 10
""")


@served
def test_thousands_of_small_maps_are_small(python):
    passes(python, """
from neap import Map
Map("str", "u32", [("x", 1)])
start = resident()
maps = [Map("str", "u32", {str(i): i for i in range(10)}) for _ in range(5000)]
taken = (resident() - start) / 5000
assert taken < 1500, taken
del maps
""")


# --- files -----------------------------------------------------------------------------


def test_a_file_is_shared_and_costs_only_what_is_read(tmp_path):
    path = tmp_path / "map"
    passes(newest(), f"""
from neap import Map
Map("u64", "u64", ((i * i, i) for i in range(500_000))).save({str(path)!r})
""")
    assert path.stat().st_size > 8_000_000
    passes(newest(), f"""
from neap import Map
Map.open({str(path)!r})
start = resident()
m = Map.open({str(path)!r})
assert len(m) == 500_000 and m.readonly and m[49] == 7 and 50 not in m
assert resident() - start < 1 << 20
assert sum(1 for i in range(0, 500_000, 5) if m[i * i] == i) == 100_000
""")


def test_a_save_that_is_killed_leaves_the_old_file(tmp_path):
    path = tmp_path / "map"
    body = f"""
from neap import Map
big = Map("u32", "u32", ((i, i) for i in range(300_000)))
small = Map("u32", "u32", ((i, 1) for i in range(1000)))
small.save({str(path)!r})
print("saved", flush=True)
while True:
    big.save({str(path)!r})
    small.save({str(path)!r})
"""
    for pause in (0.0, 0.003, 0.011, 0.02, 0.05):
        child = subprocess.Popen(command(newest(), body), stdout=subprocess.PIPE, env=environment())
        child.stdout.readline()
        time.sleep(pause)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        passes(newest(), f"""
from neap import Map
m = Map.open({str(path)!r}, verify=True)
assert len(m) in (1000, 300_000) and m[999] in (1, 999)
""")


def test_damaged_files(tmp_path):
    path = tmp_path / "map"
    passes(newest(), f"""
from neap import Map
m = Map("str", "str", {{str(i): "v" * (i % 400) for i in range(1000)}})
m.save({str(path)!r})
with open({str(path)!r}, "rb") as file:
    data = file.read()
def with_bytes(new):
    with open({str(path)!r}, "wb") as file:
        file.write(new)
for cut in (0, 1, 63, 64, 127, 128, 1000, len(data) - 1):
    with_bytes(data[:cut])
    try:
        Map.open({str(path)!r})
    except ValueError as error:
        assert str(error) == "not the file of a Map: {str(path)!r}", error
    else:
        raise AssertionError(cut)
for at in range(128, len(data), len(data) // 400):
    with_bytes(data[:at] + bytes([data[at] ^ 255]) + data[at + 1:])
    damaged = Map.open({str(path)!r})
    try:
        damaged.verify()
    except ValueError:
        pass
    else:
        raise AssertionError(at)
    for use in (lambda: dict(damaged), lambda: [damaged[str(i)] for i in range(1000)], damaged.copy):
        try:
            use()
        except (ValueError, KeyError):
            pass
""")


# --- the stub and the binary --------------------------------------------------------------


def test_stub_names_what_is_there():
    classes = {node.name: node for node in ast.parse((PACKAGE / "_map.pyi").read_text()).body if isinstance(node, ast.ClassDef)}
    stubbed = {node.name for node in classes["Map"].body if isinstance(node, ast.FunctionDef)}
    there = {name for name in says(newest(), "import neap; print(*vars(neap.Map))") if name[0] != "_"}
    inherited = {"get", "pop", "popitem", "setdefault", "update", "clear"}  # typed by MutableMapping
    assert there - inherited == {name for name in stubbed if name[0] != "_"}


def test_only_the_stable_abi_is_used():
    assert_stable_abi("_map")
