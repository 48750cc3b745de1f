"""Administrators' key files: one person, one file, one passphrase, on media of their own (nrm1 8.11, 8.12).

The file format is that of the keystore. Only `trm ... --as FILE` reads the file, on the machine of its holder; a node
holds the public card and never the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from gateway.errors import Code, RefusedError, RemoteError
from keys.documents.admin_card import PSEUDONYM, AdminCard
from keys.documents.change import Approval, Change
from keys.primitives.encoding import (
    Check,
    b64u,
    canon,
    exact,
    is_b64u,
    is_object,
    malformed,
    one_of,
    parse_payload,
    unb64u,
)
from keys.primitives.hybrid_keys import SEED, Rand, SigningKey
from keys.primitives.sealed_file import DEFAULT_COST, Cost, SealedFile, system_rand

KIND: Final = "nrm.admin-key/1"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Admin:
    """An administrator's key in the hands of its holder. Prints as <redacted> and cannot be pickled."""

    card: AdminCard
    key: SigningKey

    def approve(self, change: Change, *, at: int, emergency: bool = False) -> Approval:
        """Sign this person's approval of exactly this change."""
        return Approval.sign(change, admin=self.card.pseudonym, key=self.key, at=at, emergency=emergency)

    def __repr__(self) -> str:
        return "<redacted>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled")


def create_admin(
    path: Path, passphrase: str, *, label: str, now: int, cost: Cost = DEFAULT_COST, rand: Rand = system_rand
) -> Admin:
    """Create a new key in a new file, mode 0600.

    Raises RefusedError(exists), or invalid for an empty passphrase or a label that is not one line of text.
    """
    admin = new_admin(label=label, now=now, rand=rand)
    write_admin(path, passphrase, admin, cost=cost, rand=rand)
    return admin


def write_admin(
    path: Path, passphrase: str, admin: Admin, *, cost: Cost = DEFAULT_COST, rand: Rand = system_rand
) -> None:
    """Write a key into a new file, mode 0600. Raises RefusedError as ``create_admin``."""
    ed25519, mldsa65 = admin.key.seeds()
    content = canon(
        {
            "type": KIND,
            "ed25519": b64u(ed25519),
            "mldsa65": b64u(mldsa65 or b""),
            "card": admin.card.document.to_json(),
        }
    )
    SealedFile.create(path, KIND, passphrase, content, cost=cost, rand=rand)


def load_admin(path: Path, passphrase: str, *, at_least: Cost = DEFAULT_COST) -> Admin:
    """Load the key in a file. Raises RefusedError(not_found, invalid, wrong_passphrase)."""
    return SealedFile.read(path, KIND, passphrase, _parse, at_least=at_least)[1]


def _parse(content: bytes) -> Admin:
    member = exact(parse_payload(content), _FILE, what="administrator's key")
    key = SigningKey(unb64u(member["ed25519"]), unb64u(member["mldsa65"]))
    card = AdminCard.from_json(member["card"])
    if card.key != key.public:
        raise malformed("card is of another key")
    return Admin(card=card, key=key)


def new_admin(*, label: str, now: int, rand: Rand = system_rand) -> Admin:
    """Make a key in memory only: before it is written, and for tests. Raises RefusedError(invalid) for a bad label."""
    key = SigningKey.generate(rand, hybrid=True)
    try:
        card = AdminCard.make(pseudonym=b64u(rand(PSEUDONYM)), label=label, at=now, key=key)
    except RemoteError as exc:
        raise RefusedError(
            Code.INVALID,
            "the label is no line of 1 to 64 characters; nothing was made",
            hint='such as --label "Ana B."',
        ) from exc
    return Admin(card=card, key=key)


_FILE: Final[dict[str, Check]] = {
    "type": one_of(KIND),
    "ed25519": is_b64u(SEED),
    "mldsa65": is_b64u(SEED),
    "card": is_object,
}
