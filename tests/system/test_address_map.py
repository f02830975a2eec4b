"""`neap map`: the address space of processes that are Pythons, and of some that are not."""
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import time

import pytest

from support import NEAP, clean_environment, debian_python, every_python, needs_64_bits, needs_neap, program, under_neap, wait_until

pytestmark = needs_neap

HEAP = {"arena", "region"}
GLIBC = {"glibc_main", "glibc_arena", "glibc_mapped"}
MIB = 1 << 20


def neap_map(*words, code=0, **more):
    done = subprocess.run([NEAP, "map", *map(str, words)], capture_output=True, text=True, timeout=60,
                          env=clean_environment(), **more)
    assert done.returncode == code, done
    return done


def saved(pid, *options):
    return json.loads(neap_map("--json", *options, pid).stdout)


class Target:
    """A program that has said `ready`; ended at the end."""

    def __init__(self, *command):
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True,
                                        env=clean_environment())
        self.pid = self.process.pid

    def __enter__(self):
        try:
            assert self.process.stdout.readline() == "ready\n"
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def furnished(python, *options):
    return Target(python.path, program("furnish.py"), *options)


def by_kind(document):
    sums = {}
    for span in document["spans"]:
        sums[span["kind"]] = sums.get(span["kind"], 0) + span["resident_bytes"]
    return sums


def rss_of(pid):
    with open("/proc/%d/smaps_rollup" % pid) as file:
        return int(re.search(r"^Rss:\s+(\d+) kB", file.read(), re.MULTILINE)[1]) * 1024


def assert_sound(document, rss):
    """Spans in order, and all of the resident memory in them."""
    end = 0
    for span in document["spans"]:
        assert end <= span["start"] < span["end"]
        assert 0 <= span["resident_bytes"] <= span["end"] - span["start"]
        assert span["used_bytes"] is None or 0 <= span["used_bytes"] <= span["resident_bytes"]
        end = span["end"]
    assert abs(document["rss_bytes"] - rss) <= 0.01 * rss
    assert abs(sum(by_kind(document).values()) - document["rss_bytes"]) <= 0.01 * rss


def state(pid):
    with open("/proc/%d/stat" % pid) as file:
        return file.read().rpartition(")")[2].split()[0]


def state_wait(pid, wanted):
    wait_until(lambda: state(pid) == wanted, 20, "state %s of process %d" % (wanted, pid))


# ---- what is seen -----------------------------------------------------------------------

@every_python
@needs_64_bits
def test_every_python_is_explained(python):
    with furnished(python) as target:
        document = saved(target.pid)
        sums = by_kind(document)
        assert_sound(document, rss_of(target.pid))
        assert sums["arena"] > 3 * MIB and sums["glibc_main"] > 100000
        assert sums["stack"] > 0 and sums["code"] > MIB
        assert sums.get("anonymous", 0) <= 0.02 * document["rss_bytes"], sums
        used = sum(span["used_bytes"] for span in document["spans"] if span["kind"] == "arena")
        assert 0.5 * sums["arena"] < used < sums["arena"]


@needs_64_bits
def test_threads_have_their_stacks():
    with furnished(debian_python(), "threads=12") as target:
        document = saved(target.pid)
        sums = by_kind(document)
        assert sums.get("anonymous", 0) <= 0.02 * document["rss_bytes"], sums
        owners = {span.get("tid") for span in document["spans"] if span["kind"] == "stack"}
        assert owners == {int(tid) for tid in os.listdir("/proc/%d/task" % target.pid)}
        assert document["stacks"]["count"] == document["threads"] == 13


@needs_64_bits
def test_arrays_are_explained():
    pytest.importorskip("numpy")
    with furnished(debian_python(), "arrays") as target:
        document = saved(target.pid)
        sums = by_kind(document)
        assert sums.get("anonymous", 0) <= 0.02 * document["rss_bytes"], sums
        assert sums["glibc_mapped"] >= 16_000_000
        assert_sound(document, rss_of(target.pid))


def test_large_blocks_are_glibc():
    with furnished(debian_python(), "malloc=20") as target:
        sums = by_kind(saved(target.pid))
        assert 20 * MIB <= sums["glibc_mapped"] <= 24 * MIB


