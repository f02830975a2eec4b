#!/usr/bin/python3
"""Tries beside dict, datrie and marisa, on the two data sets of words.py.

    bench/trie.py [--rounds N] [--only words|floats] [--values numbers|random]

Each figure is of a fresh process: resident memory that came with the entries, divided by
them, and the least time of a warm lookup over some passes; medians over the rounds. Each key has the
number of its line as value, or with --values random 31 random bits, which nothing can make shorter.
Peers that are not installed are left out. It needs a built tree (./dev build).

  bytes       resident memory an entry, keys and 32-bit values (of marisa an array of them)
  lookup      ns for t[key], keys at random, each a str that is already there
  prefix      ns for each result of prefix searches, as keys; items: as pairs
  pruned      of the memory, the share given back after half the entries went and compact()
  unasked     the same before compact()
  build       peak of resident memory while it is made, to the bytes of what it is made of
  open, 100   µs to open the file; MB of it resident after 100 random lookups
"""

import argparse
import array
import ctypes
import gc
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "build" / "python")]

import words  # noqa: E402

PASSES = 7
QUERIES = 100_000
VALUES = "numbers"


def status(field):
    """A figure of this process in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def settled():
    """Resident memory once all that can be given back is."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return status("VmRSS")


def lines(path):
    chance = random.Random(5)
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file):
            yield line[:-1], number if VALUES == "numbers" else chance.getrandbits(31)


def queries(path):
    keys = [key for key, _ in lines(path)]
    random.Random(2).shuffle(keys)
    return keys[:QUERIES]


def best_ns(run, count):
    least = float("inf")
    for _ in range(PASSES):
        start = time.perf_counter_ns()
        run()
        least = min(least, time.perf_counter_ns() - start)
    return least / count


def time_lookups(table, keys):
    def run():
        for key in keys:
            table[key]

    def empty():
        for key in keys:
            pass

    return best_ns(run, len(keys)) - best_ns(empty, len(keys))


def stems(keys):
    """Beginnings that each some dozens to hundreds of keys have."""
    length = 5 if keys[0].startswith("0.") else 3
    return sorted({key[:length] for key in keys if len(key) > length})[:300]


def time_prefixes(search, keys):
    wanted = stems(keys)
    results = sum(len(search(stem)) for stem in wanted)

    def run():
        for stem in wanted:
            search(stem)

    return best_ns(run, results)


# ---- what is measured, one a child ----------------------------------------------


def measure_dict(path, count):
    before = settled()
    table = dict(lines(path))
    held = settled() - before
    return {"bytes": held / count, "lookup": time_lookups(table, queries(path))}


def measure_trie(path, count):
    import neap

    neap.Trie("str", "u32", {"a": 1}).clear()  # what the first of all costs is the process's
    before = settled()
    trie = neap.Trie("str", "u32")
    for key, value in lines(path):
        trie[key] = value
    trie.trim()
    held = settled() - before
    keys = queries(path)
    row = {
        "bytes": held / count,
        "nbytes": trie.nbytes / count,
        "lookup": time_lookups(trie, keys),
        "prefix": time_prefixes(lambda stem: list(trie.prefix(stem)), keys),
        "items": time_prefixes(lambda stem: list(trie.prefix(stem).items()), keys),
    }
    doomed = [key for key, _ in lines(path)]
    random.Random(3).shuffle(doomed)
    del doomed[count // 2 :]
    full = settled()
    for key in doomed:
        del trie[key]
    trie.trim()
    row["unasked"] = (full - settled()) / (held / 2)
    trie.compact()
    row["pruned"] = (full - settled()) / (held / 2)
    return row


def measure_frozen(path, count):
    import neap

    trie = neap.Trie("str", "u32")
    for key, value in lines(path):
        trie[key] = value
    given = sum(len(key) for key, _ in lines(path)) + 4 * count
    trie.trim()
    before = settled()
    Path("/proc/self/clear_refs").write_text("5")
    frozen = trie.freeze()
    peak = status("VmHWM") - before
    del trie
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "frozen")
        frozen.save(file)
        size = os.path.getsize(file)
        del frozen
        keys = queries(path)
        neap.FrozenTrie.open(file)
        spent = []
        for _ in range(20):
            start = time.perf_counter_ns()
            frozen = neap.FrozenTrie.open(file)
            spent.append(time.perf_counter_ns() - start)
        for key in random.sample(keys, 100):
            frozen[key]
        resident = mapped_rss(file)
        return {
            "bytes": frozen.nbytes / count,
            "file": size / count,
            "build": peak / given,
            "open": statistics.median(spent) / 1000,
            "100": resident / 1e6,
            "lookup": time_lookups(frozen, keys),
            "prefix": time_prefixes(lambda stem: list(frozen.prefix(stem)), keys),
            "items": time_prefixes(lambda stem: list(frozen.prefix(stem).items()), keys),
        }


