#!/usr/bin/python3
"""neap.Map beside dict, SQLite in memory, and datrie (python3-datrie) where it is installed.

`map.py [--rounds N] [--entries N] [--stores a,b] [--json]` runs each store in fresh processes,
turn by turn, and prints medians: resident bytes an entry with all that the store keeps alive,
nanoseconds (of processor time, without those of the loop) an insertion, a lookup in random
order, a deletion; what is left in memory of the growth when 90 % at random are gone; the peak
while growing beside what it came to. Keys are the two sets of words.py, and --entries floats.

`map.py --worst N` builds a Map of N entries, deletes nine tenths, and prints how long the
longest single operations took.
"""
import argparse
import gc
import json
import random
import sqlite3
import statistics
import string
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "build" / "python"))

import words  # noqa: E402

WANTED = {  # (data set, figure): a limit, or one as a share of dict's
    ("words", "bytes"): 22, ("floats", "bytes"): 30,
    ("words", "lookup_ns"): "1.05 x dict", ("floats", "lookup_ns"): "0.60 x dict",
    ("words", "insert_ns"): "1.20 x dict", ("floats", "insert_ns"): "1.20 x dict",
    ("floats", "left"): 0.25, ("words", "peak"): 1.3, ("floats", "peak"): 1.3}


class SQLite:
    """The least that SQLite does for a mapping: one table without row numbers."""

    def __init__(self):
        self.database = sqlite3.connect(":memory:", isolation_level=None)
        self.database.execute("CREATE TABLE map (key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID")
        self.database.execute("BEGIN")

    def __setitem__(self, key, value):
        self.database.execute("INSERT OR REPLACE INTO map VALUES (?, ?)", (key, value))

    def __getitem__(self, key):
        return self.database.execute("SELECT value FROM map WHERE key = ?", (key,)).fetchone()[0]

    def __delitem__(self, key):
        self.database.execute("DELETE FROM map WHERE key = ?", (key,))


def neap_map():
    import neap
    warm = neap.Map("str", "u32", {str(i): i for i in range(5000)})  # its code is in memory from here on
    warm.clear()
    warm.trim()
    return lambda: neap.Map("str", "u32")


def datrie_trie():
    import datrie
    return lambda: datrie.Trie(string.printable)


STORES = {"neap": neap_map, "dict": lambda: dict, "sqlite": lambda: SQLite, "datrie": datrie_trie}


# --- in the child -----------------------------------------------------------------


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def peak():
    with open("/proc/self/status") as file:
        return int(next(line for line in file if line.startswith("VmHWM")).split()[1]) * 1024


def forget_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def fill(store, lines):
    """Puts every line under its number; each key is an object of its own."""
    for number, line in enumerate(lines, 1000):
        store[line.decode()] = number


def fill_nothing(lines):
    for number, line in enumerate(lines, 1000):
        line.decode()


def look(store, keys):
    for key in keys:
        store[key]


def look_at_nothing(keys):
    for key in keys:
        pass


def remove(store, keys):
    for key in keys:
        del store[key]


def ns(function, *arguments):
    start = time.thread_time_ns()
    function(*arguments)
    return time.thread_time_ns() - start


def data_set(name):
    return words.words() if name == "words" else words.floats(1_000_000 if name == "floats" else int(name))


