"""`neap look PID`: all objects of a running Python, counted from outside, against what it counts itself."""
import json
import os
import re
import resource
import subprocess

import pytest

from places import Memory, arenas
from support import NEAP, clean_environment, debian_python, end_session, every_python, needs_64_bits, needs_neap, program, wait_until

pytestmark = [needs_neap, needs_64_bits]

# Types that the interpreter itself defines; of others the target knows no exact size from outside.
BUILT_IN = {"list", "dict", "tuple", "set", "frozenset", "function", "cell", "type", "module", "method",
            "builtin_function_or_method", "wrapper_descriptor", "method_descriptor", "classmethod_descriptor",
            "getset_descriptor", "member_descriptor", "staticmethod", "classmethod", "property", "slice",
            "generator", "weakref", "weakref.ReferenceType", "collections.deque"}
NAMES = {"weakref": "weakref.ReferenceType"}  # before 3.10 it was called so


def look(pid, *words, timeout=60):
    done = subprocess.run([NEAP, "look", "--json", "-n", "100000", *map(str, words), str(pid)], capture_output=True,
                          text=True, timeout=timeout, env=clean_environment())
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-2000:]
    return json.loads(done.stdout)


class Target:
    """A program that answers lines, with or without Neap's heap."""

    def __init__(self, python, name, *words, neap=False, **environment):
        front = [str(NEAP), "run", "--"] if neap else []
        self.process = subprocess.Popen([*front, python.path, program(name), *words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=clean_environment(**environment),
                                        start_new_session=True)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_session(self.process)
        self.process.stdin.close()
        self.process.stdout.close()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        wait_until(self.sleeps, 10, "the target to wait for the next line")
        return answer

    def sleeps(self):
        with open("/proc/%d/stat" % self.pid) as stat:
            return stat.read().rpartition(")")[2].split()[0] == "S"

    def hear(self):
        return self.process.stdout.readline()


def rows(document):
    sums = {}
    for row in document["rows"]:
        name = NAMES.get(row["kind"], row["kind"])
        have = sums.setdefault(name, dict.fromkeys(("count", "tracked", "sizeof_bytes", "bytes"), 0))
        for member in have:
            have[member] += row[member]
    return sums


def compare(truth, found):
    """What differs, as lines. Objects that live for ever are put aside by the collector (3.12): it knows how
    many these are, and no more."""
    lines, more = [], 0
    frozen, _ = truth.pop("frozen")
    for name, (count, size) in sorted(truth.items()):
        name = NAMES.get(name, name)
        if name not in BUILT_IN:
            continue
        have = found.get(name, {"tracked": 0, "sizeof_bytes": 0, "count": 0})
        more += have["tracked"] - count
        if have["tracked"] < count or (have["tracked"] > count and not frozen):
            lines.append("%s: %d tracked, %d seen" % (name, count, have["tracked"]))
        if have["count"] == count and abs(have["sizeof_bytes"] - size) > size / 1000:
            lines.append("%s: %d bytes, %d seen" % (name, size, have["sizeof_bytes"]))
    if more != frozen:
        lines.append("%d more than the collector tells of, and %d put aside" % (more, frozen))
    return lines


# ---- against gc.get_objects and sys.getsizeof ------------------------------------------------

@every_python
@pytest.mark.parametrize("neap", [False, True], ids=["pymalloc", "neap"])
def test_it_counts_what_the_collector_counts(python, neap):
    with Target(python, "population.py", neap=neap) as target:
        target.ask("truth")
        truth = target.ask("truth")
        document = look(target.pid)
        assert compare(truth, rows(document)) == []
        assert document["rejected"] == 0
        assert document["allocator"] == ("neap" if neap else "pymalloc")


@every_python
@pytest.mark.parametrize("neap", [False, True], ids=["pymalloc", "neap"])
def test_what_the_collector_does_not_know_is_counted_too(python, neap):
    count = 20000
    with Target(python, "population.py", neap=neap) as target:
        target.ask("truth")
        before = rows(look(target.pid))
        planted = target.ask("plant %d" % count)
        after = rows(look(target.pid))
    inner = planted["bytearray"][0] if python.minor >= (3, 15) else 0  # a bytes object in each that is not empty
    for name in ("str", "int", "float", "bytes", "complex", "bytearray", "set", "dict"):
        objects = after[name]["count"] - before.get(name, {"count": 0})["count"]
        size = after[name]["sizeof_bytes"] - before.get(name, {"sizeof_bytes": 0})["sizeof_bytes"]
        made, made_bytes = planted[name]
        extra = {"str": made // 10, "int": made // 5, "bytes": inner}.get(name, 0)  # items of the sets and lists
        assert made <= objects <= made + extra + 20, name
        if name == "bytes":
            assert objects >= made + inner - 20
        if extra == 0:
            assert abs(size - made_bytes) <= 0.001 * made_bytes + 4096, name


@every_python
@pytest.mark.parametrize("neap", [False, True], ids=["pymalloc", "neap"])
def test_nearly_all_live_blocks_are_accounted_for(python, neap):
    with Target(python, "population.py", neap=neap) as target:
        target.ask("truth")
        target.ask("plant 20000")
        blocks = look(target.pid)["blocks"]
    assert blocks["live"] == blocks["objects"] + blocks["buffers"] + blocks["parked"] + blocks["code"] + \
        blocks["unknown"]
    assert blocks["unknown"] <= 0.005 * blocks["live"], blocks


@every_python
@pytest.mark.parametrize("neap", [False, True], ids=["pymalloc", "neap"])
def test_and_so_in_a_program_that_does_nothing(python, neap):
    """Where what the interpreter has for itself weighs most: names of types, tables of the parser of 3.8."""
    front = [str(NEAP), "run", "--"] if neap else []
    process = subprocess.Popen([*front, python.path, "-c", "import os; print(flush=True); os.read(0, 1)"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment())
    try:
        process.stdout.readline()
        blocks = look(process.pid)["blocks"]
    finally:
        process.communicate(b"x")
    assert blocks["unknown"] <= 0.002 * blocks["live"], blocks
    assert blocks["code"] <= 0.04 * blocks["live"], blocks


# ---- the ways to read --------------------------------------------------------------------------

@every_python
def test_the_three_ways_agree(python):
    with Target(python, "population.py") as target:
        target.ask("truth")
        paused = look(target.pid)
        running = look(target.pid, "--no-pause")
        held = look(target.pid, "--low-memory")
    assert paused["pause_ns"] > 0 and held["pause_ns"] > 0 and running["pause_ns"] == 0
    assert (paused["way"], running["way"], held["way"]) == ("pause", "running", "hold")
    assert paused["rows"] == running["rows"] == held["rows"]


def test_a_target_that_allocates_all_the_while():
    body = ("import random\nmake = lambda i: {'n': i, 's': str(i) * (i % 7), 'l': [i] * (i % 30)}\n"
            "kept = [make(i) for i in range(50000)]\nprint(flush=True)\nwhile True:\n"
            "    i = random.randrange(len(kept))\n    kept[i] = make(i)")
    process = subprocess.Popen(["/usr/bin/python3", "-c", body], stdout=subprocess.PIPE, env=clean_environment())
    try:
        process.stdout.readline()
        exact = rows(look(process.pid))
        for _ in range(20):
            found = rows(look(process.pid, "--no-pause"))
            assert abs(found["dict"]["count"] - exact["dict"]["count"]) <= 0.02 * exact["dict"]["count"]
            assert abs(found["list"]["count"] - exact["list"]["count"]) <= 0.02 * exact["list"]["count"]
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


# ---- rows by other things ---------------------------------------------------------------------------

@every_python
def test_sums_do_not_depend_on_what_rows_are_by(python):
    with Target(python, "population.py") as target:
        target.ask("truth")
        by_type = look(target.pid)
        by_size = look(target.pid, "--by", "size")
        by_owner = look(target.pid, "--by", "owner")
    total = by_type["total"]
    for document in (by_type, by_size, by_owner):
        assert sum(row["count"] for row in document["rows"]) == total["count"]
        assert sum(row["bytes"] for row in document["rows"]) == total["object_bytes"] + total["buffer_bytes"]
    owners = {row["kind"]: row for row in by_owner["rows"]}
    assert owners["__main__.HELD"]["count"] > 20000
    assert by_owner["rows"][0]["kind"] == "__main__.HELD"


# Keeps the more of what it made, the later it was made.
GRADED = """
import os, sys
made = [float(number) for number in range(600000)]
kept = [one for number, one in enumerate(made) if number * number % 600000 < number]
del made
sys._debugmallocstats()
print(flush=True)
os.read(0, 1)
"""


@every_python
def test_rows_by_age_of_arena(python):
    """Tenths of the arenas in the order of their numbers, against the fill of these; and how often a number
    was given again, against what the allocator tells itself."""
    process = subprocess.Popen([python.path, "-c", GRADED], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, env=clean_environment())
    try:
        process.stdout.readline()
        found = look(process.pid, "--by", "age-of-arena")
        places = sorted((place for _, place in arenas(Memory(process.pid))), key=lambda place: place.number)
    finally:
        _, told = process.communicate("\n")
    places = [place.used_bytes for place in places if place.used_bytes]
    rows = found["rows"]
    apart = sum(found["blocks"][name] for name in ("code_bytes", "unknown_bytes")) + found["parked"]["object_bytes"]
    assert len(rows) == 11 and rows[0]["kind"].endswith(", the first places") and rows[-1]["kind"] == "outside of them"
    ends = [len(places) * tenth // 10 for tenth in range(11)]
    for row, first, end in zip(rows, ends, ends[1:]):
        assert row["kind"].startswith("arenas %d to %d" % (first + 1, end))
        assert abs(row["bytes"] - sum(places[first:end])) <= 0.02 * row["bytes"] + apart, row
    figures = {name: int(re.search(r"# arenas %s\s+=\s+([\d,]+)" % name, told)[1].replace(",", ""))
               for name in ("allocated total", "highwater mark")}
    counted = found["places_taken_again"]
    assert counted == (figures["allocated total"] - figures["highwater mark"] if python.minor >= (3, 12) else None)


def test_slabs_have_no_age():
    with Target(debian_python(), "population.py", neap=True) as target:
        target.ask("plant 20000")
        found = look(target.pid, "--by", "age-of-arena")
    assert found["rows"][0]["kind"].endswith(", the first places") and found["rows"][0]["kind"].startswith("slabs 1 to ")
    assert found["places_taken_again"] is None


# ---- the largest of a type -----------------------------------------------------------------------------

@every_python
def test_the_largest_of_a_type(python):
    with Target(python, "population.py") as target:
        target.ask("truth")
        found = look(target.pid, "--type", "dict", "-n", "5")
    sizes = [one["bytes"] for one in found["largest"]]
    assert sizes == sorted(sizes, reverse=True) and len(sizes) == 5
    assert all(one["path"] for one in found["largest"])
    assert any(one["referrer_count"] for one in found["largest"])


def test_no_contents_unless_asked_for():
    body = "secret = 'hunter2-' * 40\nkey = {'hunter2-' * 30: 1}\nprint(flush=True); input()"
    process = subprocess.Popen(["/usr/bin/python3", "-c", body], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True, env=clean_environment())
    try:
        process.stdout.readline()
        for words in ([], ["--json"], ["--type", "str", "-n", "50"], ["--by", "owner"]):
            done = subprocess.run([NEAP, "look", *words, str(process.pid)], capture_output=True, text=True,
                                  env=clean_environment())
            assert done.returncode == 0 and "hunter2" not in done.stdout, words
        done = subprocess.run([NEAP, "look", "--type", "str", "-n", "5000", "--show-values", str(process.pid)],
                              capture_output=True, text=True, env=clean_environment())
        assert "hunter2" in done.stdout
    finally:
        process.communicate("\n", timeout=10)


# ---- what it prints --------------------------------------------------------------------------------------

@every_python
def test_it_fits_into_80_columns(python):
    with Target(python, "population.py") as target:
        target.ask("truth")
        for words in ([], ["--by", "owner"], ["--by", "size"], ["--type", "str"]):
            done = subprocess.run([NEAP, "look", *words, str(target.pid)], capture_output=True, text=True,
                                  env=clean_environment())
            assert (done.returncode, done.stderr) == (0, "")
            assert max(map(len, done.stdout.splitlines())) <= 80, done.stdout
            assert "paused for" in done.stdout


def test_the_account_adds_up():
    with Target(debian_python(), "population.py") as target:
        target.ask("plant 50000")
        account = look(target.pid)["account"]
    rss = account.pop("rss")
    assert sum(account.values()) == rss
    assert account["unexplained"] <= 0.02 * rss, account


# ---- what it refuses -----------------------------------------------------------------------------------

def refused(*words):
    return subprocess.run([NEAP, "look", *map(str, words)], capture_output=True, text=True, timeout=30,
                          env=clean_environment())


def assert_refused(done, code, *parts):
    assert (done.returncode, done.stdout) == (code, ""), done
    assert done.stderr.startswith("neap: ") and done.stderr.count("\n") == 1
    for part in parts:
        assert part in done.stderr


def test_wrong_usage():
    assert_refused(refused("--by", "colour", os.getpid()), 2, "colour")
    assert_refused(refused("--pause", "--no-pause", os.getpid()), 2, "--no-pause")
    assert_refused(refused("x"), 2, "PID")
    assert_refused(refused("--core", "/nonexistent/core"), 1, "/nonexistent/core")


def test_what_is_no_python():
    process = subprocess.Popen(["/bin/sh", "-c", "echo; read x"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    try:
        assert_refused(refused(process.pid), 4, "Python")
    finally:
        process.communicate(b"\n")
    assert_refused(refused(process.pid), 4)


# ---- hostile targets -------------------------------------------------------------------------------------

def test_memory_that_lies(tmp_path):
    """Its own heap overwritten with noise here and there: no crash, no hang, bounded memory."""
    body = ("import ctypes, gc, os, random, sys\ngc.disable()\nseed = int(sys.argv[1])\nkept = [{'k%d' % i: [i, str(i), (i, i)]} for i in range(20000)]\n"
            "random.seed(seed)\nfor _ in range(2000):\n    victim = id(random.choice(kept))\n"
            "    ctypes.c_uint64.from_address(victim + 8 * random.randrange(-2, 6)).value = random.choice("
            "(0, 1, 1 << 63, random.getrandbits(64), id(kept), id(random.choice(kept)), id(type), id(kept) + 1))\n"
            "os.write(1, b'\\n')\nos.read(0, 1)\nos._exit(0)")
    for seed in range(6):
        process = subprocess.Popen(["/usr/bin/python3", "-c", body, str(seed)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=clean_environment())
        process.stdout.readline()
        try:
            if process.poll() is not None:
                continue  # it did not survive itself
            for words in (["look"], ["look", "--by", "owner"], ["look", "--type", "dict"], ["look", "--low-memory"],
                          ["pins", "--show-values"], ["advise"]):
                done = subprocess.run([NEAP, *words, str(process.pid)], capture_output=True, text=True, timeout=30,
                                      env=clean_environment(),
                                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)))
                if process.poll() is not None:
                    break  # it did not survive itself
                assert done.returncode == 0, (seed, words, done.stderr)
        finally:
            process.kill()
            process.communicate()