def mapped_rss(file):
    """Resident bytes of a file's mappings in this process."""
    total, ours = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split(" ", 1)[0]:
            ours = line.endswith(file)
        elif ours and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


def measure_datrie(path, count):
    import datrie

    alphabet = sorted({letter for key, _ in lines(path) for letter in key})
    before = settled()
    trie = datrie.BaseTrie(alphabet)
    for key, value in lines(path):
        trie[key] = value
    held = settled() - before
    keys = queries(path)
    return {"bytes": held / count, "lookup": time_lookups(trie, keys), "prefix": time_prefixes(trie.keys, keys)}


def measure_marisa(path, count):
    import marisa

    before = settled()
    given = sum(len(key) for key, _ in lines(path)) + 4 * count
    Path("/proc/self/clear_refs").write_text("5")
    keyset = marisa.Keyset()
    for key, _ in lines(path):
        keyset.push_back(key)
    trie = marisa.Trie()
    trie.build(keyset)
    del keyset
    values = array.array("I", bytes(4 * count))
    for key, value in lines(path):
        values[trie.lookup(key)] = value
    peak = status("VmHWM") - before
    held = settled() - before
    keys = queries(path)

    def run():
        for key in keys:
            values[trie.lookup(key)]

    def search(stem):
        agent, found = marisa.Agent(), []
        agent.set_query(stem)
        while trie.predictive_search(agent):
            found.append(agent.key_str())
        return found

    return {
        "bytes": held / count,
        "build": peak / given,
        "lookup": best_ns(run, len(keys)),
        "prefix": time_prefixes(search, keys),
    }


MEASURES = {
    "dict": measure_dict,
    "Trie": measure_trie,
    "FrozenTrie": measure_frozen,
    "datrie": measure_datrie,
    "marisa": measure_marisa,
}
COLUMNS = ["bytes", "lookup", "prefix", "items", "pruned", "unasked", "build", "open", "100"]


def child(name, path, count, values):
    global VALUES
    VALUES = values
    try:
        print(json.dumps(MEASURES[name](path, int(count))))
    except ImportError as error:
        print(json.dumps({"missing": str(error)}))


def run_child(*arguments):
    command = [sys.executable, __file__, "--child", *map(str, arguments)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def table(title, path, count, rounds, values):
    print(f"\n{title}: {count:,} entries\n")
    print(f"{'':12}" + "".join(f"{column:>10}" for column in COLUMNS))
    rows = {name: [] for name in MEASURES}
    for _ in range(rounds):
        for name in MEASURES:
            rows[name].append(run_child(name, path, count, values))
    for name, runs in rows.items():
        if "missing" in runs[0]:
            print(f"{name:12}left out: {runs[0]['missing']}")
            continue
        cells = ""
        for column in COLUMNS:
            values = [run[column] for run in runs if column in run]
            cells += f"{statistics.median(values):10.4g}" if values else f"{'':>10}"
        print(f"{name:12}{cells}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["words", "floats"])
    parser.add_argument("--values", choices=["numbers", "random"], default=VALUES)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(*args.child)
        return
    with tempfile.TemporaryDirectory() as folder:
        for title, make in ("words", words.words), ("floats", words.floats):
            if args.only not in (None, title):
                continue
            keys = make()
            path = os.path.join(folder, title)
            Path(path).write_text("".join(key + "\n" for key in keys))
            table(title, path, len(keys), args.rounds, args.values)


if __name__ == "__main__":
    main()
