"""What a sealed row holds comes back exactly, and what is no such row is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.batches import proofs, prove
from support.nodes import Seeds

from gateway.errors import GatewayError
from gateway.messages import content_codec
from gateway.messages.content_codec import Facts, MessageContent
from gateway.messages.types import ValidMessage
from keys.primitives.domains import STATEMENT
from keys.primitives.encoding import canon, lp_join
from keys.primitives.hybrid_keys import SigningKey

KEY = SigningKey.generate(Seeds("of a codec"), hybrid=True)
ID = st.text("abcdefghijklmnopqrstuvwxyzABCDEFG0123456789-_", min_size=22, max_size=22)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
FACTS = st.builds(
    Facts,
    body_type=st.just("referral.request/1"),
    schema=st.just("sha256:" + "ab" * 32),
    conversation=ID,
    reply_to=st.none() | ID,
    purpose=st.none() | st.just("referral"),
    consent_ref=st.none() | ID,
    created=st.integers(0, 2**40),
)
BODY = st.fixed_dictionaries(
    {"header": st.dictionaries(st.just("language"), TEXT), "content": st.dictionaries(st.just("summary"), TEXT)}
)


@given(FACTS, st.binary(max_size=64), BODY)
def test_an_outgoing_message_survives_the_disk(facts: Facts, secret: bytes, body: dict):
    """Message to row to message: nothing is added, lost or changed."""
    message = ValidMessage(
        id="i" * 22,
        body_type=facts.body_type,
        schema=facts.schema,
        to="n1peer",
        conversation=facts.conversation,
        reply_to=facts.reply_to,
        purpose=facts.purpose,
        consent_ref=facts.consent_ref,
        submitted=facts.created,
        expires=facts.created + 5,
        body=canon(body),
    )
    content = content_codec.read_content(content_codec.outgoing(message, secret))
    assert content == MessageContent(facts=facts, secret=secret, body=message.body)
    assert content.halves() == (body["header"], body["content"])
    assert content_codec.valid_message(message.id, message.to, message.expires, message.submitted, content) == message


@given(st.binary(max_size=200))
def test_evidence_survives_the_disk(statement: bytes):
    """The signed bytes are kept as bytes, with their place in the batch and its name."""
    proof, _ = proofs(KEY, (STATEMENT, statement), (STATEMENT, b"another"))
    kept = content_codec.read_evidence(content_codec.evidence(statement, proof))
    assert (kept.statement, kept.batch, kept.inclusion_in(8)) == (statement, proof.batch.name, proof.inclusion)


@given(st.binary(max_size=200))
def test_evidence_of_before_is_read(statement: bytes):
    """A row of an earlier version, or of the first form, has all that proves its statement."""
    frame = prove(KEY, STATEMENT, statement)
    kept = content_codec.read_evidence(lp_join(statement, frame))
    assert (kept.statement, kept.proof, kept.batch) == (statement, frame, None)


NO_ROW = {
    "nothing": b"",
    "no frame": b"x",
    "two frames": lp_join(b"{}", b""),
    "four frames": lp_join(b"{}", b"", b"", b""),
}


@pytest.mark.parametrize("plaintext", NO_ROW.values(), ids=NO_ROW)
def test_another_row_is_refused(plaintext: bytes):
    """A row of another shape never becomes a message."""
    with pytest.raises(GatewayError):
        content_codec.read_content(plaintext)
