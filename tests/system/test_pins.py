"""`neap pins PID`: what holds nearly empty arenas and slabs, by name, against what was planted."""
import json
import subprocess
import time

import pytest

from support import NEAP, clean_environment, debian_python, every_python, needs_64_bits, needs_neap
from test_look import Target

pytestmark = [needs_neap, needs_64_bits]

HOLDERS = {"__main__.by_name", "__main__.session.recent", "__main__.Registry.known", "__main__.add_seen.__closure__",
           "pending in serve()"}


def pins(pid, *words):
    done = subprocess.run([NEAP, "pins", "--json", "-n", "100000", "--places", "100000", *words, str(pid)],
                          capture_output=True, text=True, timeout=60, env=clean_environment())
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-2000:]
    return json.loads(done.stdout)


def rss(pid):
    with open("/proc/%d/smaps_rollup" % pid) as rollup:
        return next(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Rss:"))


@every_python
@pytest.mark.parametrize("neap", [False, True], ids=["pymalloc", "neap"])
def test_planted_pins_are_all_found_and_their_holders_named(python, neap):
    with Target(python, "survivors.py", neap=neap) as target:
        planted = json.loads(target.hear())
        if neap:
            time.sleep(0.5)  # its purger has pages to give back
        found = pins(target.pid)
    blocks = {int(pin["address"], 16): pin for place in found["places"] for pin in place["pins"]}
    starts = sorted(blocks)
    survivors = {address: holder for holder, list_ in planted["addresses"].items() for address in list_}
    pinned = [address for address in survivors if inside(found["places"], address)]
    assert len(pinned) >= (0.5 if neap else 0.97) * len(survivors)  # some share a slab or arena with much else
    whole = [place for place in found["places"] if place["used_blocks"] == len(place["pins"])]
    for address in (address for address in pinned if inside(whole, address)):  # of full ones not all are listed
        block = next((start for start in (address, address - 16, address - 32) if start in blocks), None)
        assert block is not None, hex(address)
    assert starts
    named = {group["holder"] for group in found["groups"] if group["type"] in ("str", "float")}
    assert HOLDERS <= named, named
    for holder in HOLDERS:
        count = sum(group["blocks"] for group in found["groups"]
                    if group["holder"] == holder and group["type"] in ("str", "float"))
        assert (0.4 if neap else 0.95) * planted["kept"] <= count <= planted["kept"] + 3, holder


def inside(places, address):
    return any(int(place["address"], 16) <= address < int(place["address"], 16) + place["bytes"] for place in places)


@every_python
def test_what_would_go_goes(python):
    """The figure against the memory that is given back when the program lets go of the five."""
    body = """
import gc, os, sys
def burst():
    made = [float(n) if n % 2 else "item %d" % n for n in range(2000000)]
    return made[::2000]
kept = burst()
gc.collect()
print(flush=True); os.read(0, 1)
kept.clear()
gc.collect()
print(flush=True); os.read(0, 1)
"""
    process = subprocess.Popen([python.path, "-c", body], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               env=clean_environment())
    try:
        process.stdout.readline()
        found = pins(process.pid)
        before = rss(process.pid)
        ours = next(group for group in found["groups"] if group["holder"] == "__main__.kept")
        process.stdin.write(b"x")
        process.stdin.flush()
        process.stdout.readline()
        gone = before - rss(process.pid)
    finally:
        process.kill()
        process.communicate()
    said = max(group["cumulative_bytes"] for group in found["groups"] if group["holder"] == "__main__.kept")
    assert ours["resident_bytes"] > 50e6
    assert abs(said - gone) <= 0.05 * gone + 2e6, (said, gone)


def test_sums_of_groups():
    with Target(debian_python(), "survivors.py") as target:
        target.hear()
        found = pins(target.pid)
    assert sum(group["blocks"] for group in found["groups"]) == found["pin_count"]
    assert found["groups"][-1]["cumulative_bytes"] == found["resident_bytes"]
    assert sum(place["resident_bytes"] for place in found["places"]) == found["resident_bytes"]
    fills = [place["used_bytes"] for place in found["places"]]
    assert fills == sorted(fills)
    assert all(place["used_bytes"] < place["bytes"] / 8 for place in found["places"])


def test_a_text_of_80_columns_without_contents():
    with Target(debian_python(), "survivors.py") as target:
        target.hear()
        done = subprocess.run([NEAP, "pins", str(target.pid)], capture_output=True, text=True, env=clean_environment())
        shown = subprocess.run([NEAP, "pins", "--show-values", "--places", "100", str(target.pid)],
                               capture_output=True, text=True, env=clean_environment())
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80, done.stdout
    assert "less than an eighth full" in done.stdout and "item " not in done.stdout
    assert "item " in shown.stdout


def test_a_program_without_pins():
    process = subprocess.Popen([debian_python().path, "-c", "print(flush=True); input()"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, env=clean_environment())
    try:
        process.stdout.readline()
        found = pins(process.pid)
        assert found["place_count"] <= 2  # the arena that is being filled
    finally:
        process.communicate(b"\n", timeout=10)
