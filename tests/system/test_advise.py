"""`neap advise PID`: what is said of other ways to hold the same, against these ways themselves."""
import ctypes
import ctypes.util
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

from support import BUILD, LONG, NEAP, clean_environment, every_python, debian_python, needs_64_bits, needs_neap, wait_until

pytestmark = [needs_neap, needs_64_bits]

COUNT = 50000
SETUP = {
    "floats": "held = [n * 0.5 for n in range(%d)]",
    "small": "held = [n + 2000 for n in range(%d)]",
    "large": "held = [(n - 5) * (1 << 33) for n in range(%d)]",
    "set": "held = {n + 2000 for n in range(%d)}",
    "scattered": "held = {n * n * 1000003 %% (1 << 40) for n in range(%d)}",
    "flags": "held = [n %% 3 == 0 for n in range(%d)]",
    "ones": "held = [n %% 2 for n in range(%d)]",
    "counts": "held = {'user:%%d' %% n: n * 7 + 2000 for n in range(%d)}",
    "numbered": "held = {n * 3 + 2000: 'value %%d' %% n for n in range(%d)}",
    "paths": "held = {'/srv/data/%%d/%%s/%%s' %% (n %% 97, 'x' * (n %% 61), n * n): n * 0.25 for n in range(%d)}",
    "long": "held = {'k' * (n %% 300 + 1) + str(n): n %% 1000 for n in range(%d)}",
    "raw": "held = {b'%%x' %% (n * 2654435761 %% (1 << 32)): n %% 200 for n in range(%d)}",
    "letters": "held = {'\\u00e9t\\u00e9 %%d \\u20ac' %% n: str(n * 7) for n in range(%d)}",
    "names": "held = {'a name of no special length %%d' %% (n * n) for n in range(%d)}",
    "nothing": "held = dict.fromkeys('member %%d' %% n for n in range(%d))",
    "instances": "class Point:\n    def __init__(self, n):\n        self.x, self.y, self.name = n, n, None\n"
                 "held = [Point(n) for n in range(%d)]",
    "strings": "held = ['a colour with a long name, number %%d' %% (n %% 10000) for n in range(%d)]",
}


def document(pid):
    done = subprocess.run([NEAP, "advise", "--json", "-n", "1000", str(pid)], capture_output=True, text=True,
                          timeout=60, env=clean_environment())
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-2000:]
    return json.loads(done.stdout)


def advise(pid):
    found = document(pid)
    assert found["gaps"] == []  # whatever is sound is examined whole
    return found["advice"]


