"""Neap: memory that follows the live data of a long-running program.

    neap.serving     whether this program runs under Neap
    neap.trim()      gives back all free memory now; returns the bytes given back
    neap.stats()     figures of the heap, in bytes and counts

To run a program under Neap, start it with `neap run python3 app.py` or `python3 -m neap app.py`.
"""

import gc
import importlib
import sys

if sys.version_info < (3, 11):
    raise ImportError("the package neap needs Python 3.11 or newer; `neap run` serves 3.8 and newer without it")

from ._neap import NotServing, Stats, is_serving, stats
from ._neap import trim as _heap_trim
from ._neap import version as _version

__all__ = ["NotServing", "Stats", "serving", "stats", "trim"]

__version__: str = _version
serving: bool = is_serving()

# The containers. Each is in an extension module that is loaded at its first use.
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
    """Empty the caches and free lists of CPython."""
    gc.collect()  # a full collection also empties the free lists of floats, tuples, frames ...
    clear = getattr(sys, "_clear_internal_caches", None)
    if clear is None:  # up to 3.12; deprecated later
        clear = getattr(sys, "_clear_type_cache", None)
    if clear is not None:
        clear()


def trim() -> int:
    """Give back all free memory now, and return how many bytes that was.

    A full garbage collection first empties CPython's free lists. Raises
    NotServing if this program does not run under Neap.
    """
    if serving:
        _drop_caches()
    return _heap_trim()
