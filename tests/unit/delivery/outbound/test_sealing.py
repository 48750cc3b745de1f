"""gateway.delivery.outbound.sealing: the numbers of questions about what may have been sent before a restore."""

from __future__ import annotations

from dataclasses import replace

from support import rows

from gateway.delivery.outbound.sealing import fence_voids
from gateway.messages.store.links import LinkRow, NumberRow
from keys.documents.envelope import link_hash


def test_questions_take_the_next_numbers_of_the_link():
    """Each behind the one before, the first of an unused link behind nothing; what has a number, or asks nothing, stays
    as it is.
    """
    asked = [rows.message(ref, state="voiding") for ref in (1, 2)]
    numbered, queued = rows.message(3, state="voiding", n=9, epoch=1, prev="x"), rows.message(4)
    fenced, all_rows, link = fence_voids([asked[0], numbered, queued, asked[1]], LinkRow(epoch=3, high=0, last=None))
    first = replace(asked[0], epoch=3, n=1, prev=None)
    behind = link_hash(epoch=3, n=1, id="id-1", commit=None, prev=None)
    second = replace(asked[1], epoch=3, n=2, prev=behind)
    assert (fenced, all_rows) == ([first, second], (first, numbered, queued, second))
    last = NumberRow(n=2, id="id-2", prev=behind, link=link_hash(epoch=3, n=2, id="id-2", commit=None, prev=behind))
    assert link == LinkRow(epoch=3, high=2, last=last)


def test_a_question_goes_behind_what_was_numbered_last():
    """On a link that is in use."""
    last = NumberRow(n=7, id="before", prev=None, link="link of 7")
    ((only,), _, _) = fence_voids([rows.message(1, state="voiding")], LinkRow(epoch=1, high=7, last=last))
    assert (only.epoch, only.n, only.prev) == (1, 8, "link of 7")
