"""Envelopes that are not in the one form: size, depth, spelling, ids (threats 21 to 26)."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest
from support.endpoints import edited
from support.incoming import ENVELOPE, SEALED, SENDER, B, arrive
from support.nodes import NOW, refused

from gateway.delivery.inbound import steps
from gateway.errors import Code
from keys.documents.envelope import MESSAGE_LIFE


def test_row_21_too_large() -> None:
    """The size is looked at before anything else."""
    with refused(Code.TOO_LARGE):
        steps.read_envelope(b"{" * 1_500_001)
    with refused(Code.TOO_LARGE):
        steps.read_envelope(edited(SEALED, lambda value: value.update(ct="A" * 1_500_000)))


def test_row_22_compressed() -> None:
    """Nothing is ever decompressed: a small gzip is not JSON."""
    with refused(Code.MALFORMED):
        steps.read_envelope(gzip.compress(SEALED))


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        SEALED.replace(b'"parts":[]', b'"parts":[' + b"9" * 400_000 + b"]"),
        SEALED.replace(b'"parts":[]', b'"parts":[9007199254740992]'),
        SEALED.replace(b'"parts":[]', b'"parts":[-1]'),
    ],
    ids=["open", "deep array", "deep object", "huge integer", "2**53", "negative"],
)
def test_row_23_nesting_and_integers(data: bytes) -> None:
    """Depth is counted before a parser runs; integers have one range."""
    with refused(Code.MALFORMED):
        steps.read_envelope(data)


@pytest.mark.parametrize(
    "data",
    [
        SEALED.replace(b'"v":"nrm1"', b'"v":"nrm1","v":"nrm1"'),
        SEALED.replace(b'"v":"nrm1"', b'"v":"nrm1","\\u0076":"nrm1"'),
        SEALED.replace(b'"nrm1"', b'"\\u006erm1"'),
        SEALED.replace(b'"parts":[]', b'"parts": []'),
        SEALED + b"\n",
        b"\xef\xbb\xbf" + SEALED,
        SEALED.decode().encode("utf-16"),
        SEALED.replace(b'"parts":[]', b'"parts":[1.0]'),
        SEALED.replace(b'"parts":[]', b'"parts":[1e3]'),
        SEALED.replace(b'"parts":[]', b'"parts":[NaN]'),
        SEALED.replace(b'"parts":[]', b'"parts":[-0]'),
        SEALED.replace(b'"parts":[]', b'"parts":[true]'),
        b'{"v":"nrm1",' + SEALED[1:].replace(b',"v":"nrm1"', b""),
        b"",
        b"null",
        b"[]",
        b"\xff",
    ],
    ids=[
        "duplicate",
        "escaped duplicate",
        "escape",
        "space",
        "newline",
        "bom",
        "utf-16",
        "float",
        "exponent",
        "nan",
        "minus zero",
        "true",
        "order",
        "empty",
        "null",
        "array",
        "not utf-8",
    ],
)
def test_row_24_one_spelling(data: bytes) -> None:
    """What is not in the one canonical spelling is refused before its members are looked at."""
    with refused(Code.MALFORMED):
        steps.read_envelope(data)


def respelled(text: str) -> str:
    """The same bytes in base64url with other trailing bits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(text) % 4, "a length that leaves trailing bits"
    return text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(id=respelled(value["id"])),
        lambda value: value["rcp"][0].update(kid=respelled(value["rcp"][0]["kid"])),
        lambda value: value["rcp"][0].update(enc=respelled(value["rcp"][0]["enc"])),
        lambda value: value.update(ct=value["ct"] + "="),
        lambda value: value.update(ct=value["ct"].replace("-", "+").replace("_", "/")),
        lambda value: value.update(ct=value["ct"] + "\n"),
        lambda value: value.update(id=value["id"] + "=="),
    ],
    ids=["id", "kid", "enc", "padding", "other alphabet", "newline", "padded id"],
)
def test_row_25_base64_has_one_spelling(change: Callable[[Any], object]) -> None:
    """Trailing bits, padding and the other alphabet are refused."""
    with refused(Code.MALFORMED):
        steps.read_envelope(edited(SEALED, change))


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(to="n1" + "\N{CYRILLIC SMALL LETTER A}" * 32),
        lambda value: value.update(id=value["id"][:-1] + "\N{FULLWIDTH DIGIT ONE}"),
        lambda value: value.update(to=value["to"] + "\u200b"),
    ],
    ids=["cyrillic", "fullwidth", "invisible"],
)
def test_row_26_ids_are_ascii(change: Callable[[Any], object]) -> None:
    """Nothing that looks like an id passes for one."""
    with refused(Code.MALFORMED):
        steps.read_envelope(edited(SEALED, change))


def test_an_envelope_expires_to_the_second() -> None:
    """Before any key is looked for, and 300 seconds after the hour that it names: clocks may differ by so much."""
    node = B.first().node
    steps.check_address(ENVELOPE, own_node=node, now=ENVELOPE.exp + 299)
    with refused(Code.EXPIRED):
        steps.check_address(ENVELOPE, own_node=node, now=ENVELOPE.exp + 300)


@pytest.mark.parametrize(
    ("created", "expires", "code"),
    [
        (NOW + 300, NOW + 301, None),
        (NOW + 301, NOW + 302, Code.NOT_YET_VALID),
        (NOW - 300, NOW - 299, None),
        (NOW - 301, NOW - 300, Code.EXPIRED),
        (NOW, NOW, Code.MALFORMED),
        (NOW, NOW + MESSAGE_LIFE, None),
        (NOW, NOW + MESSAGE_LIFE + 1, Code.MALFORMED),
    ],
    ids=["a little ahead", "of the future", "just over", "expired", "no life", "the longest life", "a longer life"],
)
def test_a_statement_is_of_its_time_to_the_second(created: int, expires: int, code: Code | None) -> None:
    """Clocks may differ by 300 seconds, and a statement lives for a second at least and `MESSAGE_LIFE` at most."""
    stated = SENDER.statement(created=created, expires=expires)
    if code is None:
        assert arrive(SENDER.seal(stated)).statement == stated
        return
    with refused(code, "statement"):
        arrive(SENDER.seal(stated))
