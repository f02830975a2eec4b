"""The kinds of keys and values of neap.Map, for mappings in Redis and SQLite.

Neap's containers check kinds in C. Values for Redis or SQLite are checked here and raise the same
exceptions: TypeError for another type, OverflowError for a number that does not fit. What a store
returns is checked too, because another program may have written it.
"""

import math
import operator
import struct
from collections.abc import Callable
from typing import Any

# The least and the largest number of each integer kind.
RANGES = {f"i{bits}": (-(1 << bits - 1), (1 << bits - 1) - 1) for bits in (8, 16, 32, 64)}
RANGES |= {f"u{bits}": (0, (1 << bits) - 1) for bits in (8, 16, 32, 64)}
FLOATS = ("f32", "f64")
KINDS = ("str", "bytes", *RANGES, *FLOATS)


def _wrong_type(kind: str, takes: str, value: object) -> TypeError:
    return TypeError(f"kind '{kind}' takes {takes}, not '{type(value).__name__}'")


def _checked_text(value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type("str", "str", value)
    str.encode(value)  # raises UnicodeEncodeError for a lone surrogate, which no store can keep
    return str.__str__(value)  # of a subclass, the plain text


def _checked_bytes(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise _wrong_type("bytes", "bytes", value)
    return b"".join((value,))  # of a subclass, the plain bytes


def _checked_whole(kind: str) -> Callable[[Any], int]:
    low, high = RANGES[kind]

    def checked(value: Any) -> int:
        if not hasattr(type(value), "__index__"):
            raise _wrong_type(kind, "int", value)
        number = operator.index(value)
        if not low <= number <= high:
            raise OverflowError(f"kind '{kind}' takes {low} to {high}")
        return int(number)

    return checked


def rounded(number: float) -> float:
    """The number as f32 keeps it. OverflowError if that would be an infinity that it is not."""
    try:
        return struct.unpack("<f", struct.pack("<f", number))[0]
    except OverflowError:
        raise OverflowError("too large for kind 'f32'") from None


def _checked_float(kind: str) -> Callable[[Any], float]:
    def checked(value: Any) -> float:
        try:
            # It takes what C takes for a float, and unlike float() no text; adding 0 to the exponent changes nothing.
            number = math.ldexp(value, 0)
        except TypeError:
            raise _wrong_type(kind, "float", value) from None
        return rounded(number) if kind == "f32" else number

    return checked


def _checked_nothing(value: Any) -> None:
    if value is not None:
        raise _wrong_type("none", "None", value)


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "str": _checked_text, "bytes": _checked_bytes, "none": _checked_nothing,
    **{kind: _checked_float(kind) for kind in FLOATS}, **{kind: _checked_whole(kind) for kind in RANGES}}


def value_check(kind: str) -> Callable[[Any], Any]:
    """The function that converts a value to the form that this kind keeps, or raises."""
    return _CHECKS[kind]


def key_check(kind: str) -> Callable[[Any], Any]:
    """The same for a key: the two zeros are one key, and all NaNs are one."""
    checked = _CHECKS[kind]
    if kind not in FLOATS:
        return checked

    def checked_key(value: Any) -> float:
        number = checked(value)
        return math.nan if number != number else number + 0.0  # -0.0 + 0.0 is 0.0

    return checked_key


def is_kept(kind: str, value: Any) -> bool:
    """Whether `value` is exactly what the check of this kind may have returned."""
    if kind in RANGES:
        low, high = RANGES[kind]
        return type(value) is int and low <= value <= high
    if kind in FLOATS:
        if type(value) is not float:
            return False
        return kind == "f64" or value != value or math.isinf(value) or _is_single(value)
    return type(value) is {"str": str, "bytes": bytes, "none": type(None)}[kind]


def _is_single(number: float) -> bool:
    try:
        return rounded(number) == number
    except OverflowError:
        return False


def is_number(kind: str) -> bool:
    return kind in RANGES or kind in FLOATS
