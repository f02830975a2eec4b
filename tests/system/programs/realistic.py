"""A program like many: parses, sorts, packs, stores, queries, starts threads and coroutines.

Prints a digest of all its results: the same under any allocator.
"""
import asyncio
import collections
import csv
import dataclasses
import decimal
import gc
import hashlib
import io
import json
import pickle
import random
import re
import sys
import threading
import xml.etree.ElementTree as ElementTree
import zlib

import witness

WORDS = "neap spring ebb flood slack tide moon shore current harbour".split()


@dataclasses.dataclass
class Reading:
    station: str
    level: decimal.Decimal
    tags: list = dataclasses.field(default_factory=list)


def readings(chance, count):
    for number in range(count):
        yield Reading("%s-%d" % (chance.choice(WORDS), number % 50), decimal.Decimal(chance.randrange(10 ** 9)) / 1000,
                      chance.sample(WORDS, 3))


def by_json(items):
    text = json.dumps([{**dataclasses.asdict(item), "level": str(item.level)} for item in items], indent=1)
    return hashlib.sha256(json.dumps(json.loads(text)).encode()).hexdigest()


def by_csv(items):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([item.station, item.level, " ".join(item.tags)] for item in items)
    rows = list(csv.reader(io.StringIO(out.getvalue())))
    return zlib.crc32(repr(sorted(rows)).encode())


def by_pickle(items):
    packed = zlib.compress(pickle.dumps(items))
    return sum(item.level for item in pickle.loads(zlib.decompress(packed)))


def by_xml(items):
    root = ElementTree.Element("readings")
    for item in items:
        node = ElementTree.SubElement(root, "reading", station=item.station)
        node.text = str(item.level)
    tree = ElementTree.fromstring(ElementTree.tostring(root))
    return len(tree.findall(".//reading[@station='neap-7']")), zlib.crc32(ElementTree.tostring(tree))


def by_regex(items):
    text = "\n".join("%s %s" % (item.station, item.level) for item in items)
    found = collections.Counter(match.group(1) for match in re.finditer(r"^([a-z]+)-\d+ \d+(?:\.\d)?", text, re.M))
    return sorted(found.items())


def by_sql(items):
    try:
        import sqlite3
    except ImportError:  # an interpreter built without it
        return "no sqlite3"
    base = sqlite3.connect(":memory:")
    base.execute("create table reading (station text, level real)")
    base.executemany("insert into reading values (?, ?)", [(item.station, float(item.level)) for item in items])
    return base.execute("select station, count(*) from reading group by station order by station").fetchall()


def by_threads(items):
    totals = [None] * 4

    def total(part):
        totals[part] = sum(len(repr(item)) for item in items[part::4])

    threads = [threading.Thread(target=total, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return totals


def by_coroutines(items):
    async def length(item):
        await asyncio.sleep(0)
        return len(item.tags[0])

    async def all_lengths():
        return sum(await asyncio.gather(*(length(item) for item in items[:500])))

    return asyncio.run(all_lengths())


def by_cycles(items):
    gc.collect()
    gc.disable()  # else it is chance who collects them
    for item in items:
        item = dataclasses.replace(item, tags=[])
        item.tags.append(item)  # garbage that only the collector finds
    del item
    collected = gc.collect()
    gc.enable()
    return collected >= len(items)


def by_numbers(chance):
    product = 1
    for _ in range(400):
        product *= chance.getrandbits(200) | 1
    return hashlib.sha256(str(pow(product, 3, 10 ** 3000)).encode()).hexdigest()


def main(count):
    witness.must_serve()
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)
    results = []
    for seed in range(3):
        chance = random.Random(seed)
        items = list(readings(chance, count))
        for work in (by_json, by_csv, by_pickle, by_xml, by_regex, by_sql, by_threads, by_coroutines):
            results.append(work(items))
        results.append(by_cycles(items))
        results.append(by_numbers(chance))
    print(hashlib.sha256(repr(results).encode()).hexdigest())


main(int(sys.argv[1]))
