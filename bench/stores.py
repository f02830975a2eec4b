#!/usr/bin/python3
"""Compares the places where many small entries can be kept: Neap's containers and stores, and others.

    bench/stores.py                                  measures all of them; takes some minutes
    bench/stores.py --only map,redis --json a.json   measures some, and keeps the rest of a.json
    bench/stores.py --read a.json --write docs/stores.md

There are two sets of entries from text to number (bench/words.py): W has 46,461 words, F has 1,000,000
random floats as text. Each store is filled in a fresh process, entry by entry from a file, so that it
holds keys and values itself. The columns of the table:

    bytes an entry    the growth of the process's resident memory, without code, divided by the number
                      of entries. For a server it is the growth of the server's process; for a file it
                      is the size of the file; for neap.connect("sqlite:...") both are added.
    a lookup          the time of one lookup by key, of keys in random order that were looked up before.
                      It is processor time; where a server takes part, it is elapsed time.
    one of many       the time of a key where get_many looks up 100,000 keys.
    an insertion      the time of one entry while the store is filled.
    given back        the share of the memory of the first column that is gone after nine entries of ten
                      were deleted at random. Redis and SQLite are asked for it with trim().
"""
import argparse
import array
import gc
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "build" / "python"), str(ROOT / "bench")]

MARK = "<!-- bench/stores.py: "
COUNTS = {"W": 46_461, "F": 1_000_000}


def resident(pid="self"):
    """In bytes, without the pages of programs and libraries, which come in as code runs."""
    with open(f"/proc/{pid}/status") as file:
        return sum(int(line.split()[1]) * 1024 for line in file if line.startswith(("RssAnon", "RssShmem")))


# --- the stores: each a class whose object is filled, looked into and emptied ------------------


class Store:
    """A mapping of str to int. What cannot be measured of one has no figure."""

    name, facts = "", ("no", "no", "no")  # survives a crash, shared by processes, shared by machines
    lookups = 200_000
    deletes = wall = batched = False
    static = False  # built elsewhere, and read only
    dense = False  # keys are 0 to n - 1

    def __init__(self, folder, count):
        self.count = count
        self.before = self.memory()

    def memory(self):
        return resident()

    def fill(self, pairs):
        for key, value in pairs:
            self.held[key] = value

    def look_up(self, keys):
        held = self.held
        for key in keys:
            held[key]

    def delete(self, keys):
        held = self.held
        for key in keys:
            del held[key]

    def give_back(self):
        """Asks for memory, where that is necessary."""

    def end(self):
        pass


class Dict(Store):
    name, deletes = "dict", True

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.held = {}


class Map(Store):
    name, deletes, facts = "neap.Map", True, ("saved", "saved", "no")

    def __init__(self, *arguments):
        import neap

        kind = neap.Map
        super().__init__(*arguments)
        self.held = kind("str", "u32")


class Trie(Store):
    name, deletes, facts = "neap.Trie", True, ("saved", "saved", "no")

    def __init__(self, *arguments):
        import neap

        kind = neap.Trie
        super().__init__(*arguments)
        self.held = kind("str", "u32")


class FrozenTrie(Store):
    """Opened from a file in a fresh process: the pages that reading touches."""

    name, static, facts = "neap.FrozenTrie", True, ("saved", "saved", "no")

    def __init__(self, folder, count):
        import neap

        self.kind, self.path = neap.FrozenTrie, str(folder / "frozen")
        super().__init__(folder, count)

    def fill(self, pairs):
        import neap

        child = os.fork()  # what building takes is another process's
        if child == 0:
            trie = neap.Trie("str", "u32")
            for key, value in pairs:
                trie[key] = value
            trie.freeze().save(self.path)
            os._exit(0)
        os.waitpid(child, 0)
        self.held = self.kind.open(self.path)

    def memory(self):
        return os.path.getsize(self.path) if os.path.exists(self.path) else 0


