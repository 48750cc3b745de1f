"""Signing by the HTTP signature profile: the text that is written, and arguments that no verifier would take."""

from __future__ import annotations

from typing import Any

import pytest
from support.federation import NOW, Party

from gateway.federation.signing import fresh_nonce, sign_request

ALB, BEL = Party("alb"), Party("bel")
NONCE = "AAECAwQFBgcICQoLDA0ODw"


def signed(**changes: Any) -> dict[str, str]:
    """The fields of a good request of alb to bel, with some arguments changed."""
    arguments: dict[str, Any] = {
        "method": "POST",
        "authority": "bel.example:8443",
        "path": "/v1/messages",
        "query": "?",
        "content_type": "application/vnd.nrm.envelopes.v2",
        "body": b"\x00\x00\x00\x02{}",
        "recipient": BEL.node,
        "node": ALB.node,
        "kid": ALB.http_kid,
        "nonce": NONCE,
        "created": NOW,
        "sign": ALB.sign_http,
    }
    return sign_request(**{**arguments, **changes})


def test_the_fields_are_written_exactly_as_the_profile_says() -> None:
    """The text of Signature-Input, letter by letter."""
    assert signed()["Signature-Input"] == (
        'nrm=("@method" "@authority" "@path" "@query" "content-type" "content-digest" "nrm-recipient")'
        f';created={NOW};expires={NOW + 120};nonce="{NONCE}";keyid="{ALB.node}:{ALB.http_kid}";tag="nrm-node/1"'
    )


def test_a_nonce_is_sixteen_random_bytes() -> None:
    """A nonce has one spelling: base64url of what the source of randomness gave."""
    assert fresh_nonce(lambda size: bytes(range(size))) == NONCE


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "short"},
        {"recipient": "bel"},
        {"node": "n1"},
        {"kid": 'x"y'},
        {"life": 121},
        {"life": 0},
        {"path": "v1/messages"},
        {"query": "x=1"},
        {"content_type": "text/plain\nX: y"},
        {"content_type": "texté"},
        {"sign": lambda base: b"short"},
    ],
    ids=lambda change: (
        ", ".join(f"{name}={value!r}" for name, value in change.items() if not callable(value)) or "sign"
    ),
)
def test_arguments_outside_the_profile_are_our_fault(change: dict[str, Any]) -> None:
    """What cannot be verified is never sent: a programming error, not a refusal."""
    with pytest.raises(RuntimeError):
        signed(**change)
