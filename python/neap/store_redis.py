"""A mapping in a Redis or a Redis Cluster: hashes of about 90 entries each, the buckets.

    neap:NAME          hash    format, key, value, buckets
    neap:NAME:17       hash    the entries whose CRC-32 of the key is 17 modulo buckets

Redis keeps a hash of up to 128 short entries as one packed block, which takes half the memory of
one key per entry. The number of buckets is fixed when the mapping is made. A mapping that outgrows
them still works, but Redis then uses a kind of hash that takes more memory. Numbers are kept as
decimal text, which Redis packs and can add to by itself.

In a cluster the buckets lie on all nodes. A batch takes one round trip to each node and is not a
transaction. Any thread may use a store. The first call in a forked child opens new connections.
"""

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

try:
    import redis
    from redis.cluster import ClusterNode, RedisCluster
except ImportError as missing:
    raise ImportError("redis:// needs the package redis, 4.3 or newer: apt-get install python3-redis") from missing

from .store import Store, StoreError, batches
from .store_kind import RANGES

FORMAT = "1"
ENTRIES = 90  # per bucket on average; above 128, Redis changes the kind of hash
SCAN = 100  # buckets read at once
SAMPLE = 200  # buckets measured for nbytes

# Scripts, which the server runs atomically.
TAKE = "local v = redis.call('HGET', KEYS[1], ARGV[1]); if v then redis.call('HDEL', KEYS[1], ARGV[1]) end; return v"
PUT_IF_ABSENT = "redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]); return redis.call('HGET', KEYS[1], ARGV[1])"
REPLACE = ("local v = redis.call('HGET', KEYS[1], ARGV[1]); if (v or '') ~= ARGV[2] then return 0 end; "
           "redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]); return 1")


def _coders(kind: str) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
    if kind == "none":
        return lambda nothing: b"", lambda empty: None
    if kind == "str":
        return str.encode, bytes.decode
    if kind == "bytes":
        return bytes, bytes
    if kind in RANGES:
        return lambda number: b"%d" % number, int
    return lambda number: repr(number).encode(), float


