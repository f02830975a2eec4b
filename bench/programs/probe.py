"""What every give-back program shares: its phases, and its memory at each, told one line a phase.

    fresh     before the work; imports are done
    peak      the program says when
    end       after it dropped what it no longer needs, a garbage collection and 5 s
    kept      the same moment of a run with --kept-only, which builds only what the full run keeps

Memory is read from the kernel in the same way under every allocator. Under Neap the heap is
asked as well, after the kernel, so that the asking is not in the figure. A line is for people,
or with --json an object:

    {"mark": "end", "at_s": 12.5, "rss_kb": 9000, "pss_kb": 7000, "private_dirty_kb": 4000,
     "live_bytes": ..., "cached_bytes": ..., "free_bytes": ..., "dirty_bytes": ...}
"""
import gc
import json
import os
import sys
import time

try:
    import ctypes
except ImportError:  # a Python built without it; only the heap's own figures are missed then
    ctypes = None

SETTLE_S = 0.3  # what start-up left behind may go before the work begins
QUIET_S = 5.0
AS_JSON = "--json" in sys.argv[1:]

HEAP_FIGURES = ("live_bytes", "cached_bytes", "free_bytes", "dirty_bytes")  # first in heap.h


def kernel_figures():
    """Rss, Pss and Private_Dirty of this process in KiB, without building more than a line."""
    figures = {}
    with open("/proc/self/smaps_rollup", "rb", buffering=0) as rollup:
        for line in rollup.read(4096).splitlines():
            if line.startswith((b"Rss:", b"Pss:", b"Private_Dirty:")):
                name, size = line.split()[:2]
                figures[name[:-1].decode().lower() + "_kb"] = int(size)
    return figures


def find_heap():
    """The preloaded heap's statistics function, None under any other allocator."""
    if ctypes is None:
        return None
    return getattr(ctypes.CDLL(None), "neap_hook_stats", None)


HEAP_STATS = find_heap()


def heap_figures():
    """The first members of struct neap_heap_stats by name; empty under other allocators."""
    if HEAP_STATS is None:
        return {}
    buffer = (ctypes.c_uint64 * 128)()  # longer than the struct is
    HEAP_STATS(buffer)
    return dict(zip(HEAP_FIGURES, buffer))


def mark(name):
    """Tells a phase: one line, at once."""
    line = {"mark": name, "at_s": time.monotonic()}
    line.update(kernel_figures())
    line.update(heap_figures())
    if AS_JSON:
        text = json.dumps(line)
    else:
        text = "%-6s %6.1f MB" % (name, line["pss_kb"] / 1024.0)
    os.write(1, text.encode() + b"\n")


def quiet(name, quiet_s):
    """A full collection, a while of doing nothing, then the mark."""
    gc.collect()
    time.sleep(quiet_s)
    mark(name)


def options(arguments, words):
    """The command line as a dict: `words` gives the defaults, a flag's being False."""
    if "--help" in arguments:
        text = sys.modules["__main__"].__doc__ or ""
        print("usage: %s [--%s]" % (os.path.basename(sys.argv[0]), "] [--".join(
            word if default is False else "%s %s" % (word, default)
            for word, default in words.items())))
        print(text.strip())
        sys.exit(0)
    chosen = dict(words)
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word[:2] != "--" or word[2:] not in words:
            sys.exit("%s: no such option; there are --%s" % (word, ", --".join(sorted(words))))
        default = words[word[2:]]
        if default is False:
            chosen[word[2:]] = True
        else:
            if not rest:
                sys.exit("%s needs a value" % word)
            chosen[word[2:]] = type(default)(rest.pop(0))
    return chosen


def main(full, kept_only, digest, **words):
    """Runs a give-back program.

    full(scale, peak, **words)       builds, calls peak() when it holds the most, drops, and
                                     returns what it keeps
    kept_only(scale, **words)        builds and returns the very same, and nothing beside
    digest(kept)                     a number that tells whether they are the same
    words                            further options of the program, with defaults
    """
    defaults = {"scale": 1.0, "kept-only": False, "json": False, "quiet-s": QUIET_S}
    defaults.update(words)
    chosen = options(sys.argv[1:], defaults)
    scale, only = chosen.pop("scale"), chosen.pop("kept-only")
    quiet_s = chosen.pop("quiet-s")
    del chosen["json"]
    gc.collect()
    time.sleep(min(SETTLE_S, quiet_s))
    mark("fresh")
    if only:
        kept = kept_only(scale, **chosen)
        quiet("kept", quiet_s)
    else:
        kept = full(scale, lambda: mark("peak"), **chosen)
        quiet("end", quiet_s)
    if AS_JSON:
        os.write(1, json.dumps({"digest": digest(kept)}).encode() + b"\n")
