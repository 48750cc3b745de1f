"""gateway.delivery.outbound.prepared: what a message said as it was written."""

from __future__ import annotations

from dataclasses import replace

from gateway.delivery.outbound.prepared import written_in
from gateway.foundation.ids import ConversationId, MessageId, NodeId
from gateway.messages.types import ValidMessage
from keys.primitives.encoding import canon

LEFT, WRITTEN = {"says": "less"}, {"says": "less", "words": "that stay here"}


def test_what_was_written_counts_and_not_what_left_of_it():
    """Where nothing was taken out, they are the same."""
    message = ValidMessage(
        id=MessageId("m"),
        body_type="referral.withdraw/1",
        schema="",
        to=NodeId("n1b"),
        conversation=ConversationId("c"),
        reply_to=None,
        purpose=None,
        consent_ref=None,
        submitted=1,
        expires=2,
        body=canon({"header": {}, "content": LEFT}),
    )
    assert written_in(message) == LEFT
    assert written_in(replace(message, written=WRITTEN)) == WRITTEN
