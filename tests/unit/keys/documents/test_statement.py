"""keys.documents.statement: the signed statement and the secret beside it, member by member (nrm1 3.2)."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from support.nodes import Node, refused
from support.receiving import Sender

from gateway.errors import Code
from keys.documents import envelope as wire
from keys.primitives.encoding import b64u, canon

SENDER = Sender(node=Node("a"), to=Node("b"))
STATED = SENDER.statement()
PART = wire.SecretPart(n=0, name="report.pdf", media="application/pdf", size=3, key=b"k" * 32, sha256=b"h" * 32)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("type", "nrm.void/1"),
        ("id", "AA"),
        ("from", "a"),
        ("from_desc", 0),
        ("to_desc", True),
        ("rcp", []),
        ("rcp", ["A" * 22] * 2),
        ("epoch", 0),
        ("n", 0),
        ("n", 2),
        ("prev", "A" * 43),
        ("conv", None),
        ("reply_to", "x"),
        ("created", -1),
        ("created", 1.5),
        ("body_type", "referral.request"),
        ("body_type", "Referral/1"),
        ("body_type", "referral.request/0"),
        ("schema", "sha256:" + "A" * 64),
        ("purpose", "Two Words"),
        ("purpose", ""),
        ("commit", "AA"),
        ("parts", [-1]),
        ("suite", "none"),
        ("alg", "x"),
    ],
    ids=str,
)
def test_malformed_statement(place: str, value: object) -> None:
    """nrm1 3.2: a wrong or unknown member of a statement is malformed, and so is `prev` anywhere but after 1."""
    data = orjson.dumps({**orjson.loads(STATED.encode()), place: value}, option=orjson.OPT_SORT_KEYS)
    with refused(Code.MALFORMED):
        wire.Statement.parse(data)


def test_statement_with_prev() -> None:
    """From number 2 on a statement names the link hash of the one before, which does not depend on its sealing."""
    link = wire.link_hash(epoch=1, n=1, id=STATED.id, commit=STATED.commit, prev=None)
    assert link == STATED.link == replace(STATED, created=STATED.created + 1, from_desc=2).link
    second = SENDER.statement(n=2, prev=link, reply_to=STATED.id, purpose=None)
    assert wire.Statement.parse(second.encode()) == second
    assert link != second.link


def test_flaw_10_two_contents_under_one_number_have_two_links() -> None:
    """What comes after a number names what was said under it; a number without content has a link of its own."""
    other = replace(STATED, commit="A" * 43)
    void = wire.Void(id=STATED.id, from_=STATED.from_, to=STATED.to, epoch=1, n=1, commit=None, prev=None, created=1)
    assert len({STATED.link, other.link, void.link}) == 3
    assert replace(void, commit=STATED.commit).link == STATED.link


def test_secret_round_trip() -> None:
    """Salt and parts are read back, and print as <redacted>."""
    secret = wire.Secret(salt=b"s" * 32, parts=(PART, replace(PART, n=1)))
    assert wire.Secret.parse(secret.encode()) == secret
    assert f"{secret}{PART}" == "<redacted><redacted>"


def test_malformed_secret() -> None:
    """Parts are numbered from 0, the salt has 32 bytes, nothing else is there."""
    for secret in (wire.Secret(salt=b"s" * 31), wire.Secret(salt=b"s" * 32, parts=(replace(PART, n=1),))):
        with refused(Code.MALFORMED):
            wire.Secret.parse(secret.encode())
    with refused(Code.MALFORMED, "unknown member"):
        wire.Secret.parse(canon({"salt": b64u(b"s" * 32), "parts": [], "more": 1}))
