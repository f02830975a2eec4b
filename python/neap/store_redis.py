"""A mapping in a Redis or a Redis Cluster: hashes of about 90 entries each, the buckets.

    neap2:{NAME/0}              text    the head of shard 0: its layout
    neap2:{NAME/0}:GEN:17       hash    its entries whose CRC-32 of the key is 17 modulo buckets

    layout:  neap 2 KEY VALUE shards SHARDS buckets BUCKETS generation GEN

Redis keeps a hash of up to 128 short entries as one packed block, which takes half the memory of one
key per entry. Numbers are kept as decimal text, which Redis packs. The number of buckets is set by the
first process that uses a shard. A mapping that outgrows them still works, but Redis then uses a kind of
hash that takes more memory.

A single Redis has one shard. In a cluster there are 256, each with a head and with all its keys in one
slot, so that they lie on all nodes. A script always has the head and a bucket of one shard, and does
nothing if the head's layout is not the one that the client goes by. So two clients never work by
different layouts, also after the server has lost the head or all of its data: the client then agrees on
a layout again. It proposes the one it had, so that what is left of its entries is found again. The name
is escaped and in braces, so that no bucket has the name of another mapping's head.

A batch takes one round trip to each node and is not a transaction. Any thread may use a store. The
first call in a forked child opens new connections.
"""

import hashlib
import re
import secrets
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

from .store import MISSING, Store, StoreError, batches
from .store_kind import FLOATS, RANGES, is_kept
from .store_server import RedisServers, key_slot
from .store_url import store_url

ENTRIES = 90  # per bucket on average; above 128, Redis changes the kind of hash
SHARDS = 256  # in a cluster
BUCKETS_MAX = 1 << 24  # of a shard
SCAN = 100  # buckets read at once
SAMPLE = 200  # buckets measured for nbytes
MEMBERS = 1000  # entries of one command: a script cannot pass on more than some thousands
TRIES = 10  # to agree on a layout
NUMBER_BYTES = 32  # no number is longer as text

LAYOUT = re.compile(rb"neap 2 ([a-z0-9]{1,8}) ([a-z0-9]{1,8}) shards (1|256) buckets ([1-9][0-9]{0,7}) generation ([0-9a-f]{16})")

# Scripts, which the server runs atomically. They return an empty list if the layout is another one.
AGREE = ("local kind = redis.call('TYPE', KEYS[1]).ok; if kind == 'none' then redis.call('SET', KEYS[1], ARGV[1]) "
         "elseif kind ~= 'string' then return {''} end; return {redis.call('GET', KEYS[1])}")
CHECKED = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {} end; "
FETCH = CHECKED + "return {redis.call('HMGET', KEYS[2], unpack(ARGV, 2))}"
PUT = CHECKED + "return {redis.call('HSET', KEYS[2], unpack(ARGV, 2))}"
PUT_IF_ABSENT = CHECKED + "redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[3]); return {redis.call('HGET', KEYS[2], ARGV[2])}"
TAKE = CHECKED + "local v = redis.call('HGET', KEYS[2], ARGV[2]); if v then redis.call('HDEL', KEYS[2], ARGV[2]) end; return {v}"
REMOVE = CHECKED + "return {redis.call('HDEL', KEYS[2], unpack(ARGV, 2))}"
REPLACE = (CHECKED + "local v = redis.call('HGET', KEYS[2], ARGV[2]); if (v or '') ~= ARGV[3] then return {0} end; "
           "redis.call('HSET', KEYS[2], ARGV[2], ARGV[4]); return {1}")
READ = CHECKED + "return {redis.call('HGETALL', KEYS[2])}"
COUNT = CHECKED + "return {redis.call('HLEN', KEYS[2])}"
CLEAR = CHECKED + "return {redis.call('UNLINK', KEYS[2])}"
SCRIPTS = {hashlib.sha1(script.encode()).hexdigest(): script
           for script in (AGREE, FETCH, PUT, PUT_IF_ABSENT, TAKE, REMOVE, REPLACE, READ, COUNT, CLEAR)}
SHA = {script: sha for sha, script in SCRIPTS.items()}


class Layout(NamedTuple):
    text: bytes
    shards: int
    buckets: int
    generation: str


class _OtherLayout(Exception):
    """The head of a shard has changed since its layout was read."""


