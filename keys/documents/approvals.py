"""Administrators with a passkey, and approvals of either kind (nrm1 8.16).

`keys.documents.change` has the signed documents of an administrator with a key file. These two are their counterparts
with WebAuthn signatures:

    nrm.admin-passkey/1   a person's passkey under a pseudonym; the signature in it, over the hash of all the rest,
                          proves that they hold it, were verified, and that it stays in its device
    nrm.assertion/1       "I approve the change": the challenge that was signed is the hash of the change's bytes

    challenge of a card       H("admin", card)
    challenge of an approval  H("approve", change), or H("approve_now", change) to ask for no delay

A card names the site of its passkey, so that each approval can be verified years later from its own bytes, its card and
the change. The time of an approval is asserted by the node: unlike a key file, an authenticator signs no time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import KeyId
from gateway.ports import Json
from keys.documents.admin_card import AdminCard
from keys.documents.change import Approval, Change, is_bool
from keys.primitives.domains import APPROVAL, APPROVAL_1
from keys.primitives.encoding import (
    DOCUMENT_LIMIT,
    Check,
    b64u,
    canon,
    exact,
    h,
    is_hash,
    is_id,
    is_int,
    is_line,
    is_object,
    is_str,
    number,
    one_of,
    parse,
    text,
    unb64u,
)
from keys.primitives.passkey import (
    MOST_AUTHENTICATOR,
    MOST_CLIENT_DATA,
    MOST_ID,
    MOST_KEY,
    MOST_SIGNATURE,
    Assertion,
    Passkey,
    Site,
    verify_assertion,
)
from keys.primitives.sign import SignedDocument

CARD_TYPE: Final = "nrm.admin-passkey/1"
ASSERTION_TYPE: Final = "nrm.assertion/1"


# --- administrators ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyCard:
    """An administrator's passkey, as a node enrols it.

    Reading one proves possession, as reading an `AdminCard` does.
    """

    pseudonym: str
    label: str
    at: int
    site: Site
    passkey: Passkey
    assertion: Assertion

    @staticmethod
    def challenge(*, pseudonym: str, label: str, at: int, site: Site, passkey: Passkey) -> bytes:
        """Compute the challenge that the holder of the passkey signs to be put on a card."""
        return h("admin", canon(_card(pseudonym, label, at, site, passkey)))

    @classmethod
    def make(
        cls, *, pseudonym: str, label: str, at: int, site: Site, passkey: Passkey, assertion: Assertion
    ) -> tuple[Self, int]:
        """Make a new card and return it with the current value of the passkey's counter.

        Raises RemoteError as `keys.primitives.passkey.verify_assertion`.
        """
        challenge = cls.challenge(pseudonym=pseudonym, label=label, at=at, site=site, passkey=passkey)
        counter = verify_assertion(assertion, passkey, site=site, challenge=challenge)
        shown = replace(passkey, counter=0)
        made = cls(pseudonym=pseudonym, label=label, at=at, site=site, passkey=shown, assertion=assertion)
        return cls.from_json(made.to_json()), counter

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Read the card in its member form, verified with its own passkey. Raises RemoteError."""
        document = exact(value, _CARD_DOCUMENT, what="administrator")
        member = exact(document["card"], _CARD, what="administrator.card")
        place = exact(member["site"], _SITE, what="administrator.site")
        key = exact(member["passkey"], _PASSKEY, what="administrator.passkey")
        site = Site(origin=text(place["origin"]), rp=text(place["rp"]))
        passkey = Passkey(id=unb64u(key["id"]), key=unb64u(key["key"]), counter=0, synced=False)
        assertion = _read_assertion(document["assertion"], passkey)
        verify_assertion(assertion, passkey, site=site, challenge=h("admin", canon(member)))
        return cls(
            pseudonym=text(member["pseudonym"]),
            label=text(member["label"]),
            at=number(member["at"]),
            site=site,
            passkey=passkey,
            assertion=assertion,
        )

    def to_json(self) -> dict[str, Json]:
        """Return the member form, as a change carries it."""
        card = _card(self.pseudonym, self.label, self.at, self.site, self.passkey)
        return {"card": card, "assertion": _assertion(self.assertion)}

    @property
    def kid(self) -> KeyId:
        """The name of its key."""
        return self.passkey.kid


Card = AdminCard | PasskeyCard


def read_card(value: Json) -> Card:
    """Read a card of either kind. Raises RemoteError."""
    return PasskeyCard.from_json(value) if isinstance(value, dict) and "card" in value else AdminCard.from_json(value)


