"""`import neap`: from inside the program, on every Python that the package is for."""
import re
import subprocess

import pytest

from process_support import HERE, PACKAGE, assert_stable_abi, environment, isolating, newest, says, served
from support import assert_ok, needs_neap, pythons, run

ROOT = HERE.parent.parent


def plainly(python, *words):
    """Without Neap, with the package in reach."""
    return subprocess.run([python.path, *map(str, words)], capture_output=True, text=True, timeout=60,
                          env=environment())


@served
@needs_neap
def test_stats(python):
    body = """
import neap
assert neap.serving is True
before = neap.stats()
kept = [str(i) * 10 for i in range(100000)]
after = neap.stats()
assert isinstance(after, neap.Stats) and isinstance(after, tuple)
assert all(type(figure) is int and figure >= 0 for figure in after)
assert after.live_bytes - before.live_bytes > 100000 * 60, (before, after)
assert after.live_blocks - before.live_blocks >= 100000
assert after.resident_bytes == after.live_bytes + after.cached_bytes + after.free_bytes + after.dirty_bytes
assert after.peak_bytes >= after.resident_bytes and after.slabs and after.regions
print(*neap.Stats.__match_args__)
"""
    with open(ROOT / "include/neap/heap.h") as file:
        struct = re.search(r"struct neap_heap_stats \{(.*?)\};", file.read(), re.S)[1]
    assert_ok(run(python, "-W", "error", "-c", body), " ".join(re.findall(r"uint\d+_t (\w+);", struct)) + "\n")


@served
@needs_neap
def test_trim(python):
    body = """
import neap
from inside_process import resident
kept = [str(i) * 10 for i in range(300000)]
del kept
full, dirty = resident(), neap.stats().dirty_bytes
given_back = neap.trim()
assert dirty > 20e6 and given_back >= 0.95 * dirty, (dirty, given_back)
assert full - resident() > 0.9 * given_back, (full, resident(), given_back)
assert neap.stats().dirty_bytes < 1e6
assert neap.trim() < 1e6
print("ok")
"""
    assert_ok(run(python, "-W", "error", "-c", body, NEAP_DECAY_MS="3600000", PYTHONPATH=str(HERE)))


@served
@needs_neap
def test_trim_empties_the_free_lists(python):
    """Floats that CPython keeps for reuse, one on each page, would hold the pages."""
    body = """
import gc, neap
gc.disable()
cycles = [[] for _ in range(1000)]
for one in cycles: one.append(one)
dead = [id(one) for one in cycles][:1]
del cycles, one
live = neap.stats().live_blocks
neap.trim()
assert live - neap.stats().live_blocks > 1500, (live, neap.stats().live_blocks)
print("ok")
"""
    assert_ok(run(python, "-c", body))


@served
def test_without_neap(python):
    body = """
import neap
assert neap.serving is False
for call in (neap.trim, neap.stats):
    try:
        call()
    except neap.NotServing as error:
        assert isinstance(error, RuntimeError)
        print(error)
"""
    done = plainly(python, "-W", "error", "-c", body)
    line = "this program is not under Neap: start it with `neap run` or `python3 -m neap`\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, 2 * line, "")


@served
@needs_neap
def test_loaded_but_not_serving(python):
    body = """
import neap, os
assert neap.serving is False
try:
    neap.stats()
except neap.NotServing as error:
    assert "does not serve" in str(error) and str(os.getpid()) in str(error)
    print("ok")
"""
    assert_ok(run(python, "-c", body, NEAP_OFF="1"))


@pytest.mark.parametrize("python", pythons(versions=[(3, minor) for minor in range(8, 11)]))
def test_older_pythons_are_told(python):
    done = plainly(python, "-c", "import neap")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("ImportError: the package neap needs Python 3.11")


ISOLATED = """
import neap
from inside_process import run_isolated
run_isolated('''
import neap
kept = [str(i) * 10 for i in range(20000)]
assert neap.serving and neap.stats().live_blocks > 20000
del kept
assert neap.trim() >= 0
try:
    raise neap.NotServing("mine")
except RuntimeError:
    pass
''', times=5)
assert neap.trim() >= 0 and neap.stats().live_blocks > 0
print("ok")
"""


@isolating
@needs_neap
def test_isolated_interpreters(python):
    """Each imports its own copy, with a GIL of its own, four at a time."""
    assert_ok(run(python, "-c", ISOLATED, PYTHONPATH=str(HERE)))


@served
@needs_neap
def test_import_again_and_again_leaks_nothing(python):
    body = """
import gc, sys, neap
def again():
    for name in [name for name in sys.modules if name.split(".")[0] == "neap"]:
        del sys.modules[name]
    import neap
    neap.stats()
for _ in range(50): again()
neap.trim()
live = neap.stats().live_blocks
for _ in range(200): again()
neap.trim()
grown = neap.stats().live_blocks - live
assert grown < 400, grown
print("ok")
"""
    assert_ok(run(python, "-c", body))


def test_stubs_name_what_is_there():
    """The typed stub of the extension and the module itself have the same names."""
    stub = (ROOT / "python/neap/_neap.pyi").read_text()
    names = re.findall(r"^(?:def |class )?(\w+)(?=[:(])", stub, re.M)
    assert says(newest(), "import neap._neap as m; print(*sorted(n for n in dir(m) if n[0] != '_'))") == sorted(names)
    members = re.findall(r"^    (\w+): int", stub, re.M)
    assert says(newest(), "import neap; print(*neap.Stats.__match_args__)") == members


def test_version():
    stated = re.search(r"^  version: '(.*)',$", (ROOT / "meson.build").read_text(), re.M)[1]
    assert says(newest(), "import neap; print(neap.__version__)") == [stated]


def test_only_the_stable_abi_is_used():
    assert_stable_abi("_neap")
    assert (PACKAGE / "py.typed").exists()


def test_all_that_there_is_is_typed():
    """What is loaded when asked for is named for type checkers too, from the same modules."""
    table = dict(re.findall(r'^    "(\w+)": "(\w+)",$', (ROOT / "python/neap/__init__.py").read_text(), re.M))
    stub = (ROOT / "python/neap/__init__.pyi").read_text()
    typed = {name: module for module, name, alias in re.findall(r"^from \.(\w+) import (\w+) as (\w+)$", stub, re.M)
             if name == alias and module != "_neap"}
    assert table and typed == table
