"""What programs that tests run in processes of their own share: they import it there.

It is no part of a test's own process: what it measures is the process that imports it.
"""
import gc
import importlib
import os
import sys
import threading


def resident():
    """Bytes in memory: exact, unlike the counters of statm."""
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Rss:"))


def attempt(call, *expected):
    """A call that may end in one of the usual exceptions, or an `expected` one, and in no other."""
    try:
        call()
    except (TypeError, ValueError, LookupError, ArithmeticError, BufferError, MemoryError, OSError, RuntimeError, *expected):
        pass


def _figures(types):
    gc.collect()
    with open("/proc/self/maps") as file:
        mappings = sum("neap" in line for line in file)
    return [sys.getallocatedblocks(), len(os.listdir("/proc/self/fd")), mappings, *map(sys.getrefcount, types)]


def assert_leaks_nothing(everything, types, first, times, blocks):
    """Neither references to `types` nor descriptors, mappings, memory or as many as `blocks` blocks in `times` calls.

    The `first` calls fill what CPython keeps for reuse; those lists go on filling up, but not in every round.
    """
    for _ in range(first):
        everything()
    _figures(types)
    grown = []
    for _ in range(15):
        before, *held = _figures(types)
        for _ in range(times):
            everything()
        after, *then = _figures(types)
        assert held == then, (held, then)
        grown.append(after - before)
        if after - before < blocks:
            break
    assert min(grown) < blocks, grown
    start = resident()
    for _ in range(2 * times):
        everything()
    assert resident() - start < 1 << 20, resident() - start


def assert_import_leaks_nothing(use):
    """The package imported anew again and again, each time for `use(neap)`."""
    def again(times):
        for _ in range(times):
            for name in [name for name in sys.modules if name.split(".")[0] == "neap"]:
                del sys.modules[name]
            use(importlib.import_module("neap"))
        gc.collect()
        return sys.getallocatedblocks()

    again(300)
    grown = []
    for _ in range(4):
        before = again(1)
        grown.append(again(200) - before)
    # isinstance's registry keeps a weak reference a class, in a set that is cleaned as it grows
    assert min(grown) < 150, grown


def run_isolated(body, times):
    """Runs `body` in four threads, each `times` times in a new interpreter that has a GIL of its own."""
    try:
        import _interpreters as interpreters
        arguments, options = ["isolated"], {}
    except ImportError:
        import _xxsubinterpreters as interpreters
        arguments, options = [], {"isolated": True}
    failed = []

    def work():
        for _ in range(times):
            one = interpreters.create(*arguments, **options)
            problem = interpreters.run_string(one, body)
            if problem is not None:
                failed.append(problem)
            interpreters.destroy(one)

    run_threads(work, 4)
    assert not failed, failed


def run_threads(work, count):
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
