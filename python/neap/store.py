"""Mappings that are kept in a Redis, a Redis Cluster or an SQLite file.

    neap.connect("redis://host:6379/0?name=words", "str", "u32")
    neap.connect("sqlite:words.db", "str", "u32")

They have the interface of neap.Map. Two more methods save round trips: get_many(keys) and
delete_many(keys); update() works in batches too. Any number of processes may use a store at the
same time. A single call is atomic, and so is each part of a batch. A failure of the store raises
StoreError, which says what to check.
"""

from collections.abc import ItemsView, Iterable, Iterator, MutableMapping, ValuesView
from itertools import islice
from typing import Any

from .store_kind import KINDS, check_of, is_number

__all__ = ["Store", "StoreError", "connect"]

BATCH = 10_000  # entries that are sent at once
_MISSING: Any = object()


class StoreError(OSError):
    """A store cannot be reached, broke the connection, or refused a command."""


def batches(things: Iterable[Any], count: int = BATCH) -> Iterator[list[Any]]:
    iterator = iter(things)
    while batch := list(islice(iterator, count)):
        yield batch


class _Items(ItemsView[Any, Any]):
    _mapping: "Store"

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return self._mapping._pairs()


class _Values(ValuesView[Any]):
    _mapping: "Store"

    def __iter__(self) -> Iterator[Any]:
        return (value for _, value in self._mapping._pairs())


