"""One way to write each thing (nrm1 1): restricted RFC 8785 JSON, base64url, hashes with labels, length prefixes.

A document from outside is read in this order (nrm1 1.3), and nothing is believed before the last step:
  1. size         ``parse(limit=...)``
  2. depth        byte scan, before any parser runs
  3. JSON parser
  4. ``canon(value) == bytes``: refuses duplicate keys, escapes, white space, floats, -0, a BOM, big integers
  5. exact member set, ``exact``: an unknown member is refused
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import orjson

from gateway.errors import Code, RefusedError, RemoteError
from gateway.ports import Json as Json
from keys.primitives.domains import LABELS, PREFIX

MAX_DEPTH: Final = 24  # nrm1 1.2
MAX_INT: Final = 2**53 - 1  # nrm1 1.2
LONGEST_NAME: Final = 64  # nrm1 1.2, characters of a member name
SKEW: Final = 300  # nrm1 1.6, seconds
DAY: Final = 86_400  # seconds
DOCUMENT_LIMIT: Final = 200_000  # bytes of a signed document, hence of any payload or frame (nrm1 1.10)

Check = Callable[[Json], bool]

_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")
_LAST_DIGIT: Final = {0: "[A-Za-z0-9_-]", 1: "[AQgw]", 2: "[AEIMQUYcgkosw048]"}
"""By the number of bytes modulo three: what the last digit may be, since the bits that say nothing are zero."""

# An unterminated string is taken up to the end, so that no quote is ever tried twice; the parser refuses it.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_PLAIN: Final = (str, bool, type(None))
_TO_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
# Controls, line separators, bidi controls, invisible and tag characters; fixed, so that every release judges alike.
_INVISIBLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def malformed(what: str) -> RemoteError:
    """The error of every shape that is not as the protocol says."""
    return RemoteError(Code.MALFORMED, what)


# --- canonical JSON ----------------------------------------------------------------------------------------------


def canon(value: Json) -> bytes:
    """Write `value` in the one allowed spelling (nrm1 1.2). Raises RefusedError(invalid) for what it forbids."""
    fault = _fault(value)
    if fault:
        raise RefusedError(Code.INVALID, fault)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as exc:  # a lone surrogate
        raise RefusedError(Code.INVALID, "text is not unicode") from exc


def parse(data: bytes, *, limit: int) -> Json:
    """Read a protocol object strictly: steps 1 to 4 of the module. `limit` in bytes.

    Raises RemoteError(too_large) beyond `limit`, RemoteError(malformed) for everything else.
    """
    if len(data) > limit:
        raise RemoteError(Code.TOO_LARGE, f"more than {limit} bytes")
    if _too_deep(data):
        raise malformed(f"nested deeper than {MAX_DEPTH}")
    try:
        value: Json = orjson.loads(data)
        same = canon(value) == data
    except orjson.JSONDecodeError as exc:
        raise malformed("not JSON") from exc
    except RefusedError as exc:
        raise malformed(exc.what) from exc
    if not same:
        raise malformed("not in canonical form")
    return value


def parse_payload(data: bytes) -> Json:
    """Read signed bytes or a frame. Raises RemoteError(malformed), also when larger than any document may be."""
    if len(data) > DOCUMENT_LIMIT:
        raise malformed("payload is larger than a document may be")
    return parse(data, limit=DOCUMENT_LIMIT)


def _fault(value: Json) -> str | None:
    """Why `value` is outside of the profile, or None. Level by level: it looks at every value of every document."""
    level: list[Json] = [value]
    for depth in range(MAX_DEPTH + 1):
        below: list[Json] = []
        for item in level:
            if isinstance(item, _PLAIN):
                continue
            if isinstance(item, int):
                if not -MAX_INT <= item <= MAX_INT:
                    return "integer out of range"
            elif not isinstance(item, (list, dict)):
                return f"no JSON type of the profile: {type(item).__name__}"
            elif depth == MAX_DEPTH:
                return f"nested deeper than {MAX_DEPTH}"
            elif isinstance(item, list):
                below += item
            elif _named(item):
                below += item.values()
            else:
                return "member name is not 1 to 64 printable ascii characters"
        if not below:
            break
        level = below
    return None


def _named(members: Mapping[str, Json]) -> bool:
    """All names at once: a name of an object is looked at for each document that goes or comes."""
    try:
        names = "".join(members)
    except TypeError:  # a name that is no text
        return False
    if not (names.isascii() and names.isprintable()) or "" in members:
        return False
    return len(names) <= LONGEST_NAME or max(map(len, members)) <= LONGEST_NAME


def _too_deep(data: bytes) -> bool:
    """Count nesting without a parser: each pass removes the innermost brackets. Unbalanced input counts as too deep.

    What has not even that many brackets, in strings or not, is not looked at more closely; the parser refuses the rest.
    """
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return False
    rest = _STRING.sub(b"", data).translate(_TO_BRACKETS, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not rest:
            break
        rest = rest.replace(b"[]", b"")
    return bool(rest)


# --- base64url, hashes, lengths ----------------------------------------------------------------------------------


def b64u(data: bytes) -> str:
    """Base64url without padding (nrm1 1.4)."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL, b"=").decode("ascii")


