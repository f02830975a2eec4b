"""The kinds of keys and values of neap.Map, for mappings in Redis and SQLite.

Neap's containers check kinds in C. Values for Redis or SQLite are checked here and raise the same
exceptions: TypeError for another type, OverflowError for a number that does not fit.
"""

import operator
import struct
from collections.abc import Callable
from typing import Any

# The least and the largest number of each integer kind.
RANGES = {f"i{bits}": (-(1 << bits - 1), (1 << bits - 1) - 1) for bits in (8, 16, 32, 64)}
RANGES |= {f"u{bits}": (0, (1 << bits) - 1) for bits in (8, 16, 32, 64)}
KINDS = ("str", "bytes", *RANGES, "f32", "f64")


def _wrong_type(kind: str, takes: str, value: object) -> TypeError:
    return TypeError(f"kind '{kind}' takes {takes}, not '{type(value).__name__}'")


def _checked_text(value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type("str", "str", value)
    value.encode()  # raises UnicodeEncodeError for a lone surrogate, which no store can keep
    return value


def _checked_bytes(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise _wrong_type("bytes", "bytes", value)
    return value


def _checked_whole(kind: str) -> Callable[[Any], int]:
    low, high = RANGES[kind]

    def checked(value: Any) -> int:
        try:
            number = operator.index(value)
        except TypeError:
            raise _wrong_type(kind, "int", value) from None
        if not low <= number <= high:
            raise OverflowError(f"kind '{kind}' takes {low} to {high}")
        return int(number)

    return checked


def _checked_float(value: Any) -> float:
    if isinstance(value, (str, bytes)):
        raise _wrong_type("f64", "float", value)
    try:
        return float(value)
    except TypeError:
        raise _wrong_type("f64", "float", value) from None


def _checked_small_float(value: Any) -> float:
    if isinstance(value, (str, bytes)):
        raise _wrong_type("f32", "float", value)
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        raise OverflowError("too large for kind 'f32'") from None
    except struct.error:
        raise _wrong_type("f32", "float", value) from None


def _checked_nothing(value: Any) -> None:
    if value is not None:
        raise _wrong_type("none", "None", value)


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "str": _checked_text, "bytes": _checked_bytes, "f32": _checked_small_float, "f64": _checked_float,
    "none": _checked_nothing, **{kind: _checked_whole(kind) for kind in RANGES}}


def check_of(kind: str) -> Callable[[Any], Any]:
    """The function that converts a value to the form that this kind keeps, or raises."""
    return _CHECKS[kind]


def is_number(kind: str) -> bool:
    return kind in RANGES or kind in ("f32", "f64")
