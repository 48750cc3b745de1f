"""What a thief tries to sign: by half a key, trees and cosignatures, and what roots sign (nrm1 1.12, 2.14, 2.24)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.robbed_forge import grown, sign_tree
from support.robbed_logs import ask_witness
from support.robbed_table import (
    COSIGNED,
    ENDS,
    EXTENDS,
    FORKS,
    ONE_OF_TWO,
    SIGNS,
    SPLIT,
    VERSION,
    VOUCHES,
)
from support.robbed_thief import Thief

from gateway.errors import Code, RemoteError
from keys.documents.descriptor_chain import accept_chain
from keys.documents.equivocation import build_proof, verify_proof
from keys.documents.key_records import Use, verify_signers
from keys.documents.log_signatures import cosign_checkpoint, cosignature_text, cosigned_at, open_checkpoint
from keys.documents.signed_note import read_signatures
from keys.documents.tombstone import accept_tombstone, build_tombstone
from keys.primitives.domains import KEYSET, TOMBSTONE
from keys.primitives.hybrid_keys import Signature, signature_base, verify
from keys.primitives.sign import sign_document


def sign_by_half(thief: Thief, other: int, shift: int) -> None:
    """One half of the key is broken, and what the other half once signed is known."""
    key = thief.keys[Use.SIG]
    _, document = next(one for one in thief.world.documents if one[0] == "a" and one[1].payload_type == KEYSET)
    seen, payload = document.signature, b"{%d}" % shift
    base = signature_base(key.public, KEYSET, payload)
    forged = Signature(kid=key.public.kid, ed25519=key._ed25519.sign(base), mldsa65=seen.mldsa65)
    for half in (forged, replace(forged, mldsa65=None)):
        with pytest.raises(RemoteError) as caught:
            verify(key.public, KEYSET, payload, half)
        assert caught.value.code is Code.BAD_SIGNATURE
    thief.tried(SIGNS)


def fork(thief: Thief, other: int, shift: int) -> None:
    """Another tree under the name of the node: alone, before a witness, and as what goes on from its log."""
    book, origin, mine = thief.owner.book, thief.owner.descriptor.log, thief.keys
    key = mine.get(Use.LOG, thief.world.c.log)
    leaves = book.leaves if other % 4 == 1 else book.leaves[: other % (len(book.leaves) + 1)]
    more = len(book.leaves) - len(leaves) + 1 + other % 3
    forged = grown(thief.owner.founded, leaves, at=thief.world.clock.at + shift, more=more, mark="fork")
    note = sign_tree(forged, origin, key)
    if Use.LOG in mine:
        open_checkpoint(note, origin, [key.public])
        thief.tried(FORKS)
    asker = thief.owner.node if Use.HTTP in mine and other % 2 else thief.world.id_of("c")
    lines = ask_witness(thief.world, thief.world.b, asker, forged, note)
    if thief.speaks and asker == thief.owner.node:
        thief.tried(*[EXTENDS] * (lines is not None))
        return
    assert lines is None, "a stranger had the log of another node cosigned"
    thief.tried(COSIGNED)


def vouch(thief: Thief, other: int, shift: int) -> None:
    """Cosign a log of the liar as the node, at any time."""
    key, now = thief.keys[Use.WIT], thief.world.clock.at
    book = thief.world.liar_book
    note = sign_tree(book, thief.world.c.first().log, thief.world.c.log)
    lines = read_signatures(cosign_checkpoint(cosignature_text(note.text, now + shift), thief.owner.node, key))
    assert cosigned_at(note.text, lines, [key.public]) == now + shift
    thief.tried(VOUCHES)


def make_version(thief: Thief, other: int, shift: int) -> None:
    """A version of the descriptor that lists a key of its own, after the newest one or beside it."""
    held = thief.world.b.peer(thief.owner.node).chain
    before = held[:-1] if other % 2 and len(held) > 1 else held
    payload = thief.owner.founded.next(before[-1], issued=thief.world.clock.at, contact=f"call me {other}")
    document = sign_document(thief.owner.descriptor.document.payload_type, payload, [thief.keys[Use.ROOT]])
    assert verify_signers(held[-1].roots, document) == {thief.keys[Use.ROOT].public.kid}
    thief.tried(ONE_OF_TWO)
    with pytest.raises(RemoteError) as caught:
        accept_chain([document], thief.world.clock.at, held=held)
    assert caught.value.code is Code.BAD_SIGNATURE, "a node is not to blame for what fewer than its roots signed"
    thief.tried(VERSION)
    if before != held:
        with pytest.raises(RemoteError):
            verify_proof(build_proof(held, document))
        thief.tried(SPLIT)


def end_node(thief: Thief, other: int, shift: int) -> None:
    """The end of the node, signed by one of its roots."""
    payload = build_tombstone(thief.owner.node, thief.world.clock.at)
    with pytest.raises(RemoteError):
        accept_tombstone(
            thief.world.b.peer(thief.owner.node).chain,
            sign_document(TOMBSTONE, payload, [thief.keys[Use.ROOT]]),
            thief.world.clock.at,
        )
    thief.tried(ENDS)
