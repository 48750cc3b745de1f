"""Root keys: one file for each holder, outside of the node's folder, only used to sign descriptors (nrm1 2.23).

The file format is that of the keystore. Each holder makes one on a machine of their own (`trm keys root new`) and hands
out its public document; `trm init --roots` makes three at once, for a trial. Two of three must sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keys.documents.key_records import KeyRecord, Use
from keys.offline.ceremony import root_public
from keys.primitives.encoding import (
    DAY,
    Check,
    b64u,
    canon,
    exact,
    is_b64u,
    is_int,
    number,
    one_of,
    parse_payload,
    unb64u,
)
from keys.primitives.hybrid_keys import SEED, Rand, SigningKey
from keys.primitives.sealed_file import DEFAULT_COST, Cost, SealedFile, system_rand
from keys.primitives.sign import SignedDocument

KIND: Final = "nrm.root/1"
LIFE: Final = 8 * 365 * DAY  # seconds (nrm1 2.23)


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A root key in the hands of its holder: its record in the descriptor, and the key itself."""

    record: KeyRecord
    key: SigningKey

    def public(self) -> SignedDocument:
        """Build the public document for the node that this root will belong to."""
        return root_public(self.record, self.key, self.record.from_)


def create_root(path: Path, passphrase: str, *, now: int, cost: Cost = DEFAULT_COST, rand: Rand = system_rand) -> Root:
    """Create a new root key in a new file, mode 0600.

    Raises RefusedError(exists), or invalid for an empty passphrase.
    """
    root = new_root(now=now, rand=rand)
    ed25519, mldsa65 = root.key.seeds()
    content = canon(
        {
            "type": "nrm.root-key/1",
            "ed25519": b64u(ed25519),
            "mldsa65": b64u(mldsa65 or b""),
            "from": root.record.from_,
            "until": root.record.until,
        }
    )
    SealedFile.create(path, KIND, passphrase, content, cost=cost, rand=rand)
    return root


def load_root(path: Path, passphrase: str, *, at_least: Cost = DEFAULT_COST) -> Root:
    """Load the root key in a file. Raises RefusedError(not_found, invalid, wrong_passphrase)."""
    return SealedFile.read(path, KIND, passphrase, _parse, at_least=at_least)[1]


def _parse(content: bytes) -> Root:
    member = exact(parse_payload(content), _ROOT, what="root")
    key = SigningKey(unb64u(member["ed25519"]), unb64u(member["mldsa65"]))
    return _root(key, number(member["from"]), number(member["until"]))


def new_root(*, now: int, rand: Rand = system_rand) -> Root:
    """Make a root key in memory only: for the first signature, before it is written, and for tests."""
    return _root(SigningKey.generate(rand, hybrid=True), now, now + LIFE)


def _root(key: SigningKey, from_: int, until: int) -> Root:
    return Root(record=KeyRecord(use=Use.ROOT, from_=from_, until=until, public=key.public), key=key)


_ROOT: Final[dict[str, Check]] = {
    "type": one_of("nrm.root-key/1"),
    "ed25519": is_b64u(SEED),
    "mldsa65": is_b64u(SEED),
    "from": is_int(),
    "until": is_int(),
}