def unb64u(text: Json, size: int | None = None) -> bytes:
    """Read base64url; only the one spelling of the bytes is accepted, and only `size` bytes where it is given.

    Raises RemoteError(malformed).
    """
    if not isinstance(text, str):
        raise malformed("base64url is not text")
    try:
        data = binascii.a2b_base64(text.encode("ascii").translate(_FROM_URL) + b"=" * (-len(text) % 4))
    except ValueError as exc:
        raise malformed("not base64url") from exc
    if b64u(data) != text:
        raise malformed("not the one spelling of base64url")
    if size is not None and len(data) != size:
        raise malformed(f"expected {size} bytes, got {len(data)}")
    return data


def same(a: str, b: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(a.encode(), b.encode())


def sha256(data: bytes) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(data).digest()


def sha256_hex(data: bytes) -> str:
    """SHA-256 as 64 lower-case hexadecimal digits, the form of schema hashes."""
    return hashlib.sha256(data).hexdigest()


def h(label: str, data: bytes) -> bytes:
    """H(label, x) = SHA-256("nrm1/" || label || 0x00 || x), 32 bytes (nrm1 1.7). The labels are a closed set."""
    return labelled(label)(data)


def labelled(label: str) -> Callable[[bytes], bytes]:
    """H of one label, for many values."""
    if label not in LABELS:
        raise RuntimeError(f"unknown hash label {label!r}")
    begin = PREFIX + label.encode() + b"\0"
    return lambda data: hashlib.sha256(begin + data).digest()


def expand(label: str, data: bytes, size: int) -> bytes:
    """X(label, x, n): the first `size` bytes of SHAKE256("nrm1/" || label || 0x00 || x) (nrm1 1.7)."""
    if label not in LABELS:
        raise RuntimeError(f"unknown hash label {label!r}")
    return hashlib.shake_256(PREFIX + label.encode() + b"\0" + data).digest(size)


def lp(data: bytes) -> bytes:
    """LP(x) = u32 length, big-endian, then x (nrm1 1.8)."""
    return len(data).to_bytes(4, "big") + data


def lp_join(*parts: bytes) -> bytes:
    """LP of each part, one after the other."""
    return b"".join(lp(part) for part in parts)


def lp_read(data: bytes, offset: int = 0) -> tuple[bytes, int]:
    """One frame at `offset` and the offset behind it. Raises RemoteError(malformed) when it is cut short."""
    start = offset + 4
    end = start + int.from_bytes(data[offset:start], "big")
    if start > len(data) or end > len(data):
        raise malformed("frame is cut short")
    return data[start:end], end


def lp_split(data: bytes, count: int | None, limit: int, *, most: int = 1024) -> tuple[bytes, ...]:
    """All frames of `data`, which must end behind the last one: exactly `count`, or 1 to `most` where it is None.

    `limit` is the most bytes of one frame. Raises RemoteError(malformed).
    """
    frames: list[bytes] = []
    offset = 0
    while offset < len(data):
        frame, offset = lp_read(data, offset)
        frames.append(frame)
        if len(frames) > (most if count is None else count):
            raise malformed("too many frames")
        if len(frame) > limit:
            raise malformed("frame is too large")
    if not frames or (count is not None and len(frames) != count):
        raise malformed("too few frames")
    return tuple(frames)


def padme(size: int) -> int:
    """The padded length of `size` bytes: Padme (Nikitin et al., PETS 2019); it tells at most log log of the size."""
    if size < 2:
        return size
    exponent = size.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (size + mask) & ~mask


# --- exact members -----------------------------------------------------------------------------------------------


def exact(value: Json, members: Mapping[str, Check], *, what: str) -> dict[str, Json]:
    """`value` as an object that has exactly `members`, each as its check says (nrm1 1.3).

    Raises RemoteError(malformed) that names `what` and the member, never a value and never an unknown name.
    """
    if not isinstance(value, dict):
        raise malformed(f"{what} is not an object")
    if value.keys() - members.keys():
        raise malformed(f"{what} has an unknown member")
    for name, check in members.items():
        if name not in value:
            raise malformed(f"{what} lacks {name}")
        if not check(value[name]):
            raise malformed(f"{what}.{name} is malformed")
    return value


def is_int(low: int = 0, high: int = MAX_INT) -> Check:
    """An integer, not a boolean, from `low` to `high`, both included."""
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def is_str(pattern: str | None = None, maxlen: int = 4096) -> Check:
    """Text of at most `maxlen` characters that matches `pattern` as a whole."""
    compiled = re.compile(pattern, re.ASCII) if pattern is not None else None

    def check(value: Json) -> bool:
        return isinstance(value, str) and len(value) <= maxlen and (compiled is None or bool(compiled.fullmatch(value)))

    return check


def is_line(low: int, high: int) -> Check:
    """One line for people, `low` to `high` characters, without controls, bidi controls and invisible characters."""
    return lambda value: isinstance(value, str) and low <= len(value) <= high and not _INVISIBLE.search(value)


def is_b64u(size: int) -> Check:
    """Base64url of exactly `size` bytes, in its one spelling: what `unb64u` reads, known by its digits alone."""
    digits = -(-size * 8 // 6)
    return is_str(rf"[A-Za-z0-9_-]{{{digits - 1}}}{_LAST_DIGIT[size % 3]}", digits)


is_id: Final[Check] = is_b64u(16)  # ids and kids: 22 characters
is_hash: Final[Check] = is_b64u(32)  # 43 characters


is_node: Final[Check] = is_str(r"n1[a-z2-7]{32}", 34)
is_code: Final[Check] = is_str(r"[a-z][a-z0-9_]{0,47}", 48)
is_count: Final[Check] = is_int(1)


def is_object(value: Json) -> bool:
    """An object whose members are checked by its own parser."""
    return isinstance(value, dict)


def nullable(check: Check) -> Check:
    """null, or what `check` accepts."""
    return lambda value: value is None or check(value)


def one_of(*values: str) -> Check:
    """One of these texts."""
    return lambda value: isinstance(value, str) and value in values


def list_of(check: Check, low: int, high: int, *, distinct: bool = False) -> Check:
    """An array of `low` to `high` items that `check` accepts; `distinct` for texts and integers that occur once."""

    def accepts(value: Json) -> bool:
        if not isinstance(value, list) or not low <= len(value) <= high or not all(map(check, value)):
            return False
        return not distinct or len(set(map(repr, value))) == len(value)

    return accepts


# --- from checked JSON to types ----------------------------------------------------------------------------------


def text(value: Json) -> str:
    """A member that its check has proven to be text."""
    if not isinstance(value, str):
        raise TypeError("member was not checked to be text")
    return value


def number(value: Json) -> int:
    """A member that its check has proven to be an integer."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("member was not checked to be an integer")
    return value


def items(value: Json) -> Sequence[Json]:
    """A member that its check has proven to be an array."""
    if not isinstance(value, list):
        raise TypeError("member was not checked to be an array")
    return value


def texts(value: Json) -> tuple[str, ...]:
    """A member that its check has proven to be an array of texts."""
    return tuple(text(item) for item in items(value))


def numbers(value: Json) -> tuple[int, ...]:
    """A member that its check has proven to be an array of integers."""
    return tuple(number(item) for item in items(value))


def maybe_bytes(value: Json) -> bytes | None:
    """A nullable member that its check has proven to be base64url."""
    return None if value is None else unb64u(value)


def maybe_text(value: Json) -> str | None:
    """A nullable text."""
    return None if value is None else text(value)
