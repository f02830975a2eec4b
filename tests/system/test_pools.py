"""`neap stat PID` on a Python that Neap does not serve, beside what CPython tells of itself."""
import json
import re
import signal
import subprocess
import time

import pytest

from support import NEAP, clean_environment, every_python, needs_64_bits, program, wait_until

pytestmark = needs_64_bits

CLASS = re.compile(r"^ +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$", re.MULTILINE)
SUM = re.compile(r"^(?:# )?([a-z0-9# ,*/()]+?) += +([\d,]+)$", re.MULTILINE)


def stat(pid, *options):
    done = subprocess.run([NEAP, "stat", *options, str(pid)], capture_output=True, text=True, timeout=60,
                          env=clean_environment())
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def stopped(process):
    with open("/proc/%d/stat" % process.pid) as lines:
        return lines.read().rpartition(")")[2].split()[0] == "T"


class Target:
    """A process that prints its statistics and stops."""

    def __init__(self, python, seed, folder, **environment):
        self.path = folder / ("stats-%s" % seed)
        with open(self.path, "w") as out:
            self.process = subprocess.Popen([python.path, program("pools.py"), str(seed)], stderr=out,
                                            env=clean_environment(**environment))

    def __enter__(self):
        wait_until(lambda: self.process.poll() is not None or stopped(self.process), 60, "the target stops")
        assert self.process.poll() is None, self.path.read_text()
        self.pid = self.process.pid
        self.text = self.path.read_text()
        self.classes = {int(size): tuple(map(int, (pools, used, free)))
                        for _, size, pools, used, free in CLASS.findall(self.text)}
        self.sums = {name: int(figure.replace(",", "")) for name, figure in SUM.findall(self.text)}
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def sum_of(target, start):
    """The figure of the line that begins so."""
    (figure,) = [figure for name, figure in target.sums.items() if name.startswith(start)]
    return figure


def seen(document):
    return {c["block_bytes"]: (c["pools"], c["used_blocks"], c["free_blocks"])
            for c in document["classes"] if c["pools"]}


@every_python
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_equal_to_the_targets_own_statistics(python, seed, tmp_path):
    with Target(python, seed, tmp_path) as target:
        document = json.loads(stat(target.pid, "--json"))
    stats = document["stats"]
    assert len(target.classes) > 25
    assert seen(document) == target.classes
    assert document["schema"] == "neap.pools/1" and document["allocator"] == "pymalloc"
    assert document["version"].startswith("%d.%d" % python.version[:2])
    assert (document["rejected_arenas"], document["rejected_pools"], document["heaps"]) == (0, 0, 1)
    assert stats["arenas"] == sum_of(target, "arenas allocated current")
    assert stats["live_bytes"] == sum_of(target, "bytes in allocated blocks")
    assert stats["free_bytes"] == sum_of(target, "bytes in available blocks")
    assert stats["free_pool_bytes"] == next(figure for name, figure in target.sums.items() if "unused pools" in name)
    assert stats["header_bytes"] == sum_of(target, "bytes lost to pool headers")
    assert stats["quantization_bytes"] == sum_of(target, "bytes lost to quantization")
    assert stats["alignment_bytes"] == sum_of(target, "bytes lost to arena alignment")
    assert stats["arena_bytes"] == next(figure for name, figure in target.sums.items() if "bytes/arena" in name)
    assert stats["live_blocks"] == sum(used for _, used, _ in target.classes.values())
    if python.version >= (3, 12):
        assert stats["arenas_total"] == sum_of(target, "arenas allocated total")
        assert stats["arenas_highwater"] == sum_of(target, "arenas highwater mark")


@every_python
def test_the_text_has_the_same_figures(python, tmp_path):
    with Target(python, 4, tmp_path) as target:
        text = stat(target.pid)
    arenas = sum_of(target, "arenas allocated current")
    pools = sum(pools for pools, _, _ in target.classes.values())
    blocks = sum(used for _, used, _ in target.classes.values())
    assert f"{blocks:,} blocks in {pools:,} pools of {arenas:,} arenas" in text
    for size, (pools, used, _) in target.classes.items():
        assert re.search(rf"^ *{size} +{used:,} .* {pools:,} +\d+ %$", text, re.MULTILINE), (size, text)
    assert max(map(len, text.splitlines())) <= 80