class SqliteMemory(Store):
    name, deletes = "sqlite3, in memory", True

    def __init__(self, *arguments):
        import sqlite3

        super().__init__(*arguments)
        self.held = sqlite3.connect(":memory:", isolation_level=None)
        self.held.execute("CREATE TABLE t (key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID")

    def fill(self, pairs):
        self.held.execute("BEGIN")
        self.held.executemany("INSERT INTO t VALUES (?, ?)", pairs)
        self.held.execute("COMMIT")

    def look_up(self, keys):
        execute = self.held.execute
        for key in keys:
            execute("SELECT value FROM t WHERE key = ?", (key,)).fetchone()

    def delete(self, keys):
        self.held.execute("BEGIN")
        self.held.executemany("DELETE FROM t WHERE key = ?", ((key,) for key in keys))
        self.held.execute("COMMIT")


class Sqlite(Store):
    name, deletes, facts = 'neap.connect("sqlite:…")', True, ("yes", "yes", "no")
    lookups, batched = 20_000, True

    def __init__(self, folder, count):
        import neap

        self.held = neap.connect(f"sqlite:{folder}/store.db", "str", "u32")
        super().__init__(folder, count)

    def memory(self):
        return self.held.nbytes + resident()

    def fill(self, pairs):
        self.held.update(pairs)

    def delete(self, keys):
        self.held.delete_many(keys)

    def give_back(self):
        self.held.trim()


