"""Arenas and slabs of a process, read without `neap`: what its tests hold it against.

Slabs by the published layout (src/heap/layout.h); arenas by the headers of their pools, as CPython's
Objects/obmalloc.c has them. Where arenas lie is asked of `neap map`.
"""
import json
import resource
import struct
import subprocess
from typing import NamedTuple, Optional

from support import NEAP, clean_environment


class Place(NamedTuple):
    bytes: int
    used_bytes: int
    resident_bytes: int
    number: Optional[int] = None  # of an arena, in the allocator's table


class Memory:
    """The memory of a process, read word by word."""

    def __init__(self, pid):
        self.pid = pid
        self.memory = open("/proc/%d/mem" % pid, "rb", buffering=0)
        self.pagemap = open("/proc/%d/pagemap" % pid, "rb", buffering=0)

    def read(self, address, count):
        self.memory.seek(address)
        return self.memory.read(count)

    def resident(self, address, count):
        """Bytes of whole pages that are in memory."""
        page = resource.getpagesize()
        self.pagemap.seek(address // page * 8)
        entries = self.pagemap.read(count // page * 8)
        return sum(entry >> 63 for (entry,) in struct.iter_unpack("<Q", entries)) * page


def slabs(memory):
    """Address, bytes, used bytes and resident bytes of every slab, by the published layout
    (src/heap/layout.h)."""
    with open("/proc/%d/maps" % memory.pid) as maps:
        writable = [line.split()[0].split("-") for line in maps if "libneap-preload" in line and " rw" in line]
    data = b"".join(memory.read(int(start, 16), int(end, 16) - int(start, 16)) for start, end in writable)
    anchor = next(at for at in range(0, len(data), 16) if data.startswith(b"neap-heap-anchor", at))
    _, _, heap_bytes, region_bytes, _, class_bytes, event_bytes = struct.unpack_from("<7I", data, anchor + 16)
    heap = memory.read(struct.unpack_from("<Q", data, anchor + 440)[0], heap_bytes)
    _, unit_bytes, class_count, region_count = struct.unpack_from("<4I", heap)
    classes_at = 104 + 64 * event_bytes
    sizes = [struct.unpack_from("<I", heap, classes_at + number * class_bytes)[0] for number in range(class_count)]
    for number in range(region_count):
        base, units, _, count, top, _, stride = struct.unpack_from(
            "<3Q4I", heap, classes_at + 96 * class_bytes + number * region_bytes)
        rows = memory.read(units, top * stride) if count else b""
        for unit in range(top if count else 0):
            kind, size_class, _, _, used = struct.unpack_from("<4BH", rows, unit * stride)
            if kind == 1:
                at = base + unit * unit_bytes
                yield at, Place(unit_bytes, used * sizes[size_class], memory.resident(at, unit_bytes))


def arenas(memory):
    """The same of every arena of pymalloc, by the headers of its pools."""
    done = subprocess.run([NEAP, "map", "--json", str(memory.pid)], capture_output=True, text=True,
                          env=clean_environment())
    for span in (span for span in json.loads(done.stdout)["spans"] if span["kind"] == "arena"):
        start, size = span["start"], span["end"] - span["start"]
        pool = 4096 if size == 256 << 10 else 16384
        resident = memory.resident(start, size)  # before its pages are read: that makes them so
        heads = [memory.read(at, 48) for at in range(-(-start // pool) * pool, span["end"] - pool + 1, pool)]
        fills = [struct.unpack_from("<I", head)[0] * 16 * (struct.unpack_from("<I", head, 36)[0] + 1) for head in heads]
        yield start, Place(size, sum(fills), resident, struct.unpack_from("<I", heads[0], 32)[0])
