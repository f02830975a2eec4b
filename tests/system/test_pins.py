"""`neap pins PID`: what holds nearly empty arenas and slabs, by name, against what was planted."""
import bisect
import json
import subprocess

import pytest

from places import Memory, Place, arenas, slabs
from support import NEAP, ask_neap, clean_environment, debian_python, every_python, needs_64_bits, needs_neap, wait_until
from test_look import Target

pytestmark = [needs_neap, needs_64_bits]

# What survivors.py calls its five holders, and what they are called here.
HOLDERS = {"__main__.by_name": "__main__.by_name", "__main__.session.recent": "__main__.session.recent",
           "__main__.Registry.known": "__main__.Registry.known", "__main__.add_seen": "__main__.add_seen.__closure__",
           "serve": "pending in serve()"}


def pins(pid, *words):
    done = subprocess.run([NEAP, "pins", "--json", "-n", "100000", "--places", "100000", *words, str(pid)],
                          capture_output=True, text=True, timeout=60, env=clean_environment())
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-2000:]
    return json.loads(done.stdout)


def rss(pid):
    with open("/proc/%d/smaps_rollup" % pid) as rollup:
        return next(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Rss:"))


# ---- which places are nearly empty, read by another way ----------------------------------------------

def nearly_empty(pid, neap):
    """{address: Place} of what is filled to less than an eighth, but not free."""
    memory = Memory(pid)
    return {address: place._replace(number=None) for address, place in (slabs if neap else arenas)(memory)
            if 0 < place.used_bytes < place.bytes / 8}


def place_of(places, address):
    """The address of the place that an object lies in; None: in none of them."""
    starts = sorted(places)
    before = bisect.bisect_right(starts, address) - 1
    if before >= 0 and address < starts[before] + places[starts[before]].bytes:
        return starts[before]
    return None


# ---- against what was planted --------------------------------------------------------------------------

@every_python
@pytest.mark.parametrize("neap", [False, True], ids=["pymalloc", "neap"])
def test_planted_pins_are_all_found_and_their_holders_named(python, neap):
    """An object that was kept is a pin if its arena or slab is nearly empty: then it is found, with its
    holder, and so is all that the holder keeps in memory; and if not, then not."""
    with Target(python, "survivors.py", neap=neap, NEAP_MESH="0") as target:  # pages stay as they are between two looks
        planted = json.loads(target.hear())
        wait_until(target.sleeps, 10, "the target to wait")
        if neap:
            assert ask_neap("trim", target.pid).returncode == 0  # no page goes between two looks at them
        found = pins(target.pid)
        places = nearly_empty(target.pid, neap)
    assert {int(place["address"], 16): Place(place["bytes"], place["used_bytes"], place["resident_bytes"])
            for place in found["places"]} == places
    pinned = {int(pin["address"], 16): pin for place in found["places"] for pin in place["pins"]}
    assert len(pinned) == found["pin_count"]
    for owner, addresses in planted["addresses"].items():
        holder = HOLDERS[owner]
        inside = {address: place_of(places, address) for address in addresses}
        inside = {address: place for address, place in inside.items() if place is not None}
        groups = [number for number, group in enumerate(found["groups"])
                  if group["holder"] == holder and group["type"] in ("str", "float")]
        assert {address for address, pin in pinned.items() if pin["group"] in groups} == set(inside), holder
        assert len(inside) >= 0.4 * planted["kept"], "hardly a pin is left to find"
        for number in groups:
            held = {inside[address] for address in inside if pinned[address]["group"] == number}
            assert found["groups"][number]["places"] == len(held)
            assert found["groups"][number]["resident_bytes"] == sum(places[place].resident_bytes for place in held)


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
