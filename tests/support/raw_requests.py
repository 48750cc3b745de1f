"""Requests to a listening node as raw bytes, and what came back."""

from __future__ import annotations

import re

from support.federation import Party, Site

from gateway.federation.signing import fresh_nonce, sign_request

BODY = b"\x00\x00\x00\x02{}"
ENVELOPES = "application/vnd.nrm.envelopes.v2"


def signed_fields(
    site: Site, *, body: bytes = BODY, recipient: str = "", content_type: str = ENVELOPES, by: Party | None = None
) -> dict[str, str]:
    """The fields of a good POST /v1/messages of ``by`` (node alb)."""
    party = by or site.caller
    return sign_request(
        method="POST",
        authority=site.address.authority,
        path="/v1/messages",
        query="?",
        content_type=content_type,
        body=body,
        recipient=recipient or site.party.node,
        node=party.node,
        kid=party.http_kid,
        nonce=fresh_nonce(party.rand),
        created=site.clock.at,
        sign=party.sign_http,
    )


def raw(
    fields: dict[str, str],
    *extra: bytes,
    body: bytes = BODY,
    line: bytes = b"POST /v1/messages HTTP/1.1",
    length: bytes | None = None,
    host: bytes = b"Host: 127.0.0.1",
) -> bytes:
    """A request as bytes: ``extra`` are whole lines without their end, ``length`` a Content-Length line or nothing."""
    announced = b"Content-Length: %d" % len(body) if length is None else length
    lines = [line, host, *(f"{name}: {value}".encode() for name, value in fields.items()), announced, *extra]
    return b"\r\n".join(part for part in lines if part) + b"\r\n\r\n" + body


def status_of(answer: bytes) -> int:
    """The status of the first answer."""
    return int(answer.split(b" ", 2)[1])


def answers_in(answer: bytes) -> int:
    """How many answers came back."""
    return len(re.findall(rb"HTTP/[0-9.]+ [0-9]{3} ", answer))


def is_bare(answer: bytes) -> bool:
    """One answer without a body, a signature or the name of a program."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return body == b"" and b"ignature" not in head and b"aiohttp" not in head.lower() and b"ython" not in head