@every_python
def test_debug_hooks_and_other_allocators_are_said(python, tmp_path):
    with Target(python, 1, tmp_path, PYTHONMALLOC="debug") as target:
        document = json.loads(stat(target.pid, "--json"))
        assert document["allocator"] == "pymalloc_debug"
        assert seen(document) == target.classes
        assert "debug hooks" in stat(target.pid)
    with Target(python, 1, tmp_path, PYTHONMALLOC="malloc") as target:
        document = json.loads(stat(target.pid, "--json"))
        assert document["allocator"] == "other" and document["stats"]["arenas"] == 0
        assert "is not used" in stat(target.pid)


SUBINTERPRETER = """
try:
    import _interpreters as interpreters
    make = lambda: interpreters.create("isolated")
    run = interpreters.exec
except ImportError:
    import _xxsubinterpreters as interpreters
    make = lambda: interpreters.create(isolated=True)
    run = interpreters.run_string
import sys
one = make()
run(one, "kept = [str(i) for i in range(200000)]")
print("up", flush=True)
sys.stdin.readline()
"""


@every_python
def test_arenas_of_a_sub_interpreter_are_counted(python):
    if python.version < (3, 12):
        pytest.skip("interpreters have had arenas of their own since 3.12")
    with subprocess.Popen([python.path, "-c", SUBINTERPRETER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True, env=clean_environment()) as process:
        assert process.stdout.readline() == "up\n"
        document = json.loads(stat(process.pid, "--json"))
        process.communicate("\n", timeout=20)
    assert document["heaps"] == 2
    assert document["stats"]["live_blocks"] > 200000


def test_watching_ends_with_the_process(tmp_path):
    process = subprocess.Popen(["/usr/bin/python3", "-c", "print(flush=True); input()"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, env=clean_environment())
    process.stdout.readline()
    watcher = subprocess.Popen([NEAP, "stat", "--json", "--watch", "0.1", str(process.pid)],
                               stdout=subprocess.PIPE, text=True, env=clean_environment())
    lines = [watcher.stdout.readline() for _ in range(2)]
    process.communicate(b"\n", timeout=20)
    rest, _ = watcher.communicate(timeout=20)
    assert watcher.returncode == 0
    assert ("".join(lines) + rest).count('"neap.pools/1"') >= 1


def test_a_target_that_allocates_flat_out(tmp_path):
    code = "import random\nprint(flush=True)\nwhile True: kept = [str(random.random()) for _ in range(100000)]"
    process = subprocess.Popen(["/usr/bin/python3", "-c", code], stdout=subprocess.PIPE, env=clean_environment())
    try:
        process.stdout.readline()
        time.sleep(0.2)
        for _ in range(20):
            stats = json.loads(stat(process.pid, "--json"))["stats"]
            assert stats["live_bytes"] <= stats["arena_bytes"] + (1 << 20)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


@every_python
def test_objects_are_seen_through_the_debug_hooks(python):
    """Behind the collars the same objects lie as without them."""
    code = "kept = [str(i) for i in range(50000)]; import sys; print(flush=True); sys.stdin.readline()"
    counts = []
    for hooks in ("pymalloc", "pymalloc_debug"):
        with subprocess.Popen([python.path, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              env=clean_environment(PYTHONMALLOC=hooks)) as process:
            process.stdout.readline()
            done = subprocess.run([NEAP, "look", "--json", "-n", "1000", str(process.pid)], capture_output=True,
                                  text=True, timeout=60, env=clean_environment())
            process.communicate("\n", timeout=20)
        assert done.returncode == 0, done
        (count,) = [row["count"] for row in json.loads(done.stdout)["rows"] if row["kind"] == "str"]
        counts.append(count)
    assert min(counts) > 50000 and abs(counts[0] - counts[1]) < 100, counts
