"""The PROXY protocol, versions 1 and 2: the line or block before TLS in which a front names the caller. Pure.

    missing   how many bytes have to be read next, so that none behind the header is
    parse     whose address a whole header names

TCP alone is understood, over IPv4 and IPv6. Extensions of version 2 are skipped: nothing here depends on them. Each
step of reading costs the same however much was read, and the length is bounded.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from gateway.errors import Code, RemoteError

BEGINNING = 12
"""Bytes that tell the versions apart; no header of either is shorter."""
LONGEST_LINE = 107
"""Of version 1, with its end: the longest that its description allows."""
LONGEST_BLOCK = 1_024
"""Of version 2, behind its first 16 bytes; addresses have 36, and the extensions of HAProxy fit many times."""

_BLOCK = b"\r\n\r\n\x00\r\nQUIT\n"
_BLOCK_HEAD = 16
_LINE = b"PROXY "
_LOCAL, _PROXIED = 0x20, 0x21
_UNSPECIFIED, _TCP4, _TCP6 = 0x00, 0x11, 0x21
_PORT = re.compile(r"0|[1-9][0-9]{0,4}")


def missing(got: bytes | bytearray) -> int:
    """Return how many bytes may be read next without reading behind the header; 0: it is whole.

    Raises RemoteError(malformed) as soon as it can be no header, or is too long.
    """
    length = len(got)
    if length < BEGINNING:
        return BEGINNING - length
    if got.startswith(_BLOCK):
        if length < _BLOCK_HEAD:
            return _BLOCK_HEAD - length
        rest = int.from_bytes(got[14:16], "big")
        if rest > LONGEST_BLOCK:
            raise RemoteError(Code.MALFORMED, f"PROXY header is longer than {_BLOCK_HEAD + LONGEST_BLOCK} bytes")
        return _BLOCK_HEAD + rest - length
    if not got.startswith(_LINE):
        raise RemoteError(Code.MALFORMED, "connection does not begin with a PROXY header")
    if got.endswith(b"\n"):
        return 0
    if length >= LONGEST_LINE:
        raise RemoteError(Code.MALFORMED, f"PROXY header is longer than {LONGEST_LINE} bytes")
    return 1  # one by one: the end of the line is known when it is there


def parse(header: bytes) -> str | None:
    """Return the caller's address of a whole header, in one spelling; None where the front speaks for itself.

    Raises RemoteError(malformed).
    """
    try:
        return _parse_block(header) if header.startswith(_BLOCK) else _parse_line(header.decode("ascii"))
    except (AddressValueError, UnicodeDecodeError) as exc:
        raise RemoteError(Code.MALFORMED, "PROXY header names no address") from exc


def _parse_block(header: bytes) -> str | None:
    command, family, addresses = header[12], header[13], header[_BLOCK_HEAD:]
    if command == _LOCAL or (command == _PROXIED and family == _UNSPECIFIED):
        return None
    if command == _PROXIED and family == _TCP4 and len(addresses) >= 12:
        return str(IPv4Address(addresses[:4]))
    if command == _PROXIED and family == _TCP6 and len(addresses) >= 36:
        return str(IPv6Address(addresses[:16]))
    raise RemoteError(Code.MALFORMED, "PROXY header is none of TCP")


def _parse_line(line: str) -> str | None:
    words = line.removesuffix("\r\n").split(" ")
    if len(words) > 1 and line.endswith("\r\n") and words[1] == "UNKNOWN":
        return None
    if len(words) != 6 or not line.endswith("\r\n") or words[1] not in ("TCP4", "TCP6") or "%" in line:
        raise RemoteError(Code.MALFORMED, "PROXY header is none of TCP")
    caller, _called = (IPv4Address(word) if words[1] == "TCP4" else IPv6Address(word) for word in words[2:4])
    if not all(_PORT.fullmatch(port) and int(port) <= 65_535 for port in words[4:]):
        raise RemoteError(Code.MALFORMED, "PROXY header names no port")
    return str(caller)