@needs_64_bits
def test_under_neap():
    command = under_neap(debian_python().path, program("furnish.py"))
    with Target(*command) as target:
        document = saved(target.pid)
        sums = by_kind(document)
        assert sums["region"] > 3 * MIB and sums["region_tables"] > 0
        assert sums.get("anonymous", 0) <= 0.02 * document["rss_bytes"], sums
        assert_sound(document, rss_of(target.pid))


@pytest.fixture(scope="module")
def not_python(tmp_path_factory):
    """Builds a program that is no Python, in the word sizes that the machine's compiler has."""
    folder = tmp_path_factory.mktemp("map")
    source = folder / "plain.c"
    source.write_text('#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n'
                      'int main(void) { char *large = malloc(5000000), *small = malloc(1000); memset(large, 1, 5000000);'
                      'memset(small, 1, 1000); puts("ready"); fflush(stdout); for (;;) pause(); }\n')

    def build(*flags):
        path = folder / ("plain" + "".join(flags))
        if not shutil.which("cc"):
            pytest.skip("needs a C compiler")
        done = subprocess.run(["cc", *flags, str(source), "-o", str(path)], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip("the compiler cannot make %s programs" % (" ".join(flags) or "such"))
        return path

    return build


@pytest.mark.parametrize("flags", [(), ("-m32",)], ids=["own", "32"])
def test_a_program_that_is_no_python(not_python, flags):
    with Target(not_python(*flags)) as target:
        document = saved(target.pid)
        sums = by_kind(document)
        assert document["pointer_bytes"] == (4 if flags else struct.calcsize("P"))
        assert not HEAP & set(sums)
        assert sums["glibc_mapped"] >= 5_000_000 and sums["stack"] > 0
        assert_sound(document, rss_of(target.pid))
        text = neap_map(target.pid).stdout
        assert "Address space of process %d" % target.pid in text and "largest free range" in text


# ---- the process goes on ------------------------------------------------------------------

@needs_64_bits
def test_a_stopped_process_stays_stopped():
    with furnished(debian_python(), "stop") as target:
        state_wait(target.pid, "T")
        document = saved(target.pid)
        assert by_kind(document)["arena"] > MIB
        state_wait(target.pid, "T")
        os.kill(target.pid, signal.SIGCONT)
        state_wait(target.pid, "S")


def test_killed_in_the_middle_the_process_goes_on():
    with furnished(debian_python(), "threads=4", "malloc=100") as target:
        for delay_ms in range(0, 120, 4):
            reader = subprocess.Popen([NEAP, "map", "--low-memory", str(target.pid)], stdout=subprocess.DEVNULL,
                                      env=clean_environment())
            time.sleep(delay_ms / 1000)
            reader.kill()
            reader.wait()
            state_wait(target.pid, "S")
        assert saved(target.pid)["threads"] == 5


def test_a_process_that_ends_while_it_is_read():
    for delay_ms in range(0, 60, 3):
        with furnished(debian_python(), "malloc=50") as target:
            reader = subprocess.Popen([NEAP, "map", str(target.pid)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      text=True, env=clean_environment())
            time.sleep(delay_ms / 1000)
            target.process.kill()
            _, errors = reader.communicate(timeout=30)
            assert reader.returncode in (0, 1, 4), (reader.returncode, errors)
            assert errors.count("\n") <= 1


@pytest.mark.parametrize("way", ["--no-pause", "--low-memory"])
def test_other_ways_see_the_same(way):
    with furnished(debian_python(), "threads=3") as target:
        document, other = saved(target.pid), saved(target.pid, way)
        here, there = by_kind(document), by_kind(other)
        for sums in here, there:  # only registers tell the main thread's own block
            sums["data"] += sums.pop("anonymous", 0)
        assert here == there
        assert "pause" in other["source"] if way == "--low-memory" else other["source"] == "read while it ran"


# ---- core files -----------------------------------------------------------------------------

@every_python
def test_a_core_file(python, tmp_path):
    if not shutil.which("gcore"):
        pytest.skip("no gcore on this machine (package gdb)")
    with furnished(python) as target:
        live = saved(target.pid)
        subprocess.run(["gcore", "-o", str(tmp_path / "core"), str(target.pid)], capture_output=True, check=True)
    core = tmp_path / ("core.%d" % target.pid)
    document = json.loads(neap_map("--json", "--core", core).stdout)
    arenas = [span["start"] for span in live["spans"] if span["kind"] == "arena"]
    assert [span["start"] for span in document["spans"] if span["kind"] == "arena"] == arenas
    assert document["core"] and document["pid"] == target.pid
    with open(core, "r+b") as file:
        file.truncate(os.path.getsize(core) // 2)
    assert "could not be" in neap_map("--core", core).stdout


# ---- pictures -------------------------------------------------------------------------------

@needs_64_bits
def test_pictures_and_pages(tmp_path):
    with furnished(debian_python(), "threads=2") as target:
        page, picture = tmp_path / "map.html", tmp_path / "map.svg"
        text = neap_map("--html", page, "--svg", picture, target.pid).stdout
    assert all(len(line) <= 100 for line in text.splitlines())
    assert re.search(r"^[0-9a-f]{12}  .*[█▓▒░]", text, re.MULTILINE)
    assert "\033" not in text
    html = page.read_text()
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)[1])
    assert len(data["pieces"]) > 100 and len(data["ranges"]) > 20
    assert all(len(piece[8]) in (0, (piece[4] + 3) // 4) for piece in data["pieces"])
    used = sum(bin(int(digit, 16)).count("1") for digit in data["pieces"][0][8])
    assert used in (0, data["pieces"][0][5])
    assert "http://" not in html.replace("http://www.w3.org/2000/svg", "") and "src=" not in html
    import xml.etree.ElementTree as tree
    assert len(tree.parse(picture).getroot()) > 50


def test_two_maps_compared(tmp_path):
    before, after = tmp_path / "a.json", tmp_path / "b.json"
    with furnished(debian_python()) as target:
        before.write_text(neap_map("--json", target.pid).stdout)
        assert "Nothing changed." in neap_map(before, before).stdout
    with furnished(debian_python(), "malloc=30") as target:
        after.write_text(neap_map("--json", target.pid).stdout)
    text = neap_map(before, after).stdout
    assert re.search(r"glibc's large blocks .*\+31\.", text), text
    document = json.loads(neap_map("--json", before, after).stdout)
    assert document["schema"] == "neap.map-change/1"
    grown = document["rss_bytes_after"] - document["rss_bytes_before"]
    changed = sum(c["resident_bytes_after"] - c["resident_bytes_before"] for c in document["changes"])
    assert abs(grown - changed) < 0.02 * document["rss_bytes_after"]
    again = neap_map(before).stdout
    assert "read from a saved map" in again


# ---- what is refused ------------------------------------------------------------------------

def test_refusals(tmp_path):
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{}")
    for words, code, part in [
        (["2147483646"], 4, "no process 2147483646"),
        (["99999999999"], 2, "is no PID"),
        ([], 2, "map takes one process"),
        ([str(wrong)], 1, "no map that neap has saved"),
        ([str(tmp_path / "none.json")], 1, "not there"),
        (["--core", str(wrong)], 1, "no ELF file"),
        (["--core", str(wrong), "1"], 2, "not both"),
        (["--no-pause", "--low-memory", "1"], 2, "takes one of"),
        ([str(wrong), str(wrong), "--svg", "x.svg"], 2, "one map, not two"),
    ]:
        done = neap_map(*words, code=code)
        assert done.stdout == "" and done.stderr.startswith("neap: ") and done.stderr.count("\n") == 1
        assert part in done.stderr


@needs_64_bits
def test_another_tracer():
    with furnished(debian_python()) as target:
        gdb = shutil.which("gdb")
        if not gdb:
            pytest.skip("no gdb on this machine")
        other = subprocess.Popen([gdb, "-nx", "-batch", "-p", str(target.pid), "-ex", "shell sleep 1000"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                                 start_new_session=True)
        try:
            state_wait(target.pid, "t")
            assert "another tracer is attached to it, process %d (" % other.pid in neap_map(target.pid, code=3).stderr
            assert by_kind(saved(target.pid, "--no-pause"))["arena"] > MIB
        finally:
            os.killpg(other.pid, signal.SIGKILL)
            other.wait()
