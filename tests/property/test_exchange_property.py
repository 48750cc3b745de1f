"""Whatever a wire does: nothing changed is accepted, nothing true is lost or doubled, and sizes tell little."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.endpoints import EVERYTHING, MET, TODAY, Endpoint, Wire, circumstances, consent, flipped
from support.gate_facts import giver_for
from support.generate import bodies
from support.incoming import SEALED, A, B, arrive

import schemas
from gateway.consent.rules import Consent, Grant
from gateway.delivery.inbound import steps
from gateway.errors import Code, RemoteError
from gateway.messages.types import Draft
from keys.documents.envelope import Status
from keys.primitives.encoding import b64u

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
PLACES = st.integers(0, len(SEALED) - 1)


# --- changed on the way ----------------------------------------------------------------------------------------------


@given(place=PLACES, bit=st.integers(0, 7))
@example(place=0, bit=0)
@example(place=len(SEALED) - 1, bit=7)
def test_any_flipped_bit_is_refused(place: int, bit: int) -> None:
    """Part C rows 1 to 4: no single bit of an envelope can be changed, and the refusal is a code."""
    with pytest.raises(RemoteError):
        arrive(flipped(SEALED, place, bit))


@given(place=PLACES, letter=st.sampled_from(ALPHABET))
def test_any_other_letter_is_refused(place: int, letter: int) -> None:
    """Row 25: a letter of the base64 alphabet, which the form alone would let pass, is refused as well."""
    spoiled = bytearray(SEALED)
    spoiled[place] = letter
    if bytes(spoiled) == SEALED:
        assert arrive(SEALED)
        return
    with pytest.raises(RemoteError):
        arrive(bytes(spoiled))


@given(place=PLACES, piece=st.binary(max_size=3), cut=st.integers(0, 3))
def test_any_splice_is_refused(place: int, piece: bytes, cut: int) -> None:
    """Bytes put in, taken out or both."""
    spoiled = SEALED[:place] + piece + SEALED[place + cut :]
    if spoiled != SEALED:
        with pytest.raises(RemoteError):
            arrive(spoiled)


@given(data=st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_noise_is_refused(data: bytes) -> None:
    """What is no envelope gets a code, never another error."""
    with pytest.raises(RemoteError) as caught:
        steps.read_envelope(data)
    assert caught.value.code in (Code.MALFORMED, Code.UNSUPPORTED_SUITE)


# --- lost, doubled, late, out of order -------------------------------------------------------------------------------

NAMES = (
    "enquiry.capacity.1/valid-full",
    "referral.request.1/valid-minimal",
    "consent.withdrawal.1/valid-all",
    "referral.decline.1/valid-other",
)


def exchange(sender: Endpoint, receiver: Endpoint, there: Wire, back: Wire) -> None:
    """One round: everything without a final answer is sent again in requests of at most four, and answers come back."""
    waiting = [sealed for id, sealed in sender.sent.items() if id not in sender.heard]
    requests = [waiting[i : i + 4] for i in range(0, len(waiting), 4)]
    arrived = [
        (receiver.answer([sealed.data for sealed in request]), [sealed.id for sealed in request])
        for request in there.carry(requests)
    ]
    for data, asked in back.carry(arrived):
        sender.hear(data, asked)


@settings(max_examples=8)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 6))
def test_a_bad_wire_loses_and_doubles_nothing(seed: int, count: int) -> None:
    """Both ends send; after enough rounds each message was accepted once, in one chain, and both ends know the same."""
    rng = random.Random(seed)
    ends = Endpoint.pair(A, B)
    wires = [Wire(rng=rng) for _ in range(4)]
    for end in ends:
        facts = circumstances(consent(end.peer.node))
        for _ in range(count):
            end.send(end.submit(end.draft(rng.choice(NAMES)), facts))
    for round in range(30):
        if round == 29:
            wires = [Wire(rng=rng, lose=0, delay=0) for _ in range(4)]
        exchange(ends[0], ends[1], wires[0], wires[1])
        exchange(ends[1], ends[0], wires[2], wires[3])
    for sender, receiver in (ends, ends[::-1]):
        assert Counter(message.id for message in receiver.accepted) == Counter(list(sender.sent))
        assert (receiver.high, receiver.gaps) == (count, ())
        assert sorted(message.position.n for message in receiver.accepted) == list(range(1, count + 1))
        assert sender.heard == receiver.final
        assert {receipt.status for receipt in sender.heard.values()} == {Status.RECEIVED}
        for message in receiver.accepted:
            assert message.body == arrive(sender.sent[message.id].data, sender=sender.node, to=receiver.node).body


# --- sizes -----------------------------------------------------------------------------------------------------------


def referral(end: Endpoint, rng: random.Random) -> Draft:
    """A referral as a case worker might write it: each optional field with probability one half, but no gate closed."""
    body: dict[str, Any] = bodies("referral.request/1", rng)
    body["header"]["consent_ref"] = b64u(rng.randbytes(16))
    body["header"] |= {"sender_role": "national_focal_point", "recipient_role": "legal_representative"}  # G14; G9
    body["header"].pop("vital_interest", None)
    body["header"] |= {"legal_basis": ["6_1_e"], "transfer_basis": "public_interest_49_1_d"}  # G6
    body["content"]["legal_status"] = "irregular"  # G5
    body["content"].pop("reflection_period_until", None)
    body["content"].pop("attachments", None)  # how many files go with a message is told outside
    return Draft(
        id=b64u(rng.randbytes(16)),
        body_type="referral.request/1",
        to=end.peer.node,
        conversation=b64u(rng.randbytes(16)),
        reply_to=None,
        purpose="referral",
        header=body["header"],
        content=body["content"],
    )


def everything(draft: Draft) -> Consent:
    """A consent that covers whatever the generator wrote."""
    return Consent(
        consent_id=str(draft.header["consent_ref"]),
        given_by=giver_for(draft.body_type, draft.content, MET, TODAY),
        assent=None,
        grants=(
            Grant(
                purpose="referral",
                recipient_units=frozenset({f"{draft.to}/{draft.header['recipient_unit']}"}),
                data_categories=frozenset(entry.code for entry in schemas.code_list("data_category").codes),
                until=None,
            ),
        ),
        denials=(),
        taken_on=date(2026, 11, 20),
        informed=True,
        transfer_risks_told=True,
        onward_sharing=False,
    )


def test_row_43_referrals_have_one_size() -> None:
    """Of 100 referrals made from a fixed seed at least 95 have one size on the wire, and each arrives as it was."""
    a, b = Endpoint.pair(A, B)
    rng = random.Random(43)
    sizes: Counter[int] = Counter()
    for _ in range(100):
        draft = referral(a, rng)
        units = frozenset(str(draft.header[name]) for name in ("sender_unit", "recipient_unit"))
        a.scope = b.scope = replace(EVERYTHING, units=units, peer_units=units)
        sealed = a.send(a.submit(draft, circumstances(everything(draft))))
        sizes[len(sealed.data)] += 1
        assert b.receive(sealed.data).code is None
    assert sizes.most_common(1)[0][1] >= 95, sizes
    assert [(m.header, m.content) for m in b.accepted][-1] == (draft.header, draft.content)
