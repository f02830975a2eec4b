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

from .store_kind import KINDS, RANGES, is_number, key_check, value_check

__all__ = ["Store", "StoreError", "connect"]

BATCH = 10_000  # entries that are sent at once
TEXT = 200  # characters of a foreign text that an error shows
MISSING: Any = object()  # in place of a value: there is no such key


class StoreError(OSError):
    """A store cannot be reached, broke the connection, refused a command, or gave what it cannot hold."""


def plain(text: object) -> str:
    """A text from a server or a file, for an error: one line that moves no cursor, and not too long."""
    line = " ".join(str(text).split())
    shown = "".join(letter if letter.isprintable() else "?" for letter in line[:TEXT])
    return shown if len(line) <= TEXT else shown + "..."


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
    Where they return values, MISSING stands for a key that is not there.
    """

    def __init__(self, url: str, key: str, value: str | None, options: tuple[Any, ...]) -> None:
        value_kind = "none" if value is None else value
        self._url, self._kinds, self._options = url, (key, value), options
        self._key_checked, self._value_checked = key_check(key), value_check(value_kind)
        self._key_in, self._key_out = self._encoded(key), self._decoded(key)
        self._value_in, self._value_out = self._encoded(value_kind), self._decoded(value_kind)
        self._value_kind = value_kind

    # --- for each kind of store ---

    _shown_url = ""  # in errors and in repr(): without a password, and on one line

    @staticmethod
    def _encoded(kind: str) -> Any:
        raise NotImplementedError

    @staticmethod
    def _decoded(kind: str) -> Any:
        """A function that returns the value, or raises ValueError for what `_encoded(kind)` never returns."""
        raise NotImplementedError

    def _fetch(self, keys: list[Any]) -> list[Any]:
        """The values of the keys, or MISSING."""
        raise NotImplementedError

    def _put(self, pairs: list[tuple[Any, Any]]) -> None:
        raise NotImplementedError

    def _put_if_absent(self, key: Any, value: Any) -> Any:
        """Returns the value that is there afterwards."""
        raise NotImplementedError

    def _take(self, key: Any) -> Any:
        """Deletes a key and returns its value, or MISSING."""
        raise NotImplementedError

    def _remove(self, keys: list[Any]) -> int:
        raise NotImplementedError

    def _increase(self, key: Any, amount: Any) -> Any:
        """Adds and returns the sum, which `_sum` makes; if that raises, nothing has changed."""
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

    def _found(self, decoded: Any, raw: Any, kind: str) -> Any:
        try:
            return decoded(raw)
        except ValueError:
            raise StoreError(f"{self._shown_url}: it holds something that is not of kind '{kind}', "
                             "which another program has written") from None

    def _found_key(self, raw: Any) -> Any:
        return self._found(self._key_out, raw, self._kinds[0])

    def _found_value(self, raw: Any) -> Any:
        return self._found(self._value_out, raw, self._value_kind)

    def _pairs(self) -> Iterator[tuple[Any, Any]]:
        for key, value in self._scan():
            yield self._found_key(key), self._found_value(value)

    # --- the mapping ---

    @property
    def kinds(self) -> tuple[str, str | None]:
        return self._kinds

    def __getitem__(self, key: Any) -> Any:
        value = self.get(key, MISSING)
        if value is MISSING:
            raise KeyError(key)
        return value

    def get(self, key: Any, default: Any = None) -> Any:
        return self.get_many([key], default)[0]

    def get_many(self, keys: Iterable[Any], default: Any = None) -> list[Any]:
        """Returns the values of the keys, in their order; `default` for a key that is not there."""
        values: list[Any] = []
        for batch in batches(keys):
            places = [self._findable(key) for key in batch]
            sought = [place for place in places if place is not None]
            found = iter(self._fetch(sought) if sought else ())
            raw = [MISSING if place is None else next(found) for place in places]
            values += [default if value is MISSING else self._found_value(value) for value in raw]
        return values

    def __contains__(self, key: object) -> bool:
        return self.get(key, MISSING) is not MISSING

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
        """Sets the entries of a mapping, or an iterable of pairs, in batches; the last value of a key wins.

        A mapping without values also takes an iterable of keys.
        """
        for source in (other, more):
            for batch in batches(self._entries_of(source)):
                self._put(list({self._key(key): self._value(value) for key, value in batch}.items()))

    def _entries_of(self, source: Any) -> Iterator[tuple[Any, Any]]:
        if hasattr(source, "items") and self._kinds[1] is not None:
            yield from source.items()
            return
        if hasattr(source, "keys"):
            for key in source.keys():
                yield key, None if self._kinds[1] is None else source[key]
            return
        for number, element in enumerate(source):
            if self._kinds[1] is None and not isinstance(element, tuple):
                yield element, None
                continue
            pair = tuple(element)
            if len(pair) != 2:
                raise ValueError(f"update sequence element #{number} has length {len(pair)}; 2 is required")
            yield pair

    def setdefault(self, key: Any, default: Any = None) -> Any:
        place = self._key(key)
        try:
            value = self._value(default)
        except (TypeError, OverflowError, UnicodeEncodeError):
            if (found := self._fetch([place])[0]) is MISSING:  # it matters only where there is no value
                raise
        else:
            found = self._put_if_absent(place, value)
        return self._found_value(found)

    def pop(self, key: Any, *default: Any) -> Any:
        if len(default) > 1:
            raise TypeError(f"pop expected at most 2 arguments, got {1 + len(default)}")
        place = self._findable(key)
        value = MISSING if place is None else self._take(place)
        if value is not MISSING:
            return self._found_value(value)
        if default:
            return default[0]
        raise KeyError(key)

    def popitem(self) -> tuple[Any, Any]:
        for key, _ in self._scan():
            found = self._found_key(key)
            if (value := self._take(key)) is not MISSING:  # no other process took it meanwhile
                return found, self._found_value(value)
        raise KeyError(f"popitem(): {self!r} is empty")

    def add(self, key: Any, *amount: Any) -> Any:
        """Adds to the number at `key` (0 if there is none) atomically; returns the sum.

        The amount is 1 unless it is given. In a mapping without values, add(key) adds the key.
        """
        most = 1 if self._kinds[1] is None else 2
        if len(amount) >= most:
            raise TypeError(f"add expected at most {most} argument{'s' if most > 1 else ''}, got {1 + len(amount)}")
        if self._kinds[1] is None:
            self[key] = None
            return None
        if not is_number(self._value_kind):
            raise TypeError(f"cannot add to values of kind '{self._value_kind}'")
        place = self._key(key)
        return self._increase(place, value_check("i64" if self._value_kind in RANGES else "f64")(*amount or (1,)))

    def _sum(self, raw: Any, amount: Any) -> Any:
        """The value `raw`, or 0 for MISSING, and `amount`; OverflowError if the sum does not fit."""
        try:
            return self._value_checked((0 if raw is MISSING else self._found_value(raw)) + amount)
        except OverflowError:
            raise OverflowError(f"the sum is out of range of kind '{self._value_kind}'") from None

    def __iter__(self) -> Iterator[Any]:
        return (self._found_key(key) for key, _ in self._scan())

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

    redis://[user:password@]host[:port][/db][?name=NAME] and unix://[user:password@]PATH[?db=N&name=NAME];
    rediss:// for TLS, where the host's name must be in the server's certificate, and `ca=FILE` is the
    certificate of who has to vouch for it instead of the system's. A Redis Cluster is recognised. A new
    mapping is laid out for `expect` entries; it may have more, but then each takes more memory. Needs
    python3-redis.

    sqlite:PATH for a file, or sqlite::memory: for a mapping in this process alone. A database that is
    not a store's is refused and stays as it is.

    `timeout` is how many seconds an answer may take, as a whole. Raises StoreError if the store cannot
    be reached, and ValueError if it holds something else under that name.
    """
    _check_kinds(key, value)
    scheme = url.partition(":")[0]
    if scheme in ("redis", "rediss", "unix"):
        from .store_redis import RedisStore

        return RedisStore(url, key, value, expect, timeout)
    if scheme == "sqlite":
        from .store_sqlite import SqliteStore

        return SqliteStore(url, key, value, expect, timeout)
    shown = repr(scheme) if scheme.isalnum() and "@" not in scheme else "so"
    raise ValueError(f"no store is called {shown}: it is redis://, rediss://, unix:// or sqlite:")