class Redis(Store):
    name, deletes, facts = 'neap.connect("redis://…")', True, ("as Redis is set", "yes", "yes")
    lookups, wall, batched = 5_000, True, True

    def __init__(self, folder, count):
        import neap

        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        server = shutil.which("redis-server") or shutil.which("redis-check-rdb")
        if server is None:
            raise ImportError("no redis-server")
        self.port = port
        (folder / "redis-server").symlink_to(server)
        self.process = subprocess.Popen([folder / "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                                         "--dir", folder], stdout=subprocess.DEVNULL)
        for _ in range(200):
            try:
                self.held = neap.connect(f"redis://127.0.0.1:{port}", "str", "u32", expect=count)
                break
            except neap.StoreError:
                time.sleep(0.05)
        super().__init__(folder, count)

    def memory(self):
        return resident(self.process.pid)

    def fill(self, pairs):
        self.held.update(pairs)

    def delete(self, keys):
        self.held.delete_many(keys)

    def give_back(self):
        self.held.trim()

    def end(self):
        self.process.kill()
        self.process.wait()


class RedisKeys(Redis):
    name, batched = "Redis, a key for each", False

    def __init__(self, *arguments):
        import redis

        super().__init__(*arguments)
        self.client = redis.Redis("127.0.0.1", self.port)

    def fill(self, pairs):
        pipeline = self.client.pipeline(transaction=False)
        for n, (key, value) in enumerate(pairs, 1):
            pipeline.set(key, value)
            if n % 10_000 == 0:
                pipeline.execute()
        pipeline.execute()

    def look_up(self, keys):
        get = self.client.get
        for key in keys:
            get(key)

    def delete(self, keys):
        for first in range(0, len(keys), 10_000):
            self.client.delete(*keys[first:first + 10_000])


class Lmdb(Store):
    name, deletes, facts = "LMDB, on tmpfs", True, ("yes", "yes", "no")

    def __init__(self, folder, count):
        import lmdb

        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
        self.held = lmdb.open(str(self.folder), map_size=1 << 32)
        super().__init__(folder, count)

    def memory(self):
        return sum(file.stat().st_blocks * 512 for file in self.folder.iterdir())

    def fill(self, pairs):
        with self.held.begin(write=True) as change:
            for key, value in pairs:
                change.put(key.encode(), value.to_bytes(4, "little"))

    def look_up(self, keys):
        with self.held.begin() as reading:
            for key in keys:
                int.from_bytes(reading.get(key.encode()), "little")

    def delete(self, keys):
        with self.held.begin(write=True) as change:
            for key in keys:
                change.delete(key.encode())

    def end(self):
        shutil.rmtree(self.folder)


class Marisa(Store):
    name, static, facts = "marisa and array", True, ("saved", "saved", "no")

    def __init__(self, *arguments):
        import marisa

        self.library = marisa
        super().__init__(*arguments)

    def fill(self, pairs):
        folder = Path(tempfile.mkdtemp())
        child = os.fork()
        if child == 0:
            pairs, keys, trie = list(pairs), self.library.Keyset(), self.library.Trie()
            for key, _ in pairs:
                keys.push_back(key)
            trie.build(keys)
            values, agent = array.array("I", bytes(4 * len(pairs))), self.library.Agent()
            for key, value in pairs:
                agent.set_query(key)
                trie.lookup(agent)
                values[agent.key_id()] = value
            trie.save(str(folder / "keys"))
            (folder / "values").write_bytes(values.tobytes())
            os._exit(0)
        os.waitpid(child, 0)
        self.held, self.values = self.library.Trie(), array.array("I")
        self.held.load(str(folder / "keys"))
        self.values.frombytes((folder / "values").read_bytes())
        shutil.rmtree(folder)

    def look_up(self, keys):
        agent, held, values = self.library.Agent(), self.held, self.values
        for key in keys:
            agent.set_query(key)
            held.lookup(agent)
            values[agent.key_id()]


class Datrie(Store):
    name = "datrie"

    def __init__(self, *arguments):
        import datrie

        super().__init__(*arguments)
        self.held = datrie.BaseTrie("".join(map(chr, range(33, 127))))


class Array(Store):
    name, dense = "array('I'), by position", True

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.held = array.array("I")

    def fill(self, pairs):
        for _, value in pairs:
            self.held.append(value)


class Bits(Store):
    name, dense, facts = "neap.Bits, one bit each", True, ("with open()", "with open()", "no")

    def __init__(self, folder, count):
        import neap

        kind = neap.Bits
        super().__init__(folder, count)
        self.held = kind(count)

    def fill(self, pairs):
        for key, value in pairs:
            self.held[key] = value & 1


class Bitarray(Bits):
    name, facts = "bitarray, one bit each", ("no", "no", "no")

    def __init__(self, folder, count):
        from bitarray import bitarray

        Store.__init__(self, folder, count)
        self.held = bitarray(count)
        self.held.setall(0)


STORES = {"dict": Dict, "map": Map, "trie": Trie, "frozen": FrozenTrie, "sqlite-memory": SqliteMemory, "sqlite": Sqlite,
          "redis": Redis, "redis-keys": RedisKeys, "lmdb": Lmdb, "marisa": Marisa, "datrie": Datrie, "array": Array,
          "bits": Bits, "bitarray": Bitarray}


# --- one measurement, in a process of its own ------------------------------------------------------


def pairs_of(file):
    with open(file) as lines:
        for value, line in enumerate(lines):
            yield line[:-1], value


def timed(store, function, *arguments):
    clock = time.perf_counter_ns if store.wall else time.thread_time_ns
    start = clock()
    function(*arguments)
    return clock() - start


def measure(kind, keys_file, count):
    for _ in pairs_of(keys_file):  # what reading itself takes is not the store's
        pass
    gc.collect()
    with tempfile.TemporaryDirectory() as folder:
        store = kind(Path(folder), count)
        try:
            pairs = ((value, value) for value in range(count)) if kind.dense else pairs_of(keys_file)
            spent = timed(store, store.fill, pairs)
            gc.collect()
            full = store.memory() - store.before
            result = {"bytes": full / count}
            if not kind.static:
                result["insert_ns"] = spent / count
            chance = random.Random(2)
            everything = range(count) if kind.dense else [key for key, _ in pairs_of(keys_file)]
            some = chance.choices(everything, k=store.lookups)
            store.look_up(some)
            result["lookup_ns"] = statistics.median(timed(store, store.look_up, some) for _ in range(5)) / len(some)
            if kind.batched:
                many = chance.choices(everything, k=100_000)
                result["batch_ns"] = timed(store, store.held.get_many, many) / len(many)
            return result
        finally:
            store.end()


def measure_deletion(kind, keys_file, count):
    """The share that is given back; keys to delete are read from the file piece by piece."""
    for _ in pairs_of(keys_file):
        pass
    with tempfile.TemporaryDirectory() as folder:
        store = kind(Path(folder), count)
        try:
            store.fill(pairs_of(keys_file))
            gc.collect()
            full = store.memory() - store.before
            chance, piece = random.Random(3), []
            for key, _ in pairs_of(keys_file):
                if chance.random() < 0.9:
                    piece.append(key)
                if len(piece) == 10_000:
                    store.delete(piece)
                    piece.clear()
            store.delete(piece)
            del piece, key
            store.give_back()
            gc.collect()
            time.sleep(0.3)
            return {"back": 1 - (store.memory() - store.before) / full}
        finally:
            store.end()


def run(name, set_name, keys_file, what):
    """In a fresh process; None where the store is not there."""
    done = subprocess.run([sys.executable, __file__, "--one", name, set_name, str(keys_file), what], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode == 0:
        return json.loads(done.stdout)
    reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
    print(f"{name}, {set_name}: {reason[0]}", file=sys.stderr)
    return None


# --- the table ---------------------------------------------------------------------------------------


def number(result, key, form="%.0f"):
    figure = (result or {}).get(key)
    return "–" if figure is None else form % figure


def short_ns(result, key):
    figure = (result or {}).get(key)
    return "–" if figure is None else "%.0f ns" % figure if figure < 1000 else "%.1f µs" % (figure / 1000)


def percent(result):
    figure = (result or {}).get("back")
    if figure is None:
        return "–"
    return "it grew" if figure < -0.05 else "%.0f %%" % (100 * max(figure, 0))


def table(results):
    lines = ["| | bytes an entry: W, F | a lookup: W, F | one of many at once: F | an insertion: F | given back: F | survives a crash | "
             "shared by processes | shared by machines |",
             "|---|---|---|---|---|---|---|---|---|"]
    for name, kind in STORES.items():
        both = results.get(name)
        if not both:
            continue
        w, f = both.get("W"), both.get("F")
        width = "%.2f" if (f or {}).get("bytes", 9) < 1 else "%.1f"
        lines.append("| " + " | ".join([
            kind.name, f"{number(w, 'bytes', width)}, {number(f, 'bytes', width)}", f"{short_ns(w, 'lookup_ns')}, {short_ns(f, 'lookup_ns')}",
            short_ns(f, "batch_ns") if kind.batched else "–", "–" if kind.static else short_ns(f, "insert_ns"), percent(f),
            *kind.facts]) + " |")
    return "\n".join(lines)


def write(text, path):
    """Puts the table between the marks of a document."""
    document = Path(path).read_text()
    start, end = document.index(MARK), document.index(MARK + "end")
    start = document.index("\n", start) + 1
    Path(path).write_text(document[:start] + "\n" + text + "\n\n" + document[end:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(STORES), help="of: " + ", ".join(STORES))
    parser.add_argument("--sets", default="W,F")
    parser.add_argument("--json", metavar="FILE", help="keep the results there, beside those it has")
    parser.add_argument("--read", metavar="FILE", help="measure nothing, take these results")
    parser.add_argument("--write", metavar="FILE", help="put the table between the marks of a document")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, set_name, keys_file, what = options.one
        function = measure if what == "all" else measure_deletion
        print(json.dumps(function(STORES[name], keys_file, COUNTS[set_name])))
        return
    kept = options.read or options.json
    results = json.loads(Path(kept).read_text()) if kept and os.path.exists(kept) else {}
    if not options.read:
        import words

        with tempfile.TemporaryDirectory() as folder:
            for set_name in options.sets.split(","):
                keys_file = Path(folder) / set_name
                keys = words.words() if set_name == "W" else words.floats()
                keys_file.write_text("".join(key + "\n" for key in keys))
                del keys
                for name in options.only.split(","):
                    result = run(name, set_name, keys_file, "all")
                    if result and STORES[name].deletes and set_name == "F":
                        result.update(run(name, set_name, keys_file, "deletion") or {})
                    if result:
                        results.setdefault(name, {})[set_name] = result
                    if options.json:
                        Path(options.json).write_text(json.dumps(results, indent=1))
    print(table(results))
    if options.write:
        write(table(results), options.write)


if __name__ == "__main__":
    main()
