"""Vectors about the two forms of what is signed (nrm1 1.9, 1.17): each base in place of the other, and who follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from support.first_form import first_frame
from support.sign_as import in_first_form, sign_as, sign_base
from support.vector_parties import Party, edited, signed

from keys.primitives.domains import DESCRIPTOR, DESCRIPTOR_1, SIGNATURE_CONTEXT
from keys.primitives.hybrid_keys import Signature, pae, signature_base
from keys.primitives.sign import SignedDocument


class Offer(Protocol):
    """One document offered to who holds others: the rule, a name, the document, the code that refuses it."""

    def __call__(self, rule: int, name: str, document: SignedDocument, code: str | None, *, held: str = "") -> None:
        """Put it among the cases."""


def descriptors(offer: Offer, bel: Party) -> None:
    """Version 1 signed in every wrong way, and chains from one form to the other."""
    payload, (key,) = bel.payload(), bel.roots
    old = in_first_form(payload)

    def by(signature: Signature, kind: str = DESCRIPTOR, data: bytes = payload) -> SignedDocument:
        return SignedDocument(payload=data, payload_type=kind, signatures=(signature,))

    base, true = signature_base(key.public, DESCRIPTOR, payload), key.sign(DESCRIPTOR, payload)
    mixed = replace(true, mldsa65=sign_base(pae(DESCRIPTOR, payload), key).mldsa65)
    later = sign_base(signature_base(key.public, DESCRIPTOR_1, old), key, SIGNATURE_CONTEXT)
    offer(2, "signed over the base of the first form", sign_as(DESCRIPTOR, payload, key), "bad_signature")
    offer(2, "without the context of ML-DSA", by(sign_base(base, key)), "bad_signature")
    offer(2, "with the ML-DSA-65 half over the base of the first form", by(mixed), "bad_signature")
    offer(2, "of the first form, signed as the second", by(later, DESCRIPTOR_1, old), "bad_signature")
    offer(1, "a type of another number than its document", signed(old, bel.roots), "malformed")
    renamed = edited(payload, type="nrm.descriptor/1")
    offer(1, "members of the second form in the first", sign_as(DESCRIPTOR_1, renamed, key), "malformed")
    offer(3, "bel-1-first-form", sign_as(DESCRIPTOR_1, old, key), None)
    new = bel.following(old)
    offer(4, "bel-2-second-form", signed(new, bel.roots), None, held="bel-1-first-form")
    back = sign_as(DESCRIPTOR_1, in_first_form(bel.following(new)), key)
    offer(4, "back to the first form", back, "wrong_type", held="bel-1-first-form bel-2-second-form")


def inner(sealer: Any) -> bytes:
    """The frames of a message whose statement is of the first form and truly signed."""
    statement = edited(sealer.statement().encode(), type="nrm.statement/1")
    frame: bytes = sealer.inner(statement, proof=first_frame(statement, sealer.alb.sig))
    return frame
