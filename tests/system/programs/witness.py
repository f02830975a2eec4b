"""Says from inside a program whether Neap's heap serves it.

Reads the published anchor (src/heap/layout.h) of this or another process from
/proc, and no more: plain enough for every CPython from 3.8 on and for a child
that has just been forked. The programs of this folder import it, the tests too.
"""
import os
import struct

LIBRARY = "libneap-preload.so"
MAGIC = b"neap-heap-anchor"
ABSENT, SERVING, REFUSED = 0, 1, 2

# version, six sizes, pointer_bytes, state, pid, reason, library, heap
ANCHOR = struct.Struct("=16s I 6I I I I 128s 256s Q")

BASELINE = os.environ.get("NEAP_BASELINE") == "1"


class Anchor:
    """What a process's library says of itself."""

    def __init__(self, fields):
        self.version = fields[1]
        self.pointer_bytes = fields[8]
        self.state = fields[9]
        self.pid = fields[10]
        self.reason = fields[11].split(b"\0")[0].decode()
        self.heap = fields[13]

    def __repr__(self):
        return "Anchor(state=%d, pid=%d, heap=%#x, reason=%r)" % (self.state, self.pid, self.heap, self.reason)


def library_data(pid="self"):
    """Yields (start, end) of the writable mappings of the preload library."""
    with open("/proc/%s/maps" % pid) as maps:
        for line in maps:
            fields = line.split(None, 5)
            if len(fields) == 6 and os.path.basename(fields[5].strip()) == LIBRARY and fields[1].startswith("rw"):
                start, end = fields[0].split("-")
                yield int(start, 16), int(end, 16)


def anchor(pid="self"):
    """The anchor of a process, or None if the library is not in it."""
    for start, end in library_data(pid):
        with open("/proc/%s/mem" % pid, "rb", 0) as memory:
            memory.seek(start)
            data = memory.read(end - start)
        at = data.find(MAGIC)
        while at >= 0:
            if at % 16 == 0 and at + ANCHOR.size <= len(data):
                return Anchor(ANCHOR.unpack_from(data, at))
            at = data.find(MAGIC, at + 1)
    return None


def serving(pid="self"):
    """Whether Neap's heap serves the process; trivially so in a baseline run."""
    if BASELINE:
        return True
    found = anchor(pid)
    return found is not None and found.state == SERVING and found.heap != 0


def must_serve():
    """Ends the program unless Neap serves it, so that no test passes without Neap."""
    if not serving():
        raise SystemExit("witness: not under Neap: %r" % (anchor(),))


def threads(pid="self"):
    """Ids of the threads of a process, as the kernel counts them."""
    return sorted(int(name) for name in os.listdir("/proc/%s/task" % pid))


def memory_bytes(field, pid="self"):
    """One field of smaps_rollup, such as Rss or Private_Dirty, in bytes."""
    with open("/proc/%s/smaps_rollup" % pid) as rollup:
        for line in rollup:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise KeyError(field)