class RedisStore(Store):
    def __init__(self, url: str, key: str, value: str | None, expect: int, timeout: float) -> None:
        super().__init__(url, key, value, (expect, timeout))
        if expect < 1:
            raise ValueError("expect must be at least 1")
        parts = urlsplit(url)
        options = parse_qs(parts.query)
        self._shown_url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))
        self._name = "neap:" + options.pop("name", ["map"])[-1]
        if options:
            raise ValueError(f"{self._shown_url}: no option {next(iter(options))!r}; there is name")
        self._client: Any = None
        with self._errors():
            self._client = self._connected(urlunsplit((*parts[:3], "", "")), timeout)
            self._buckets = self._agreed(max(1, -(-expect // ENTRIES)))

    @staticmethod
    def _encoded(kind: str) -> Callable[[Any], bytes]:
        return _coders(kind)[0]

    @staticmethod
    def _decoded(kind: str) -> Callable[[bytes], Any]:
        return _coders(kind)[1]

    # --- the connection ---

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except redis.exceptions.AuthenticationError as error:
            raise StoreError(f"{self._shown_url}: it wants another password: {error}") from error
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError) as error:
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"{self._shown_url}: no answer: is it running? {error}") from error
        except redis.exceptions.RedisError as error:
            raise StoreError(f"{self._shown_url}: it refused: {error}") from error

    def _connected(self, url: str, timeout: float) -> Any:
        times = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
        client = redis.Redis.from_url(url, **times)
        if not client.info("cluster").get("cluster_enabled"):
            return client
        kept = client.connection_pool.connection_kwargs
        client.close()
        secret = {name: kept[name] for name in ("username", "password") if kept.get(name)}
        nodes = [ClusterNode(kept.get("host", "localhost"), kept.get("port", 6379))]
        return RedisCluster(startup_nodes=nodes, ssl=url.startswith("rediss"), **secret, **times)

    def _agreed(self, buckets: int) -> int:
        """The number of buckets, which the first process that used the mapping has set."""
        key, value = self._kinds
        mine = {"format": FORMAT, "key": key, "value": value or "none", "buckets": buckets}
        pipeline = self._client.pipeline(transaction=False)
        for field, text in mine.items():
            pipeline.hsetnx(self._name, field, text)
        pipeline.hgetall(self._name)
        about = {field.decode(): text.decode() for field, text in pipeline.execute()[-1].items()}
        if any(about[field] != mine[field] for field in ("format", "key", "value")):
            raise ValueError(f"{self._shown_url}: it holds {about['key']!r} to {about['value']!r}, format {about['format']}")
        return int(about["buckets"])

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _of(self, key: bytes) -> str:
        """The bucket of a key."""
        return f"{self._name}:{zlib.crc32(key) % self._buckets}"

    def _open(self) -> Any:
        if self._client is None:
            raise ValueError("the store is closed")
        return self._client

    def _grouped(self, keys: list[bytes]) -> dict[str, list[bytes]]:
        groups: dict[str, list[bytes]] = {}
        for key in keys:
            groups.setdefault(self._of(key), []).append(key)
        return groups

    # --- entries ---

    def _fetch(self, keys: list[bytes]) -> list[bytes | None]:
        client = self._open()
        with self._errors():
            if len(keys) == 1:
                return [client.hget(self._of(keys[0]), keys[0])]
            groups = self._grouped(keys)
            pipeline = client.pipeline(transaction=False)
            for bucket, members in groups.items():
                pipeline.hmget(bucket, members)
            found = {key: value for members, values in zip(groups.values(), pipeline.execute())
                     for key, value in zip(members, values)}
        return [found[key] for key in keys]

    def _put(self, pairs: list[tuple[bytes, bytes]]) -> None:
        client = self._open()
        with self._errors():
            if len(pairs) == 1:
                client.hset(self._of(pairs[0][0]), *pairs[0])
                return
            values = dict(pairs)
            pipeline = client.pipeline(transaction=False)
            for bucket, members in self._grouped(list(values)).items():
                pipeline.hset(bucket, mapping={key: values[key] for key in members})
            pipeline.execute()

    def _put_if_absent(self, key: bytes, value: bytes) -> bytes:
        with self._errors():
            return self._open().eval(PUT_IF_ABSENT, 1, self._of(key), key, value)

    def _take(self, key: bytes) -> bytes | None:
        with self._errors():
            return self._open().eval(TAKE, 1, self._of(key), key)

    def _remove(self, keys: list[bytes]) -> int:
        with self._errors():
            pipeline = self._open().pipeline(transaction=False)
            for bucket, members in self._grouped(keys).items():
                pipeline.hdel(bucket, *members)
            return sum(pipeline.execute())

    def _increase(self, key: bytes, amount: Any) -> Any:
        """Adds here, and replaces the value if it has not changed since it was read."""
        if self._kinds[1] in RANGES and not hasattr(amount, "__index__"):
            raise TypeError(f"kind '{self._kinds[1]}' takes int, not '{type(amount).__name__}'")
        client, bucket = self._open(), self._of(key)
        with self._errors():
            while True:
                old = client.hget(bucket, key)
                total = self._value_checked((0 if old is None else self._value_out(old)) + amount)
                if client.eval(REPLACE, 1, bucket, key, old or b"", self._value_in(total)):
                    return total

    def _scan(self) -> Iterator[tuple[bytes, bytes]]:
        for numbers in batches(range(self._buckets), SCAN):
            with self._errors():
                pipeline = self._open().pipeline(transaction=False)
                for number in numbers:
                    pipeline.hgetall(f"{self._name}:{number}")
                buckets = pipeline.execute()
            for bucket in buckets:
                yield from bucket.items()

    def _on_each(self, command: Callable[[Any, str], Any], numbers: Any = None) -> Iterator[Any]:
        for batch in batches(numbers or range(self._buckets)):
            with self._errors():
                pipeline = self._open().pipeline(transaction=False)
                for number in batch:
                    command(pipeline, f"{self._name}:{number}")
                yield from pipeline.execute()

    def __len__(self) -> int:
        return sum(self._on_each(lambda pipeline, bucket: pipeline.hlen(bucket)))

    def clear(self) -> None:
        for _ in self._on_each(lambda pipeline, bucket: pipeline.unlink(bucket)):
            pass

    # --- memory ---

    @property
    def nbytes(self) -> int:
        """An estimate of the bytes of all buckets, from a sample."""
        step = -(-self._buckets // SAMPLE)
        figures = [figure or 0 for figure in self._on_each(lambda pipeline, bucket: pipeline.memory_usage(bucket),
                                                           range(0, self._buckets, step))]
        return round(sum(figures) / len(figures) * self._buckets)

    def _nodes(self) -> list[Any]:
        client = self._open()
        return [node.redis_connection for node in client.get_primaries()] if isinstance(client, RedisCluster) else [client]

    def trim(self) -> int:
        """Asks Redis's allocator to give back its free pages; returns the bytes, of the whole server."""
        with self._errors():
            nodes = self._nodes()
            before = sum(node.info("memory")["used_memory_rss"] for node in nodes)
            for node in nodes:
                node.execute_command("MEMORY PURGE")
            return max(0, before - sum(node.info("memory")["used_memory_rss"] for node in nodes))