class Holding:
    """A Python that holds one thing, and then says of it what is asked in its own words."""

    def __init__(self, python, what, count=COUNT):
        body = ("import json, sys, gc\n" + (SETUP[what] % count if what in SETUP else what) +
                "\ngc.collect()\nprint(flush=True)\n"
                "for line in sys.stdin:\n    print(json.dumps(eval(line)), flush=True)\n")
        self.process = subprocess.Popen([python.path, "-c", body], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=clean_environment(PYTHONPATH=str(BUILD / "python")))
        self.process.stdout.readline()
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def ask(self, expression):
        self.process.stdin.write(expression + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture
def about():
    """Starts what holds a thing; gives the advice on it, and a way to ask it about what it holds."""
    started = []

    def start(python, what, kind, count=COUNT):
        started.append(Holding(python, what, count))
        advice = [one for one in advise(started[-1].pid) if one["kind"] == kind and one["items"] >= count]
        assert len(advice) == 1, advice
        return advice[0], started[-1].ask

    yield start
    for holding in started:
        holding.__exit__()


def close(one, other, share):
    return abs(one - other) <= share * other


# ---- what it costs now --------------------------------------------------------------------------

@every_python
@pytest.mark.parametrize("what", ["floats", "large"])
def test_a_list_now(about, python, what):
    advice, ask = about(python, what, "list")
    assert advice["holder"] == "__main__.held"
    assert advice["own_bytes"] == ask("sys.getsizeof(held)")
    assert close(advice["value_bytes"], ask("sum(map(sys.getsizeof, held))"), 0.001)


@every_python
def test_a_dict_now(about, python):
    advice, ask = about(python, "counts", "dict")
    assert advice["own_bytes"] == ask("sys.getsizeof(held)")
    assert advice["key_bytes"] == ask("sum(map(sys.getsizeof, held))")
    assert advice["value_bytes"] == ask("sum(map(sys.getsizeof, held.values()))")
    assert advice["what"] == "dict of %d str to int" % COUNT


# ---- the alternatives, each against the real thing --------------------------------------------------

@every_python
@pytest.mark.parametrize("what, kind, code", [("floats", "list", "d"), ("small", "list", "H"), ("large", "list", "q"),
                                              ("set", "set", "H")])
def test_an_array(about, python, what, kind, code):
    advice, ask = about(python, what, kind)
    option = advice["options"][0]
    assert option["as"] == "array.array('%s')" % code
    assert option["bytes"] == ask("sys.getsizeof(__import__('array').array('%s', list(held)))" % code)


@every_python
def test_slots(about, python):
    advice, ask = about(python, "instances", "class")
    option = advice["options"][0]
    assert option["as"] == "__slots__ (3 names)"
    one = ask("sys.getsizeof(type('Slotted', (), {'__slots__': ('x', 'y', 'name')})())")
    assert option["bytes"] == one * COUNT


@every_python
def test_interned_strings(about, python):
    """The interpreter has equal strings of its own, as many whatever is held: they are taken off by a process
    that holds few."""
    def beyond_the_real(what, count):
        advice, ask = about(python, what, "strings", count)
        real = ask("sum(map(sys.getsizeof, {sys.intern(text) for text in held}))")
        return advice["options"][0]["bytes"] - real, real

    few = "held = ['another text, number %d' % (n % 1000) for n in range(2000)]"
    own, _ = beyond_the_real(few, 2000)
    more, real = beyond_the_real("strings", COUNT)
    assert abs(more - own) <= 0.005 * real


def option_of(advice, name):
    return next(option["bytes"] for option in advice["options"] if name in option["as"])


def sqlite_bytes(rows):
    """What libsqlite3 holds for an open database in memory with these rows."""
    name = ctypes.util.find_library("sqlite3")
    if not name:
        pytest.skip("no libsqlite3 on this machine")
    body = """
import ctypes, json, sqlite3, sys
library = ctypes.CDLL(sys.argv[1])
library.sqlite3_memory_used.restype = ctypes.c_int64
before = library.sqlite3_memory_used()
rows = json.load(sys.stdin)
base = sqlite3.connect(":memory:")
base.execute("create table t(k, v)")
base.executemany("insert into t values(?, ?)", rows)
base.execute("create index i on t(k)")
base.commit()
print(library.sqlite3_memory_used() - before)
"""
    done = subprocess.run([debian_python().path, "-c", body, name], input=json.dumps(rows), capture_output=True,
                          text=True, env=clean_environment())
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


# An empty database with the table and the index, in SQLite 3.40, whose figures the formula has. A newer library
# holds more for a connection (3.53: 49 kB), whatever lies in it.
SQLITE_EMPTY = 36192


@pytest.mark.parametrize("what, items", [("counts", [("user:%d" % n, n * 7 + 2000) for n in range(COUNT)]),
                                         ("numbered", [(n * 3 + 2000, "value %d" % n) for n in range(COUNT)])])
def test_sqlite(about, what, items):
    advice, _ = about(debian_python(), what, "dict")
    real = sqlite_bytes(items) - sqlite_bytes([]) + SQLITE_EMPTY
    assert close(option_of(advice, "SQLite"), real, 0.02)


# Of what is held, in Neap's containers: these are made in the very process that was advised.
KINDS = {"counts": ("'str', 'i32'", "dict"), "numbered": ("'i32', 'str'", "dict"), "paths": ("'str', 'f64'", "dict"),
         "long": ("'str', 'i16'", "dict"), "raw": ("'bytes', 'u8'", "dict"), "letters": ("'str', 'str'", "dict"),
         "names": ("'str', None", "set"), "nothing": ("'str', None", "dict"), "scattered": ("'i64', None", "set")}


@pytest.fixture
def neap_python():
    python = debian_python()
    done = subprocess.run([python.path, "-c", "import neap; neap.Map"], capture_output=True,
                          env=clean_environment(PYTHONPATH=str(BUILD / "python")))
    if done.returncode != 0:
        pytest.skip("no neap.Map for this Python")
    return python


def assert_stores(advice, ask, kinds):
    """Each container that was advised, against one that is made of what is held."""
    maps = min(16, 200000 // ask("len(held)") + 1)  # each has a seed of its own; of few entries some are larger
    real = {"Map": ask("sum(__import__('neap').Map(%s, held).nbytes for _ in range(%d)) / %d" % (kinds, maps, maps))}
    said = {"Map": option_of(advice, "neap.Map(%s)" % kinds)}
    if kinds.startswith(("'str'", "'bytes'")):
        real["Trie"] = ask("__import__('neap').Trie(%s, held).nbytes" % kinds)
        real["FrozenTrie"] = ask("__import__('neap').Trie(%s, held).freeze().nbytes" % kinds)
        said.update((name, option_of(advice, "neap.%s(%s)" % (name, kinds))) for name in ("Trie", "FrozenTrie"))
    assert close(said["Map"], real["Map"], 0.03)
    assert {name: said[name] for name in said if name != "Map"} == {name: real[name] for name in real if name != "Map"}


@pytest.mark.parametrize("what", sorted(KINDS))
def test_a_map_and_tries(about, neap_python, what):
    kinds, kind = KINDS[what]
    assert_stores(*about(neap_python, what, kind), kinds)


@pytest.mark.parametrize("what", ["counts", "paths"])
@pytest.mark.parametrize("count", [10000, 100000, *([1000000] if LONG else [])])
def test_a_map_and_tries_of_many_sizes(about, neap_python, what, count):
    kinds, kind = KINDS[what]
    assert_stores(*about(neap_python, what, kind, count), kinds)


@pytest.mark.parametrize("what, kind, made", [
    ("flags", "list", "Bits(held)"), ("ones", "list", "Bits(held)"), ("set", "set", "Bits(max(held) + 1)")])
def test_bits(about, neap_python, what, kind, made):
    advice, ask = about(neap_python, what, kind)
    count, size = ask("[bits := __import__('neap').%s, bits.trim(), (len(bits), sys.getsizeof(bits))][-1]" % made)
    assert option_of(advice, "neap.Bits(%d)" % count) == size


def test_a_set_of_far_places_has_no_bits(about, neap_python):
    advice, _ = about(neap_python, "scattered", "set")
    assert not [option for option in advice["options"] if "Bits" in option["as"]]


# ---- tries of nodes -------------------------------------------------------------------------------

WORDS = """
words = sorted({'%s%s%s' % (a, b, c) for a in ('dan', 'da', 'under', 're') for b in ('ce', 'ger', 'rt', 'move', 'ad')
                for c in ('', 'r', 's', 'ing', 'er', *map(str, range(300)))})
"""
# Ways in which people make them: each is walked again in the process by `entries`, for what it holds.
NESTS = {
    "marked with None": ("'str', None", WORDS + """
held = {}
for word in words:
    node = held
    for letter in word:
        node = node.setdefault(letter, {})
    node['$'] = None
entries = dict.fromkeys(words)
"""),
    "marked with a number": ("'str', 'i16'", WORDS + """
held = {}
for number, word in enumerate(words):
    node = held
    for letter in word:
        node = node.setdefault(letter, {})
    node['_end_'] = number
entries = {word: number for number, word in enumerate(words)}
"""),
    "in two steps": ("'str', 'f64'", """
held, entries = {}, {}
for number in range(6000):
    word = '%08d' % (number * 7919 % 1000003)
    held.setdefault(word[2:4], {}).setdefault(word[4:6], {})[word[6:]] = number * 0.5
for first, below in held.items():
    for second, last in below.items():
        entries.update((first + second + third, value) for third, value in last.items())
"""),
    "of instances": ("'str', None", WORDS + """
class Node:
    def __init__(self):
        self.children, self.is_word = {}, False
held = Node()
for word in words:
    node = held
    for letter in word:
        node = node.children.setdefault(letter, Node())
    node.is_word = True
entries = dict.fromkeys(words)
"""),
    "of instances with slots": ("'str', 'i16'", WORDS + """
class Node:
    __slots__ = ("letter", "children", "value")
    def __init__(self, letter):
        self.letter, self.children, self.value = letter, {}, None
class Trie:
    def __init__(self):
        self.top = Node('')
held = Trie()
for number, word in enumerate(words):
    node = held.top
    for letter in word:
        node = node.children.setdefault(letter, Node(letter))
    node.value = number
entries = {word: number for number, word in enumerate(words)}
"""),
}
NODES = """
def nodes(thing, seen):
    if id(thing) in seen or not (isinstance(thing, dict) or type(thing).__name__ == 'Node'):
        return
    seen[id(thing)] = thing
    if isinstance(thing, dict):
        for value in thing.values():
            nodes(value, seen)
    else:
        nodes(thing.children, seen)
        if sys.version_info < (3, 11) and hasattr(thing, '__dict__'):
            seen[id(thing.__dict__)] = thing.__dict__
def all_nodes():
    seen = {}
    nodes(getattr(held, 'top', held), seen)
    return seen.values()
"""


@every_python
@pytest.mark.parametrize("what", sorted(NESTS))
def test_a_trie_of_nodes_now(about, python, what):
    advice, ask = about(python, NESTS[what][1] + NODES, "trie", 1000)
    assert advice["holder"].startswith("__main__.held")
    assert advice["items"] == ask("len(entries)")
    assert close(advice["own_bytes"], ask("sum(map(sys.getsizeof, all_nodes()))"), 0.001)


@pytest.mark.parametrize("what", sorted(NESTS))
def test_a_trie_of_nodes_as_a_trie(about, neap_python, what):
    kinds, source = NESTS[what]
    advice, ask = about(neap_python, source + NODES, "trie", 1000)
    for name, made in (("Trie", ""), ("FrozenTrie", ".freeze()")):
        real = ask("__import__('neap').Trie(%s, entries.items())%s.nbytes" % (kinds, made))
        assert option_of(advice, "neap.%s(%s)" % (name, kinds)) == real


@pytest.mark.parametrize("source", [
    "held = {str(n): {'name': 'a', 'age': n, 'tags': []} for n in range(5000)}",  # records
    "held = {str(n): {'a': 'x', 'b': 1} for n in range(5000)}",  # no kind of value is common to all
    "same = {'a': 1}\nheld = {str(n): same for n in range(5000)}",  # one node, often
    "held = {}\nfor n in range(5000): held = {'a': held}",  # one way, and too long for a text
    "held = {'a': 1}\nfor n in range(64): held = {'a': held, 'b': held}",  # ways without end
    "held = {}\nfor n in range(5000): held[str(n)] = {'up': held}",  # a circle
])
def test_what_is_no_trie(source):
    with Holding(debian_python(), source) as holding:
        assert not [one for one in advise(holding.pid) if one["kind"] == "trie"]


class Redis:
    def __init__(self):
        if not shutil.which("redis-server"):
            pytest.skip("no redis-server on this machine")
        self.folder = tempfile.TemporaryDirectory()
        path = os.path.join(self.folder.name, "socket")
        self.process = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--save", "",
                                         "--dir", self.folder.name], stdout=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(path), 10, "redis")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.answers = self.socket.makefile("rb")

    def ask(self, *words):
        parts = [str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        line = self.answers.readline()
        return self.answers.read(int(line[1:]) + 2) if line.startswith(b"$") else line

    def used(self):
        lines = self.ask("INFO", "memory").split(b"\r\n")
        return next(int(line.split(b":")[1]) for line in lines if line.startswith(b"used_memory:"))

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.socket.close()
        self.folder.cleanup()


def test_redis(about):
    advice, _ = about(debian_python(), "counts", "dict")
    redis = Redis()
    try:
        before = redis.used()
        items = [word for n in range(COUNT) for word in ("user:%d" % n, n * 7 + 2000)]
        for at in range(0, len(items), 1000):
            redis.ask("HSET", "h", *items[at:at + 1000])
        time.sleep(1)  # its table grows step by step, and its buffers shrink
        real = redis.used() - before
    finally:
        redis.close()
    assert close(option_of(advice, "Redis"), real, 0.03)


# ---- text -----------------------------------------------------------------------------------------

def test_it_fits_into_80_columns_and_tells_no_contents():
    with Holding(debian_python(), "counts") as holding:
        done = subprocess.run([NEAP, "advise", str(holding.pid)], capture_output=True, text=True,
                              env=clean_environment())
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "dict of 50,000 str to int" in done.stdout and "user:" not in done.stdout


# --- what claims more than there is ----------------------------------------------------------

OVERLAPPING = """
import ctypes
held = {number: number for number in range(200000)}
table = ctypes.c_uint64.from_address(id(held) + 32).value
liars = [{0: 0} for _ in range(100)]
for liar in liars:
    ctypes.c_uint64.from_address(id(liar) + 16).value = len(held)
    ctypes.c_uint64.from_address(id(liar) + 32).value = table
"""
SHIFTED = """
import ctypes
COUNT = 2000000
held = [None] * COUNT
items = ctypes.c_uint64.from_address(id(held) + 24).value
liars = [[None] for _ in range(100)]
for place, liar in enumerate(liars):
    for offset, value in ((16, COUNT - 200), (24, items + 8 * place), (32, COUNT - 200)):
        ctypes.c_uint64.from_address(id(liar) + offset).value = value
"""
SHARED = """
def node(depth):
    return {letter: node(depth - 1) for letter in "abcdef"} if depth else {"$": 1}
inner = node(4)
tops = [{"t": inner} for _ in range(3000)]
"""


def gaps(what):
    with Holding(debian_python(), what) as held:
        found = {gap["part"]: gap for gap in document(held.pid)["gaps"]}
    assert not any(gap["out_of_memory"] for gap in found.values())
    return found


def test_dicts_with_one_table_are_examined_once():
    with Holding(debian_python(), OVERLAPPING) as held:
        found = document(held.pid)
    gap = {gap["part"]: gap for gap in found["gaps"]}["containers"]
    assert gap["overlaps"] > 5 and not gap["out_of_budget"]
    assert len([one for one in found["advice"] if one["what"] == "dict of 200000 int to int"]) == 1


def test_lists_that_lie_over_each_other_end_at_the_budget():
    found = gaps(SHIFTED)
    assert found["containers"]["out_of_budget"] and len(found) == 1


def test_one_long_text_of_many_items_is_no_reason_to_stop():
    what = "text = 'x' * 20000\nheld = {number: text for number in range(200000)}, [number / 3 for number in range(5000)]"
    with Holding(debian_python(), what) as held:
        assert "list of 5000 float" in [one["what"] for one in advise(held.pid)]


def test_tries_that_share_nodes_end_at_the_budget():
    found = gaps(SHARED)
    assert found["tries"]["out_of_budget"] and len(found) == 1
