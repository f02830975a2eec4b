from typing import NamedTuple

class NotServing(RuntimeError): ...

class Stats(NamedTuple):
    live_bytes: int
    cached_bytes: int
    free_bytes: int
    dirty_bytes: int
    clean_bytes: int
    resident_bytes: int
    meshed_bytes: int
    peak_bytes: int
    reserved_bytes: int
    metadata_bytes: int
    live_blocks: int
    purged_bytes: int
    refaulted_bytes: int
    purges: int
    purge_ns: int
    slabs: int
    runs: int
    regions: int
    pins: int

version: str

def trim() -> int: ...
def stats() -> Stats: ...
def is_serving() -> bool: ...