def child(store_name, data_name):
    make = STORES[store_name]()
    keys = data_set(data_name)
    count = len(keys)
    lines = [key.encode() for key in keys]
    random.Random(2).shuffle(keys)
    probes = [key.encode().decode() for key in keys]  # as they lie in memory they are asked for
    gone = probes[:count * 9 // 10]
    del keys
    gc.collect()
    gc.disable()
    ns(fill, make(), lines[:2000])  # what measuring itself takes is in memory from here on, too
    loop = ns(fill_nothing, lines)
    peak(), forget_peak()
    before = resident()
    store = make()
    insert = ns(fill, store, lines) - loop
    most, full = peak() - before, resident() - before
    if count < 100_000:  # too short for one measurement
        insert = min(ns(fill, make(), lines) - ns(fill_nothing, lines) for _ in range(10))
    times = 3 if count >= 100_000 else 20
    lookup = min(ns(look, store, probes) - ns(look_at_nothing, probes) for _ in range(times))
    delete = ns(remove, store, gone) - ns(look_at_nothing, gone)
    left = resident() - before
    return {"bytes": full / count, "insert_ns": insert / count, "lookup_ns": lookup / count,
            "delete_ns": delete / len(gone), "left": left / full, "peak": most / full}


def worst(count):
    """The longest operations of a growing and a shrinking Map, in microseconds of processor time,
    which a process that others push aside does not spend."""
    m = neap_map()()
    gc.collect()
    gc.disable()
    clock, slow = time.thread_time_ns, []
    for turn in ("insert", "delete"):
        most, chance = [0] * 5, random.Random(4)  # the same keys in both turns: the map has them in no order
        for number in range(count if turn == "insert" else count * 9 // 10):
            key = str(chance.random())
            start = clock()
            if turn == "insert":
                m[key] = number
            else:
                m.pop(key, None)  # a number may have come twice
            took = clock() - start
            if took > most[0]:
                most[0] = took
                most.sort()
        slow.append((turn, [round(took / 1000) for took in most[::-1]]))
    return slow


# --- in the parent ----------------------------------------------------------------


def run(*arguments):
    done = subprocess.run([sys.executable, __file__, "--child", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(arguments)} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def usable(names):
    for name in names:
        try:
            STORES[name]()
        except ImportError:
            print(f"without {name}: it is not installed", file=sys.stderr)
        else:
            yield name


def measure(stores, sets, rounds):
    results = {(store, data): [] for data in sets for store in stores}
    for turn in range(rounds):
        for store, data in list(results)[turn % len(results):] + list(results)[:turn % len(results)]:
            results[store, data].append(run(store, data))
    return {pair: {figure: statistics.median(one[figure] for one in runs) for figure in runs[0]}
            for pair, runs in results.items()}


def judgement(results, data, figure):
    """What was wanted of neap, and whether it is so."""
    wanted = WANTED.get((data, figure))
    if wanted is None or ("neap", data) not in results:
        return ""
    ours = results["neap", data][figure]
    if isinstance(wanted, str):
        share = float(wanted.split()[0])
        if ("dict", data) not in results:
            return ""
        ratio = ours / results["dict", data][figure]
        return f"wanted <= {wanted}: {ratio:.2f} x, {'met' if ratio <= share else 'MISSED'}"
    return f"wanted <= {wanted}: {'met' if ours <= wanted else 'MISSED'}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--entries", type=int, help="also so many floats")
    parser.add_argument("--sets", default="words,floats")
    parser.add_argument("--stores", default=",".join(STORES))
    parser.add_argument("--worst", type=int, metavar="N")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(*options.child)))
        return
    if options.worst:
        for turn, most in worst(options.worst):
            print(f"{options.worst} entries, {turn}: the longest took {', '.join(map(str, most))} µs")
        return
    sets = options.sets.split(",") + ([str(options.entries)] if options.entries else [])
    stores = list(usable(options.stores.split(",")))
    results = measure(stores, sets, options.rounds)
    if options.json:
        print(json.dumps([{"store": store, "set": data, **figures} for (store, data), figures in results.items()]))
        return
    for data in sets:
        print(f"\n{data:16}" + "".join(f"{store:>10}" for store in stores))
        for figure in results[stores[0], data]:
            cells = "".join(f"{results[store, data][figure]:10.{0 if figure.endswith('ns') else 2}f}" for store in stores)
            print(f"{figure:16}{cells}   {judgement(results, data, figure)}")


if __name__ == "__main__":
    main()
