"""neap.Bits in fresh processes: every Python, interpreters of their own, leaks, memory."""
import re

from process_support import (PACKAGE, assert_stable_abi, isolating, needs_containers, newest, passes, says,
                             served)

pytestmark = needs_containers


@served
def test_every_python(python):
    passes(python, """
import pickle
from neap import Bits
k = Bits(8)
k[3] = 1
k[4:8] = 0b1011
assert int(k) == 0b10111000 and k[4:8] == 11 and list(k.ones()) == [3, 4, 5, 7]
assert pickle.loads(pickle.dumps(k)) == k and bytes(k) == b"\\xb8" and k[::-1] == 0b00011101
assert int(k << 1 ^ k & ~k | 1) == 0b01110001
assert Bits(100, 1 << 99)[:] == 1 << 99
""")


@served
def test_no_call_leaks(python):
    """Neither references nor blocks, also where it ends in an exception."""
    passes(python, """
import os, pickle
from neap import Bits
path = "/proc/self/exe"
def assign(a, key, value):
    a[key] = value
def delete(a, key):
    del a[key]
def everything():
    a, b, big = Bits("1011"), Bits(300), 1 << 299
    for call in (
        lambda: Bits([0, 1, 2]), lambda: Bits([1] * 100), lambda: Bits("01x"), lambda: Bits(b"12"), lambda: Bits(1.5),
        lambda: Bits(300, big), lambda: Bits(10, big), lambda: Bits(10, -1), lambda: Bits(-1), lambda: Bits(300, "1" * 300),
        lambda: Bits(300, "1"), lambda: Bits("1", 1), lambda: Bits.from_int(big), lambda: Bits.from_int("x"), lambda: Bits(1 << 62),
        lambda: a[0], lambda: a[9], lambda: a["x"], lambda: a[big], lambda: b[:], lambda: b[::3], lambda: a[1:3],
        lambda: assign(a, 0, 1), lambda: assign(a, 9, 1), lambda: assign(a, 0, "x"), lambda: assign(b, slice(None), big),
        lambda: assign(a, slice(0, 2), big), lambda: assign(b, slice(0, 200), "1"), lambda: assign(b, slice(0, 9, 2), "1"),
        lambda: assign(b, slice(0, 9, 2), 3), lambda: assign(a, slice(0, 2), [1, 1]), lambda: assign(a, slice(0, 2), [1, 5]),
        lambda: delete(b, slice(0, 9, 2)), lambda: delete(b, 0), lambda: delete(b, 10 ** 5),
        lambda: a & a, lambda: a & 3, lambda: a & big, lambda: a & b, lambda: a & "x", lambda: ~b, lambda: b << 3, lambda: b >> "x",
        lambda: b << -1, lambda: a.__iand__(a), lambda: b.__ior__(big), lambda: a.__ixor__("x"), lambda: b.__ilshift__(3),
        lambda: a + a, lambda: a + 1, lambda: b * 3, lambda: a.__imul__(2), lambda: a.__iadd__("11"), lambda: a.extend([2]),
        lambda: list(b), lambda: list(a.ones()), lambda: a.ones(1, 2), lambda: next(iter(b)), lambda: a.count(1, 0, 3), lambda: a.count(7),
        lambda: a.find("11"), lambda: a.find("x"), lambda: a.index("111111"), lambda: a.rfind(0), lambda: "x" in a, lambda: a in b,
        lambda: a.append(1), lambda: a.append("x"), lambda: b.insert(3, 1), lambda: b.pop(), lambda: a.pop(10 ** 6), lambda: b.resize(400),
        lambda: b.trim(), lambda: b.copy(3, 200), lambda: repr(b), lambda: b.to01(), lambda: pickle.loads(pickle.dumps(b)),
        lambda: a == b, lambda: a < b, lambda: hash(a), lambda: memoryview(a).release(), lambda: int(b), lambda: bytes(b),
        lambda: Bits.open(path).close(), lambda: Bits.open("/none"), lambda: Bits.open("/"), lambda: Bits.open(path, "x"),
        lambda: Bits.open(path, "w+" if os.path.isdir(path) else "r").append(1), lambda: a.count_xor(a), lambda: a.count_or(b)):
        attempt(call)
assert_leaks_nothing(everything, [Bits, *map(type, (iter(Bits()), Bits().ones()))], first=500, times=300, blocks=150)
""")


@served
def test_import_again_and_again_leaks_nothing(python):
    passes(python, """
assert_import_leaks_nothing(lambda neap: neap.Bits(1000).ones())
""")


@isolating
def test_isolated_interpreters(python):
    """Each with a GIL of its own, four at a time, all on the one heap of bits."""
    passes(python, """
run_isolated('''
from neap import Bits
for n in range(1, 3000, 7):
    bits = [Bits(n) for _ in range(20)]
    for one in bits:
        one[n - 1] = 1
        one.extend(one)
        assert one.count() == 2 and one.find(1) == n - 1
    assert sum(bits[0].ones()) == 3 * n - 2
''', times=3)
""")


@served
def test_memory_follows_the_length(python):
    passes(python, """
from neap import Bits
start = resident()
bits = Bits(1 << 30)                             # 128 MiB of zeros are not there yet
assert resident() - start < 4 << 20
bits.invert()
assert resident() - start > 127 << 20
bits.resize(1 << 28)
assert resident() - start < 34 << 20, resident() - start
del bits[1 << 26:]
assert resident() - start < 10 << 20, resident() - start
bits.fill(0, 0, 1 << 25)
assert bits.trim() >= 4 << 20 and resident() - start < 6 << 20
del bits
assert resident() - start < 2 << 20, resident() - start
""")


@served
def test_forked_child(python):
    passes(python, """
import os, threading
from neap import Bits
stop = []
def churn():
    while not stop:
        Bits(5000)
threads = [threading.Thread(target=churn) for _ in range(3)]
for thread in threads: thread.start()
for _ in range(50):
    child = os.fork()
    if child == 0:
        os._exit(Bits(9000, (1 << 9000) - 1).count() != 9000)
    assert os.waitpid(child, 0)[1] == 0
stop.append(1)
for thread in threads: thread.join()
""" if python.minor < (3, 12) else """
import os
from neap import Bits
kept = Bits(5000)
child = os.fork()
if child == 0:
    os._exit(Bits(9000, (1 << 9000) - 1).count() != 9000)
assert os.waitpid(child, 0)[1] == 0
""")


def test_stub_names_what_is_there():
    stub = set(re.findall(r"^    def (\w+)", (PACKAGE / "_bits.pyi").read_text(), re.M))
    names = says(newest(), "import neap; print(*vars(neap.Bits))")
    assert {name for name in stub if name[0] != "_"} == {name for name in names if name[0] != "_"}
    assert {name for name in stub if name[0] == "_"} - {"__buffer__"} <= set(names)


def test_only_the_stable_abi_is_used():
    assert_stable_abi("_bits")