def _coders(kind: str) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
    if kind == "none":
        return (lambda nothing: b""), (lambda empty: None)
    if kind == "str":
        return str.encode, bytes.decode
    if kind == "bytes":
        return bytes, bytes
    if kind in RANGES:
        return (lambda number: b"%d" % number), int
    assert kind in FLOATS
    return (lambda number: repr(number).encode()), float


class RedisStore(Store):
    def __init__(self, url: str, key: str, value: str | None, expect: int, timeout: float) -> None:
        super().__init__(url, key, value, (expect, timeout))
        if not 1 <= expect <= BUCKETS_MAX * ENTRIES:
            raise ValueError(f"expect must be at least 1 and at most {BUCKETS_MAX * ENTRIES}")
        place = store_url(url)
        self._shown_url, self._name, self._expect, self._timeout = place.shown, place.name, expect, timeout
        self._layouts: dict[int, Layout] = {}  # by shard
        self._places: dict[int, tuple[str, int]] = {}
        self._servers: RedisServers | None = RedisServers(place, timeout, SCRIPTS)
        self._shards = SHARDS if self._servers.is_cluster else 1
        try:
            with self._servers.call():
                self._agree_at_first()
        except BaseException:
            self.close()
            raise

    @staticmethod
    def _encoded(kind: str) -> Callable[[Any], bytes]:
        return _coders(kind)[0]

    @staticmethod
    def _decoded(kind: str) -> Callable[[bytes], Any]:
        encoded, out = _coders(kind)

        def decoded(raw: bytes) -> Any:
            if kind in RANGES or kind in FLOATS:
                if len(raw) > NUMBER_BYTES:
                    raise ValueError
            value = out(raw)  # UnicodeDecodeError is a ValueError
            if not is_kept(kind, value) or encoded(value) != raw:
                raise ValueError
            return value

        return decoded

    def close(self) -> None:
        if self._servers is not None:
            self._servers.close()
            self._servers = None

    def _open(self) -> RedisServers:
        if self._servers is None:
            raise ValueError("the store is closed")
        return self._servers

    # --- names ---

    def _place(self, shard: int) -> tuple[str, int]:
        """The name of its head, and the slot of all its keys."""
        if shard not in self._places:
            tag = f"{quote(self._name, safe='')}/{shard}"
            self._places[shard] = f"neap2:{{{tag}}}", key_slot(tag.encode())
        return self._places[shard]

    def _head(self, shard: int) -> str:
        return self._place(shard)[0]

    def _slot(self, shard: int) -> int:
        return self._place(shard)[1]

    def _bucket(self, shard: int, layout: Layout, number: int) -> str:
        return f"{self._head(shard)}:{layout.generation}:{number}"

    # --- layouts ---

    def _proposal(self, shard: int) -> bytes:
        """The layout that there was, so that its entries stay where they are; or a new one."""
        if shard in self._layouts:
            return self._layouts[shard].text
        key, value = self._kinds[0], self._value_kind
        buckets = max(1, -(-self._expect // (ENTRIES * self._shards)))
        return f"neap 2 {key} {value} shards {self._shards} buckets {buckets} generation {secrets.token_hex(8)}".encode()

    def _layout(self, answer: Any) -> Layout:
        """The layout that a server says to have. ValueError if it is of a mapping of other kinds."""
        text = answer[0] if type(answer) is list and len(answer) == 1 else None
        if type(text) is not bytes:
            raise self._open().strange("to a script")
        parts = LAYOUT.fullmatch(text)
        if not parts or int(parts[4]) > BUCKETS_MAX:
            raise ValueError(f"{self._shown_url}: under that name it has no layout that this Neap knows")
        key, value = parts[1].decode(), parts[2].decode()
        if (key, value) != (self._kinds[0], self._value_kind):
            raise ValueError(f"{self._shown_url}: it holds '{key}' to {None if value == 'none' else value!r}")
        return Layout(text, int(parts[3]), int(parts[4]), parts[5].decode())

    def _agree(self, shards: list[int]) -> None:
        """Reads the layouts of these shards, or sets them where there are none."""
        answers = self._open().ask_all([(self._slot(shard), ("EVALSHA", SHA[AGREE], 1, self._head(shard), self._proposal(shard)))
                                        for shard in shards])
        for shard, answer in zip(shards, answers):
            self._layouts[shard] = self._layout(answer)

    def _agree_at_first(self) -> None:
        """Looks for a mapping of the layout before this one, and agrees on shard 0, which says how many there are."""
        old, servers = f"neap:{self._name}", self._open()
        about = servers.ask_all([(key_slot(old.encode()), ("TYPE", old))])[0]
        if about in (b"hash", "hash"):
            fields = servers.ask_all([(key_slot(old.encode()), ("HMGET", old, "format", "buckets"))])[0]
            if type(fields) is list and len(fields) == 2 and fields[0] == b"1" and fields[1] is not None:
                raise ValueError(f"{self._shown_url}: it holds a mapping as an older Neap kept it: docs/stores.md says how "
                                 "to copy it, or choose another name")
        self._agree([0])
        if self._layouts[0].shards != self._shards:  # a single Redis that has become a cluster
            self._shards = self._layouts[0].shards

    def _renew(self, shards: list[int]) -> None:
        """Agrees again. By now the mapping may be another one."""
        try:
            self._agree(shards)
        except ValueError as other:
            raise StoreError(f"{other}, made after this store was opened") from None
        if any(self._layouts[shard].shards != self._shards for shard in shards):
            raise StoreError(f"{self._shown_url}: the mapping was made anew with other shards: connect again")

    def _known(self, shards: set[int]) -> None:
        if unknown := [shard for shard in sorted(shards) if shard not in self._layouts]:
            self._renew(unknown)

    # --- scripts on buckets ---

    def _run(self, script: str, jobs: list[tuple[int, int, list[Any]]]) -> list[Any]:
        """Runs a script for each (shard, bucket, arguments); the results, _OtherLayout among them."""
        commands: list[Any] = []
        for shard, number, arguments in jobs:
            layout, (head, slot) = self._layouts[shard], self._place(shard)
            commands.append((slot, ("EVALSHA", SHA[script], 2, head, f"{head}:{layout.generation}:{number}", layout.text, *arguments)))
        results: list[Any] = []
        for answer in self._open().ask_all(commands):
            if type(answer) is not list or len(answer) > 1:
                raise self._open().strange("to a script")
            results.append(answer[0] if answer else _OtherLayout)
        return results

    def _shard_of(self, crc: int) -> int:
        return (crc >> 24) % self._shards  # other bits than the lowest ones, which choose the bucket

    def _grouped(self, keys: list[bytes]) -> dict[tuple[int, int], list[bytes]]:
        """The keys by shard and bucket."""
        places = [(self._shard_of(crc), crc, key) for key in keys for crc in (zlib.crc32(key),)]
        self._known({shard for shard, _, _ in places})
        groups: dict[tuple[int, int], list[bytes]] = {}
        for shard, crc, key in places:
            groups.setdefault((shard, crc % self._layouts[shard].buckets), []).append(key)
        return groups

    def _by_key(self, script: str, keys: list[bytes], arguments: Callable[[list[bytes]], list[Any]]) -> Iterator[tuple[list[bytes], Any]]:
        """Runs a script on the bucket of each key; yields some keys of a bucket, and the result."""
        with self._open().call():
            for _ in range(TRIES):
                pieces = [(place, piece) for place, members in self._grouped(keys).items() for piece in batches(members, MEMBERS)]
                results = self._run(script, [(*place, arguments(piece)) for place, piece in pieces])
                keys, changed = [], set()
                for (place, piece), result in zip(pieces, results):
                    if result is _OtherLayout:
                        keys += piece
                        changed.add(place[0])
                    else:
                        yield piece, result
                if not keys:
                    return
                self._renew(sorted(changed))
        raise StoreError(f"{self._shown_url}: its layout changes all the time: do several servers answer there?")

    def _one(self, script: str, key: bytes, *more: Any) -> Any:
        return next(iter([result for _, result in self._by_key(script, [key], lambda members: [*members, *more])]))

    def _number(self, result: Any, most: int) -> int:
        if type(result) is not int or not 0 <= result <= most:
            raise self._open().strange("to a script")
        return result

    def _text(self, result: Any) -> Any:
        """A value, or MISSING."""
        if result is not None and type(result) is not bytes:
            raise self._open().strange("to a script")
        return MISSING if result is None else result

    # --- entries ---

    def _fetch(self, keys: list[bytes]) -> list[Any]:
        found: dict[bytes, Any] = {}
        for members, values in self._by_key(FETCH, list(dict.fromkeys(keys)), lambda members: members):
            if type(values) is not list or len(values) != len(members):
                raise self._open().strange("to a script")
            found.update((key, self._text(value)) for key, value in zip(members, values))
        return [found[key] for key in keys]

    def _put(self, pairs: list[tuple[bytes, bytes]]) -> None:
        values = dict(pairs)
        for members, result in self._by_key(PUT, list(values), lambda members: [part for key in members for part in (key, values[key])]):
            self._number(result, len(members))

    def _put_if_absent(self, key: bytes, value: bytes) -> Any:
        found = self._text(self._one(PUT_IF_ABSENT, key, value))
        if found is MISSING:
            raise self._open().strange("to a script")
        return found

    def _take(self, key: bytes) -> Any:
        return self._text(self._one(TAKE, key))

    def _remove(self, keys: list[bytes]) -> int:
        return sum(self._number(result, len(members)) for members, result in self._by_key(REMOVE, keys, lambda members: members))

    def _increase(self, key: bytes, amount: Any) -> Any:
        """Adds here, and replaces the value if it has not changed since it was read."""
        ends = time.monotonic() + self._timeout
        while True:
            old = self._fetch([key])[0]
            total = self._sum(old, amount)
            if self._number(self._one(REPLACE, key, b"" if old is MISSING else old, self._value_in(total)), 1):
                return total
            if time.monotonic() > ends:
                raise StoreError(f"{self._shown_url}: others changed the number all the time for {self._timeout:g} seconds")

    # --- all buckets ---

    def _each(self, script: str) -> Iterator[Any]:
        """Runs a script on every bucket; yields the results. _OtherLayout if a layout changes meanwhile."""
        with self._open().call():
            self._renew(list(range(self._shards)))  # what changed before is no change while it runs
        layouts = dict(self._layouts)
        for places in batches(((shard, number) for shard in range(self._shards) for number in range(layouts[shard].buckets)),
                              SCAN if script == READ else 10 * SCAN):
            with self._open().call():
                if any(self._layouts[shard] != layouts[shard] for shard, _ in places):
                    raise _OtherLayout
                results = self._run(script, [(shard, number, []) for shard, number in places])
                if _OtherLayout in results:
                    changed = {place[0] for place, result in zip(places, results) if result is _OtherLayout}
                    self._renew(sorted(changed))
                    if any(self._layouts[shard] != layouts[shard] for shard in changed):
                        raise _OtherLayout
                    results = self._run(script, [(shard, number, []) for shard, number in places])
                if _OtherLayout in results:
                    raise _OtherLayout
            yield from results

    def _all(self, script: str) -> list[Any]:
        """The same, from the start again when a layout changes."""
        for _ in range(TRIES):
            try:
                return list(self._each(script))
            except _OtherLayout:
                pass
        raise StoreError(f"{self._shown_url}: its layout changes all the time: do several servers answer there?")

    def _scan(self) -> Iterator[tuple[bytes, bytes]]:
        try:
            for fields in self._each(READ):
                if type(fields) is not list or len(fields) % 2 or any(type(field) is not bytes for field in fields):
                    raise self._open().strange("to a script")
                yield from zip(fields[::2], fields[1::2])
        except _OtherLayout:
            raise StoreError(f"{self._shown_url}: the mapping was made anew while it was read") from None

    def __len__(self) -> int:
        return sum(self._number(result, 1 << 40) for result in self._all(COUNT))

    def clear(self) -> None:
        for result in self._all(CLEAR):
            self._number(result, 1)

    # --- memory ---

    @property
    def nbytes(self) -> int:
        """An estimate of the bytes of all buckets, from a sample."""
        with self._open().call():
            self._known(set(range(self._shards)))
            counts = [self._layouts[shard].buckets for shard in range(self._shards)]
            step = -(-sum(counts) // SAMPLE)
            sample = [place for shard, count in enumerate(counts) for place in ((shard, number) for number in range(count))][::step]
            figures = self._open().ask_all([(self._slot(shard), ("MEMORY", "USAGE", self._bucket(shard, self._layouts[shard], number)))
                                            for shard, number in sample])
        return round(sum(self._number(0 if figure is None else figure, 1 << 40) for figure in figures) / len(sample) * sum(counts))

    def _resident(self) -> int:
        about = [node.ask([("INFO", "memory")])[0] for node in self._open().all_nodes()]
        if not all(type(one) is dict and type(one.get("used_memory_rss")) is int for one in about):
            raise self._open().strange("to INFO")
        return sum(one["used_memory_rss"] for one in about)

    def trim(self) -> int:
        """Asks Redis's allocator to give back its free pages; returns the bytes, of the whole server."""
        with self._open().call():
            before = self._resident()
            for node in self._open().all_nodes():
                node.ask([("MEMORY", "PURGE")])
            return max(0, before - self._resident())