# --- approvals ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyApproval:
    """One person's approval of one change, signed with a passkey. Only `check` proves that it is genuine."""

    change: str
    admin: str
    kid: KeyId
    at: int
    emergency: bool
    assertion: Assertion

    @staticmethod
    def challenge(change: Change, *, emergency: bool) -> bytes:
        """Compute the challenge that is signed to approve exactly these bytes."""
        return h("approve_now" if emergency else "approve", change.encode())

    @classmethod
    def make(cls, change: Change, card: PasskeyCard, assertion: Assertion, *, at: int, emergency: bool) -> Self:
        """Build the approval that this assertion claims to be; `check` judges it."""
        return cls(
            change=change.hash,
            admin=card.pseudonym,
            kid=card.kid,
            at=at,
            emergency=emergency,
            assertion=replace(assertion, holder=None),
        )

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Read the approval in its member form. Raises RemoteError(malformed)."""
        member = exact(value, _APPROVAL, what="approval")
        signed = exact(member["assertion"], _ASSERTION, what="approval.assertion")
        return cls(
            change=text(member["change"]),
            admin=text(member["admin"]),
            kid=KeyId(text(member["kid"])),
            at=number(member["at"]),
            emergency=member["emergency"] is True,
            assertion=Assertion(
                id=unb64u(member["passkey"]),
                client=unb64u(signed["client"]),
                authenticator=unb64u(signed["authenticator"]),
                signature=unb64u(signed["signature"]),
            ),
        )

    def encode(self) -> bytes:
        """Return canonical JSON, as it is stored with the change."""
        return canon(
            {
                "type": ASSERTION_TYPE,
                "change": self.change,
                "admin": self.admin,
                "kid": self.kid,
                "passkey": b64u(self.assertion.id),
                "at": self.at,
                "emergency": self.emergency,
                "assertion": _assertion(self.assertion),
            }
        )

    def check(self, card: Card, change: Change, *, counter: int = 0) -> int:
        """Verify that the holder of `card` approved exactly `change`, and return the passkey's new counter.

        `counter` is its last known value; a counter that does not rise is refused, unless both are 0 (an authenticator
        without one). Raises RemoteError as `keys.primitives.passkey.verify_assertion`.
        """
        if not isinstance(card, PasskeyCard) or self.kid != card.kid:
            raise RemoteError(Code.BAD_SIGNATURE, "signed by another key")
        if self.change != change.hash:
            raise RemoteError(Code.CONFLICT, "the approval is for another change")
        challenge = self.challenge(change, emergency=self.emergency)
        passkey = replace(card.passkey, counter=counter)
        return verify_assertion(self.assertion, passkey, site=card.site, challenge=challenge)

    @property
    def hash(self) -> str:
        """Return H("approval", document), by which a trust record names the approval."""
        return b64u(h("approval", self.encode()))


AnyApproval = Approval | PasskeyApproval


def read_approval(data: bytes) -> AnyApproval:
    """Read a stored approval of either kind and form. Raises RemoteError(malformed, too_large, wrong_type)."""
    value = parse(data, limit=DOCUMENT_LIMIT)
    if isinstance(value, dict) and value.get("type") == ASSERTION_TYPE:
        return PasskeyApproval.from_json(value)
    return Approval.read(SignedDocument.from_json(value, APPROVAL, APPROVAL_1))


# --- shapes ------------------------------------------------------------------------------------------------------


def _card(pseudonym: str, label: str, at: int, site: Site, passkey: Passkey) -> dict[str, Json]:
    return {
        "type": CARD_TYPE,
        "pseudonym": pseudonym,
        "label": label,
        "at": at,
        "site": {"origin": site.origin, "rp": site.rp},
        "passkey": {"id": b64u(passkey.id), "key": b64u(passkey.key)},
    }


def _assertion(assertion: Assertion) -> dict[str, Json]:
    return {
        "client": b64u(assertion.client),
        "authenticator": b64u(assertion.authenticator),
        "signature": b64u(assertion.signature),
    }


def _read_assertion(value: Json, passkey: Passkey) -> Assertion:
    member = exact(value, _ASSERTION, what="assertion")
    return Assertion(
        id=passkey.id,
        client=unb64u(member["client"]),
        authenticator=unb64u(member["authenticator"]),
        signature=unb64u(member["signature"]),
    )


def _up_to(most: int) -> Check:
    """Check for base64url of 1 to `most` bytes."""
    return is_str(r"[A-Za-z0-9_-]{2,}", most * 4 // 3 + 2)


_CARD_DOCUMENT: Final[dict[str, Check]] = {"card": is_object, "assertion": is_object}
_CARD: Final[dict[str, Check]] = {
    "type": one_of(CARD_TYPE),
    "pseudonym": is_id,
    "label": is_line(1, 64),
    "at": is_int(),
    "site": is_object,
    "passkey": is_object,
}
_SITE: Final[dict[str, Check]] = {
    "origin": is_str(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?", 300),
    "rp": is_str(r"[a-z0-9.-]+", 253),
}
_PASSKEY: Final[dict[str, Check]] = {"id": _up_to(MOST_ID), "key": _up_to(MOST_KEY)}
_ASSERTION: Final[dict[str, Check]] = {
    "client": _up_to(MOST_CLIENT_DATA),
    "authenticator": _up_to(MOST_AUTHENTICATOR),
    "signature": _up_to(MOST_SIGNATURE),
}
_APPROVAL: Final[dict[str, Check]] = {
    "type": one_of(ASSERTION_TYPE),
    "change": is_hash,
    "admin": is_id,
    "kid": is_id,
    "passkey": _up_to(MOST_ID),
    "at": is_int(),
    "emergency": is_bool,
    "assertion": is_object,
}
