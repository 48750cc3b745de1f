"""How values are written in calls to a key service: length-prefixed, binary, without a detour through text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from keys.primitives.encoding import lp_join, lp_read, malformed

T = TypeVar("T")


@dataclass(frozen=True)  # with slots a generic one cannot be made in Python 3.11
class Codec(Generic[T]):
    """One kind of value; `read` raises RemoteError or ValueError for bytes that ``write`` does not make."""

    write: Callable[[T], bytes]
    read: Callable[[bytes], T]


def _whole(size: int, data: bytes) -> bytes:
    if len(data) != size:
        raise malformed("value has the wrong size")
    return data


def many(item: Codec[T]) -> Codec[tuple[T, ...]]:
    """Any number of values of one kind, in order."""

    def read(data: bytes) -> tuple[T, ...]:
        return tuple(item.read(part) for part in parts_of(data))

    return Codec(lambda values: lp_join(*map(item.write, values)), read)


def maybe(item: Codec[T]) -> Codec[T | None]:
    """A value or None."""
    return Codec(
        lambda value: b"" if value is None else b"\1" + item.write(value),
        lambda data: None if not data else item.read(data.removeprefix(b"\1")),
    )


def row(*items: Codec[Any]) -> Codec[tuple[Any, ...]]:
    """A tuple of one value of each kind."""

    def write(values: tuple[Any, ...]) -> bytes:
        return lp_join(*(item.write(value) for item, value in zip(items, values, strict=True)))

    def read(data: bytes) -> tuple[Any, ...]:
        return tuple(item.read(part) for item, part in zip(items, parts_of(data), strict=True))

    return Codec(write, read)


def record(kind: Callable[..., T], **members: Codec[Any]) -> Codec[T]:
    """An object with these members."""
    inner = row(*members.values())
    return Codec(
        lambda value: inner.write(tuple(getattr(value, name) for name in members)),
        lambda data: kind(**dict(zip(members, inner.read(data), strict=True))),
    )


def parts_of(data: bytes) -> list[bytes]:
    """Split what ``lp_join`` wrote. Raises RemoteError(malformed)."""
    found, offset = [], 0
    while offset < len(data):
        part, offset = lp_read(data, offset)
        found.append(part)
    return found


BYTES: Final = Codec[bytes](bytes, bytes)
TEXT: Final = Codec[str](str.encode, lambda data: data.decode())
NUMBER: Final = Codec[int](
    lambda value: value.to_bytes(8, "big", signed=True),
    lambda data: int.from_bytes(_whole(8, data), "big", signed=True),
)
FLAG: Final = Codec[bool](lambda value: bytes([value]), lambda data: _whole(1, data) == b"\1")
NOTHING: Final = Codec[None](lambda _: b"", lambda data: None if not data else _no(data))


def _no(data: bytes) -> None:
    _whole(0, data)
