"""The card of an administrator with a passkey, made by an authenticator in software."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from support.authenticator import ORIGIN, Authenticator

from keys.documents.approvals import PasskeyCard
from keys.primitives.passkey import Assertion, Site, creation_options, request_options, verify_registration

SITE = Site.at(ORIGIN)
NOW = 1_800_000_000
PSEUDONYM = "A" * 22


def signed(device: Authenticator, challenge: bytes) -> Assertion:
    """What a browser gives for a challenge."""
    return Assertion.from_browser(device.get(request_options(SITE, challenge)))


def card_of(device: Authenticator, **other: Any) -> PasskeyCard:
    """The card of a device."""
    asked = creation_options(SITE, b"c" * 32, service="TRM", person=b"p", name="Ana", held=[], synced=True)
    passkey = verify_registration(device.create(asked), site=SITE, challenge=b"c" * 32)
    about: dict[str, Any] = {
        "pseudonym": PSEUDONYM,
        "label": "Ana B.",
        "at": NOW,
        "site": SITE,
        "passkey": replace(passkey, synced=False),
    }
    about |= other
    return PasskeyCard.make(**about, assertion=signed(device, PasskeyCard.challenge(**about)))[0]