class Store(MutableMapping[Any, Any]):
    """A mapping in a store; made by connect().

    A kind of store implements the methods below. They take keys and values in the form in
    which the store keeps them; `_encoded(kind)` and `_decoded(kind)` return the conversions.
    """

    def __init__(self, url: str, key: str, value: str | None, options: tuple[Any, ...]) -> None:
        value_kind = "none" if value is None else value
        self._url, self._kinds, self._options = url, (key, value), options
        self._key_checked, self._value_checked = check_of(key), check_of(value_kind)
        self._key_in, self._key_out = self._encoded(key), self._decoded(key)
        self._value_in, self._value_out = self._encoded(value_kind), self._decoded(value_kind)
        self._is_number = is_number(value_kind)

    # --- for each kind of store ---

    _shown_url = ""  # without a password

    @staticmethod
    def _encoded(kind: str) -> Any:
        raise NotImplementedError

    @staticmethod
    def _decoded(kind: str) -> Any:
        raise NotImplementedError

    def _fetch(self, keys: list[Any]) -> list[Any]:
        """The values of the keys; None for a key that is not there."""
        raise NotImplementedError

    def _put(self, pairs: list[tuple[Any, Any]]) -> None:
        raise NotImplementedError

    def _put_if_absent(self, key: Any, value: Any) -> Any:
        """Returns the value that is there afterwards."""
        raise NotImplementedError

    def _take(self, key: Any) -> Any:
        """Deletes a key and returns its value, or None."""
        raise NotImplementedError

    def _remove(self, keys: list[Any]) -> int:
        raise NotImplementedError

    def _increase(self, key: Any, amount: Any) -> Any:
        """Adds and returns the sum; raises OverflowError and changes nothing if it does not fit."""
        raise NotImplementedError

    def _scan(self) -> Iterator[tuple[Any, Any]]:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def clear(self) -> None:
        raise NotImplementedError

    def trim(self) -> int:
        """Asks the store to give back memory that it does not need; returns the bytes."""
        raise NotImplementedError

    @property
    def nbytes(self) -> int:
        """An estimate of the bytes that the store holds for this mapping."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    # --- conversion of keys and values ---

    def _key(self, key: Any) -> Any:
        return self._key_in(self._key_checked(key))

    def _value(self, value: Any) -> Any:
        return self._value_in(self._value_checked(value))

    def _findable(self, key: Any) -> Any:
        """The stored form of a key, or None if it cannot be a key here; TypeError for another type."""
        try:
            return self._key(key)
        except (OverflowError, UnicodeEncodeError):
            return None

    def _pairs(self) -> Iterator[tuple[Any, Any]]:
        for key, value in self._scan():
            yield self._key_out(key), self._value_out(value)

    # --- the mapping ---

    @property
    def kinds(self) -> tuple[str, str | None]:
        return self._kinds

    def __getitem__(self, key: Any) -> Any:
        value = self.get(key, _MISSING)
        if value is _MISSING:
            raise KeyError(key)
        return value

    def get(self, key: Any, default: Any = None) -> Any:
        return self.get_many([key], default)[0]

    def get_many(self, keys: Iterable[Any], default: Any = None) -> list[Any]:
        """Returns the values of the keys, in their order; `default` for a key that is not there."""
        values: list[Any] = []
        for batch in batches(keys):
            places = [self._findable(key) for key in batch]
            found = iter(self._fetch([place for place in places if place is not None]))
            raw = [None if place is None else next(found) for place in places]
            values += [default if value is None else self._value_out(value) for value in raw]
        return values

    def __contains__(self, key: object) -> bool:
        return self.get(key, _MISSING) is not _MISSING

    def __setitem__(self, key: Any, value: Any) -> None:
        self._put([(self._key(key), self._value(value))])

    def __delitem__(self, key: Any) -> None:
        place = self._findable(key)
        if place is None or not self._remove([place]):
            raise KeyError(key)

    def delete_many(self, keys: Iterable[Any]) -> int:
        """Deletes the keys that are there; returns how many there were."""
        removed = 0
        for batch in batches(keys):
            places = dict.fromkeys(place for place in map(self._findable, batch) if place is not None)
            removed += self._remove(list(places)) if places else 0
        return removed

    def update(self, other: Any = (), /, **more: Any) -> None:
        """Sets the entries of a mapping, or an iterable of pairs, in batches; the last value of a key wins."""
        for source in (other, more):
            if hasattr(source, "items"):
                pairs = source.items()
            elif hasattr(source, "keys"):
                pairs = ((key, source[key]) for key in source.keys())
            else:
                pairs = source
            for batch in batches(pairs):
                self._put(list({self._key(key): self._value(value) for key, value in batch}.items()))

    def setdefault(self, key: Any, default: Any = None) -> Any:
        return self._value_out(self._put_if_absent(self._key(key), self._value(default)))

    def pop(self, key: Any, *default: Any) -> Any:
        if len(default) > 1:
            raise TypeError(f"pop expected at most 2 arguments, got {1 + len(default)}")
        place = self._findable(key)
        value = None if place is None else self._take(place)
        if value is not None:
            return self._value_out(value)
        if default:
            return default[0]
        raise KeyError(key)

    def popitem(self) -> tuple[Any, Any]:
        for key, _ in self._scan():
            if (value := self._take(key)) is not None:  # no other process took it meanwhile
                return self._key_out(key), self._value_out(value)
        raise KeyError(f"popitem(): {self!r} is empty")

    def add(self, key: Any, amount: Any = 1, /) -> Any:
        """Adds to the number at `key` (0 if there is none) atomically; returns the sum."""
        if not self._is_number:
            raise TypeError(f"kind '{self._kinds[1] or 'none'}' is no number")
        if isinstance(amount, (str, bytes)):
            raise TypeError(f"a number is required, not '{type(amount).__name__}'")
        return self._increase(self._key(key), amount)

    def __iter__(self) -> Iterator[Any]:
        return (self._key_out(key) for key, _ in self._scan())

    def items(self) -> ItemsView[Any, Any]:
        return _Items(self)

    def values(self) -> ValuesView[Any]:
        return _Values(self)

    def __or__(self, other: Any) -> Any:
        return NotImplemented  # the result would have to be in a third store

    def __ior__(self, other: Any) -> "Store":
        self.update(other)
        return self

    # --- the object ---

    def __repr__(self) -> str:
        key, value = self._kinds
        return f"<neap store {self._shown_url}: {key!r} to {value!r}>"

    def __reduce__(self) -> Any:
        return connect, (self._url, *self._kinds, *self._options)

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()


def _check_kinds(key: str, value: str | None) -> None:
    for what, kind, also in (("key", key, ()), ("value", value, (None,))):
        if kind not in KINDS and kind not in also:
            raise ValueError(f"no kind of {what} {kind!r}: it is one of {', '.join(KINDS)}")


def connect(url: str, key: str = "str", value: str | None = "str", expect: int = 100_000, timeout: float = 5.0) -> Store:
    """Opens the mapping in the store at `url`, or makes it; `key` and `value` are kinds as of neap.Map.

    redis://[user:password@]host[:port][/db][?name=NAME], rediss:// and unix:// likewise; a Redis
    Cluster is recognised. A new mapping is laid out for `expect` entries; it may have more, but
    then each takes more memory. Needs python3-redis.

    sqlite:PATH for a file, or sqlite::memory: for a mapping in this process alone.

    `timeout` is how many seconds an answer may take. Raises StoreError if the store cannot be
    reached, and ValueError if it holds something else under that name.
    """
    _check_kinds(key, value)
    scheme = url.partition(":")[0]
    if scheme in ("redis", "rediss", "unix"):
        from .store_redis import RedisStore

        return RedisStore(url, key, value, expect, timeout)
    if scheme == "sqlite":
        from .store_sqlite import SqliteStore

        return SqliteStore(url, key, value, expect, timeout)
    raise ValueError(f"no store is called {scheme!r}: it is redis://, rediss://, unix:// or sqlite:")
