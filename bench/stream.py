#!/usr/bin/python3
"""neap.Stream: what a block costs in C and in Python, and what memory does over ten million pieces.

`stream.py [--rounds N] [--pieces N] [--json]` prints a row for each, in nanoseconds, beside what is
wanted and, where there is one, a peer: a plain copy of as many bytes by memcpy, bytes(), io.BytesIO.
Figures are medians over the rounds, turn by turn; those in C are the least of theirs.
"""
import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import repeat
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
sys.path.insert(0, str(BUILD / "python"))

import neap  # noqa: E402

BLOCK_BYTES, BLOCKS, TURN = 4096, 64, 60
TURNS = 500


def ns_each(function, times):
    start = time.perf_counter_ns()
    function()
    return (time.perf_counter_ns() - start) / times


class Filled:
    """A stream full of blocks, read from behind again and again."""

    def __init__(self):
        self.stream = neap.Stream(BLOCK_BYTES, BLOCKS)
        self.block, self.buffer = bytes(BLOCK_BYTES), bytearray(BLOCK_BYTES)
        self.file = io.BytesIO(bytes(BLOCK_BYTES * TURN))
        for _ in range(BLOCKS):
            self.stream.write(self.block)

    def each_turn(self, name):
        for _ in repeat(None, TURNS):
            take = getattr(self.stream.reader(TURN * BLOCK_BYTES), name)
            for _ in repeat(None, TURN):
                take()

    def read_block(self):
        self.each_turn("read_block")

    def view(self):
        for _ in repeat(None, TURNS):
            view = self.stream.reader(TURN * BLOCK_BYTES).view
            for _ in repeat(None, TURN):
                with view():
                    pass

    def readinto(self):
        buffer = self.buffer
        for _ in repeat(None, TURNS):
            readinto = self.stream.reader(TURN * BLOCK_BYTES).readinto
            for _ in repeat(None, TURN):
                readinto(buffer)

    def write(self):
        write, block = self.stream.write, self.block
        for _ in repeat(None, TURNS * TURN):
            write(block)

    def plain_copy(self):
        buffer = self.buffer
        for _ in repeat(None, TURNS * TURN):
            bytes(buffer)

    def bytes_io(self):
        for _ in repeat(None, TURNS):
            self.file.seek(0)
            read = self.file.read
            for _ in repeat(None, TURN):
                read(BLOCK_BYTES)

    def empty(self):
        for _ in repeat(None, TURNS * TURN):
            pass


def in_python(rounds):
    filled = Filled()
    names = ["empty", "read_block", "readinto", "view", "write", "plain_copy", "bytes_io"]
    took = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            took[name].append(ns_each(getattr(filled, name), TURNS * TURN))
    return {name: statistics.median(took[name]) for name in names}


def in_c():
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "stream_rate")
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-D_GNU_SOURCE", f"-I{ROOT}/include", "-o", program,
                        str(ROOT / "bench/stream_rate.c"), f"-L{BUILD}", "-lneap", f"-Wl,-rpath,{BUILD}"], check=True)
        lines = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
    return {name: float(figure) for name, figure in (line.rsplit(" ", 1) for line in lines)}


def resident_kb():
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Rss:"))


def memory(pieces):
    """RSS in KB after the first ten thousand pieces, and after all."""
    streams = [neap.Stream(1400, 16) for _ in range(600)]
    data = bytes(1400)
    sizes = [data[:200 + i * 37 % 1201] for i in range(1201)]

    def run(count):
        write = [stream.write for stream in streams]
        for i in range(count):
            write[i % 600](sizes[i % 1201])

    run(10_000), resident_kb()  # looking takes memory the first time
    first = resident_kb()
    run(pieces - 10_000)
    return first, resident_kb()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pieces", type=int, default=10_000_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    c, python, (first, last) = in_c(), in_python(options.rounds), memory(options.pieces)
    rows = [
        ("C: next block, 100 readers, ns", c["next block, 100 readers"], "<= 30"),
        ("C: next block, 10,000 readers, ns", c["next block, 10000 readers"], "<= 30"),
        ("C: next block, none there, ns", c["next block, none there"], ""),
        ("C: 4 KB block copied, ns", c["4 KB block, copied"], f"memcpy {c['4 KB by memcpy']:.0f}"),
        ("C: write of 200 to 1400 bytes, ns", c["write, 200 to 1400 bytes"], ""),
        ("C: bytes a reader", c["bytes a reader"], "<= 32"),
        ("C: bytes beside the ring", c["bytes beside the ring"], ""),
        ("Python: read_block of 4 KB, ns", python["read_block"] - python["empty"],
         f"<= 120; bytes() {python['plain_copy'] - python['empty']:.0f}, "
         f"BytesIO.read {python['bytes_io'] - python['empty']:.0f}"),
        ("Python: readinto of 4 KB, ns", python["readinto"] - python["empty"], ""),
        ("Python: view, used and verified, ns", python["view"] - python["empty"], ""),
        ("Python: write of 4 KB, ns", python["write"] - python["empty"], ""),
        ("600 streams: RSS after 10,000 pieces, KB", first, ""),
        (f"600 streams: RSS after {options.pieces:,} pieces, KB", last, f"== {first}"),
    ]
    if options.json:
        print(json.dumps([{"what": what, "figure": figure, "wanted": wanted} for what, figure, wanted in rows]))
        return
    for what, figure, wanted in rows:
        print(f"{what:44} {figure:10.1f}   {wanted}")


if __name__ == "__main__":
    main()
