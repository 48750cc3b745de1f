"""A true envelope from A to B, and what an attacker makes of it, for the tests of the incoming procedure."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from support.batches import prove
from support.endpoints import edited, example, files_for, open_envelope, seal_for, type_of
from support.nodes import NOW, Node
from support.receiving import Sender, pack

import schemas
from gateway.attachments.rules import lengths
from gateway.messages.types import AuthenticStatement
from keys.documents import envelope as wire
from keys.primitives.domains import STATEMENT
from keys.primitives.encoding import canon
from keys.primitives.hybrid_keys import Signature

A, B, C = Node("a"), Node("b"), Node("c")
SENDER = Sender(node=A, to=B)
STATED = SENDER.statement()
SEALED = SENDER.seal(STATED)
ENVELOPE = wire.parse_envelope(SEALED)
_FOR_TWO = replace(STATED, rcp=(B.enc.kid, C.enc.kid))
TWO = seal_for(_FOR_TWO, pack(SENDER.frames(_FOR_TWO.encode())), [B.enc, C.enc], [b"k" * 32] * 2)
PART = wire.SecretPart(n=0, name="x", media="text/plain", size=1, key=b"k" * 32, sha256=b"h" * 32)


def arrive(
    data: bytes, *, now: int = NOW, sender: Node = A, to: Node = B, signer: Node | None = None
) -> AuthenticStatement:
    """Steps 4 to 11 at `to`, which takes the envelope for one of `sender`."""
    by = (signer or sender).first().node
    return open_envelope(data, own=to.first(), sender=sender.first(), keys=[to.enc], signer=by, now=now)


def sealed(inner: bytes, statement: wire.Statement = STATED) -> bytes:
    """An envelope over an inner of the attacker's making."""
    return SENDER.seal(statement, inner)


def framed(statement: wire.Statement, **frames: bytes) -> bytes:
    """An envelope whose inner frames lie as `frames` say."""
    return SENDER.seal(statement, pack(SENDER.frames(statement.encode(), **frames)))


def signatures(*signed: Signature) -> bytes:
    """What proves the statement, with these signatures."""
    true = prove(A.sig, STATEMENT, STATED.encode())
    return edited(true, lambda value: value.update(signatures=[one.to_json() for one in signed]))


def authentic(body: bytes, held: str, **stated: Any) -> AuthenticStatement:
    """An authentic statement over these bytes, of the held type `held` but for what `stated` says; with the files that
    the body names.
    """
    try:
        content = json.loads(body)["content"]
    except (ValueError, TypeError, KeyError):
        content = {}
    files = files_for(schemas.list_parts(held, content))
    secret = replace(wire.Secret.parse(SENDER.secret), parts=files).encode()
    usual: dict[str, Any] = {
        "body_type": held,
        "schema": schemas.load_catalogue().get(held).schema,
        "parts": lengths(files),
    }
    statement = SENDER.statement(**{**usual, "commit": wire.compute_commitment(secret, body), **stated})
    return arrive(framed(statement, body=body, secret=secret))


def said(name: str, change: Any = lambda body: None, **stated: Any) -> AuthenticStatement:
    """An authentic statement over an example body with `change` applied."""
    body = example(name, B.first().node)
    change(body)
    return authentic(canon(body), type_of(name), **stated)
