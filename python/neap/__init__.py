"""Neap: memory that follows the live data of a long-running program.

    neap.serving     whether this program is under Neap
    neap.trim()      give back now all memory that can be; returns bytes
    neap.stats()     what the heap holds, in bytes and counts

A program comes under Neap by `neap run python3 app.py`, or `python3 -m neap app.py`.
"""

import gc
import importlib
import sys

if sys.version_info < (3, 11):
    raise ImportError("the package neap needs Python 3.11 or newer; `neap run` serves 3.8 and newer without it")

from ._neap import NotServing, Stats, is_serving, stats
from ._neap import trim as _heap_trim
from ._neap import version as __version__

__all__ = ["NotServing", "Stats", "serving", "stats", "trim"]

serving: bool = is_serving()

# The containers, each in an extension module that is loaded when it is first asked for.
_CONTAINERS = {
    "Bits": "_bits",
    "FrozenTrie": "_trie",
    "Map": "_map",
    "Overrun": "streams",
    "Reader": "streams",
    "Store": "store",
    "StoreError": "store",
    "Stream": "streams",
    "StreamProtocol": "stream_asyncio",
    "Trie": "_trie",
    "WriterDied": "streams",
    "connect": "store",
}


def __getattr__(name: str):
    if name not in _CONTAINERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module("." + _CONTAINERS[name], __name__), name)
    globals()[name] = value  # the next time it is found without this function
    return value


def __dir__():
    return sorted({*globals(), *_CONTAINERS})


def _drop_caches() -> None:
    """Have CPython let go of what it keeps only for reuse."""
    gc.collect()  # a full collection also empties the free lists of floats, tuples, frames ...
    clear = getattr(sys, "_clear_internal_caches", None)
    if clear is None:  # up to 3.12; later it is deprecated
        clear = getattr(sys, "_clear_type_cache", None)
    if clear is not None:
        clear()


def trim() -> int:
    """Give back now all memory that can be, and return how many bytes that was.

    CPython drops its free lists first, by a full garbage collection. Raises
    NotServing if this program is not under Neap.
    """
    if serving:
        _drop_caches()
    return _heap_trim()
