"""Which key of a node signs now, and for whom: an online key signs what its own node says, nothing else (nrm1 13.6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.errors import Code, RefusedError
from keys.documents.descriptor import Descriptor
from keys.documents.key_records import Use
from keys.documents.succession import find_begun, is_retired
from keys.keystore.keyring import HeldKey, Keyring
from keys.primitives.batch import MOST, Unsigned
from keys.primitives.domains import BACKUP, KEYSET, RECEIPT, RESET, STATEMENT, TAKEN, TRUST, VOID
from keys.primitives.encoding import parse_payload

# The member that names the signer; nothing else is signed by an online key (nrm1 13.6).
_SPEAKER: Final = {
    KEYSET: "node",
    VOID: "from",
    TRUST: "node",
    BACKUP: "node",
    RESET: "from",
    TAKEN: "from",
}
_IN_BATCHES: Final = frozenset({STATEMENT, RECEIPT})


def choose_key(ring: Keyring, chain: Sequence[Descriptor], use: Use, now: int) -> HeldKey | None:
    """Choose the key that began last among those listed as valid at `now` and never followed; None for none. Under a
    descriptor of the first form only HTTP is signed (nrm1 1.20).
    """
    if chain[-1].is_first_form and use is not Use.HTTP:
        return None
    held = {key.kid: key for key in ring.of(use)}
    # A retired key is still listed, so that what it has signed verifies. When its successor is revoked it would be the
    # newest again: the key that people wanted to be rid of.
    ever = find_begun(chain, now)
    listed = [record for record in chain[-1].keys_of(use, now) if record.kid in held]
    usable = [held[record.kid] for record in listed if not is_retired(record, ever, now)]
    return usable[-1] if usable else None


def roots_due() -> RefusedError:
    """Return the error for a node whose roots have not met since release 0.1.0."""
    return RefusedError(
        Code.ROOTS_DUE,
        "the newest descriptor of this node is of the first form, by which nothing is signed any more",
        hint="the root holders sign the next one: trm keys rotate log; docs/operations.md, After 0.1.0",
    )


def missing_key(uses: Sequence[str]) -> RefusedError:
    """Return the error for uses that have no valid key."""
    return RefusedError(
        Code.NO_KEY,
        f"the descriptor lists no {' and no '.join(uses)} key that is valid now",
        hint="the root holders sign a new one: trm keys rotate",
    )


def find_speaker(payload_type: str, payload: bytes) -> str | None:
    """Find whose document a payload is; None for a type that no online key signs alone.

    Raises RemoteError(malformed).
    """
    member = _SPEAKER.get(payload_type)
    return None if member is None else _member(payload, member)


def find_batch_speaker(documents: Sequence[Unsigned]) -> str | None:
    """Find whose documents these are: 1 to 128 of one node for one node; None where they may not share a signature.

    Raises RemoteError(malformed).
    """
    speakers, hearers = ({_member(payload, side) for _, payload in documents} for side in ("from", "to"))
    known = all(kind in _IN_BATCHES for kind, _ in documents)
    if not known or len(speakers) != 1 or len(hearers) != 1 or None in hearers or len(documents) > MOST:
        return None
    return speakers.pop()


def _member(payload: bytes, name: str) -> str | None:
    value = parse_payload(payload)
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None
