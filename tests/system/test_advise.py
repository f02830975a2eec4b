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

from support import BUILD, NEAP, clean_environment, every_python, debian_python, needs_64_bits, needs_neap, wait_until

pytestmark = [needs_neap, needs_64_bits]

COUNT = 50000
SETUP = {
    "floats": "held = [n * 0.5 for n in range(%d)]",
    "small": "held = [n + 1000 for n in range(%d)]",
    "large": "held = [(n - 5) * (1 << 33) for n in range(%d)]",
    "set": "held = {n + 1000 for n in range(%d)}",
    "counts": "held = {'user:%%d' %% n: n * 7 + 1000 for n in range(%d)}",
    "numbered": "held = {n * 3 + 1000: 'value %%d' %% n for n in range(%d)}",
    "instances": "class Point:\n    def __init__(self, n):\n        self.x, self.y, self.name = n, n, None\n"
                 "held = [Point(n) for n in range(%d)]",
    "strings": "held = ['a colour with a long name, number %%d' %% (n %% 10000) for n in range(%d)]",
}


def advise(pid):
    done = subprocess.run([NEAP, "advise", "--json", "-n", "1000", str(pid)], capture_output=True, text=True,
                          timeout=60, env=clean_environment())
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-2000:]
    return json.loads(done.stdout)["advice"]


class Holding:
    """A Python that holds one thing, and then says of it what is asked in its own words."""

    def __init__(self, python, what):
        body = ("import json, sys, gc\n" + SETUP[what] % COUNT + "\ngc.collect()\nprint(flush=True)\n"
                "for line in sys.stdin:\n    print(json.dumps(eval(line)), flush=True)\n")
        self.process = subprocess.Popen([python.path, "-c", body], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=clean_environment())
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

    def start(python, what, kind):
        started.append(Holding(python, what))
        advice = [one for one in advise(started[-1].pid) if one["kind"] == kind and one["items"] >= COUNT]
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
    advice, ask = about(python, "strings", "strings")
    real = ask("sum(map(sys.getsizeof, {sys.intern(text) for text in held}))")
    assert close(advice["options"][0]["bytes"], real, 0.06)  # the interpreter's own are among them


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


@pytest.mark.parametrize("what, items", [("counts", [("user:%d" % n, n * 7 + 1000) for n in range(COUNT)]),
                                         ("numbered", [(n * 3 + 1000, "value %d" % n) for n in range(COUNT)])])
def test_sqlite(about, what, items):
    advice, _ = about(debian_python(), what, "dict")
    assert close(option_of(advice, "SQLite"), sqlite_bytes(items), 0.02)


@pytest.mark.parametrize("what, items", [("counts", [("user:%d" % n, n * 7 + 1000) for n in range(COUNT)]),
                                         ("numbered", [(n * 3 + 1000, "value %d" % n) for n in range(COUNT)])])
def test_neap_map(about, what, items):
    advice, _ = about(debian_python(), what, "dict")
    name = next(option["as"] for option in advice["options"] if "neap.Map" in option["as"])
    body = ("import json, sys\nimport neap\ncontent = neap.%s\nfor key, value in json.load(sys.stdin):\n"
            "    content[key] = value\ncontent.trim()\nprint(content.nbytes)" % name[5:])
    done = subprocess.run([debian_python().path, "-c", body], input=json.dumps(items), capture_output=True, text=True,
                          env=clean_environment(PYTHONPATH=str(BUILD / "python")))
    if "No module" in done.stderr:
        pytest.skip("no neap.Map for this Python")
    assert done.returncode == 0, done.stderr
    assert close(option_of(advice, "neap.Map"), int(done.stdout), 0.08)


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
        items = [word for n in range(COUNT) for word in ("user:%d" % n, n * 7 + 1000)]
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
