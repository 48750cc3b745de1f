"""gateway.erasure.retention_look: what is stored becomes what the rules judge, and what comes before a rule."""

from __future__ import annotations

from typing import Any

import pytest
from support.nodes import NOW
from support.retained import ENQUIRY, Desk, stands

from gateway.database import journal
from gateway.erasure import store as erasures
from gateway.erasure.retention_rules import DAY, RetentionDecision
from gateway.erasure.store import HoldRow

OTHER = "n1other"
REQUEST = "referral.request/1"
ERASE, KEEP, HELD = RetentionDecision.ERASE, RetentionDecision.KEEP, RetentionDecision.HELD
UNDER_WAY, UNREADABLE = RetentionDecision.UNDER_WAY, RetentionDecision.UNREADABLE
LATER = NOW + 400 * DAY


# --- what is read -----------------------------------------------------------------------------------------------------


async def test_a_conversation_is_as_young_as_its_last_message(desk: Desk) -> None:
    """Of both directions, whichever is stored first; not of one with another peer, nor of another conversation."""
    await desk.keeps(
        desk.message(1, at=NOW),
        desk.message(2, at=NOW + 5 * DAY, direction="out", state="rejected"),
        desk.message(3, at=NOW + 3 * DAY),
        desk.message(4, at=NOW + 9 * DAY, peer=OTHER),
        desk.message(5, at=NOW + 9 * DAY, conversation=b"other"),
    )
    found = await desk.verdicts()
    assert {ref: found[ref] for ref in (1, 2, 3)} == dict.fromkeys((1, 2, 3), (KEEP, "enquiry", 95))
    assert {found[ref][2] for ref in (4, 5)} == {99}


async def test_the_kind_of_a_conversation_is_that_of_its_first_message(desk: Desk) -> None:
    """Where that says none, of the next one that does."""
    await desk.keeps(
        desk.message(1, kind="any"),
        desk.message(2, kind="probe"),
        desk.message(3, kind="enquiry"),
        desk.message(4, kind="enquiry", conversation=b"other"),
    )
    found = await desk.verdicts()
    assert {ref: found[ref][1] for ref in found} == {1: "probe", 2: "probe", 3: "probe", 4: "enquiry"}


@pytest.mark.parametrize(
    ("state", "since", "rule", "days"),
    [("declined", NOW + DAY, "declined", 31), ("closed", NOW + DAY, "closed", 366), ("active", NOW + DAY, None, None)],
)
async def test_where_a_conversation_stands_counts(
    desk: Desk, state: str, since: int, rule: str | None, days: int | None
) -> None:
    """By its row, which outlives what it was read from; that of another peer says nothing."""
    await desk.keeps(
        desk.message(1, REQUEST, kind="referral"),
        stands(state=state, since=since),
        stands(peer=OTHER, state="declined", since=NOW - 90 * DAY),
    )
    assert await desk.verdicts() == {1: (KEEP, rule, days)}


async def test_what_the_other_side_has_to_confirm_is_awaited(desk: Desk) -> None:
    """Until then nothing goes that it is about."""
    await desk.keeps(
        desk.message(1, REQUEST, kind="referral"), stands(state="declined", since=NOW, theirs=NOW + 50 * DAY)
    )
    assert await desk.verdicts() == {1: (KEEP, "declined", 50)}


async def test_the_arrival_of_the_person_counts(desk: Desk) -> None:
    """For what may say where they are: of a schema that is not held any more nobody knows."""
    await desk.keeps(
        desk.message(1, REQUEST, kind="referral"),
        desk.message(2, REQUEST, kind="referral", facts={"schema": "sha256:" + "0" * 64}),
        stands(arrived=NOW + 2 * DAY),
    )
    assert await desk.verdicts() == {1: (KEEP, None, None), 2: (KEEP, "locating", 16)}


async def test_a_message_names_its_own_last_day(desk: Desk) -> None:
    """In its header; whatever else stands there is no day."""
    for ref, handling in enumerate(
        ({"retain_until": "2027-01-20"}, {"retain_until": 7}, {"retain_until": "soon"}, {}, None, "2027-01-20"), 1
    ):
        header = {} if handling is None else {"handling": handling}
        await desk.keeps(desk.message(ref, header=header, conversation=b"talk %d" % ref))
    found = await desk.verdicts()
    assert [found[ref][1] for ref in sorted(found)] == ["named", *["enquiry"] * 5]


async def test_what_does_not_open_is_for_a_person(desk: Desk) -> None:
    """It counts for how young its conversation is all the same; the next ones are read."""
    await desk.keeps(desk.message(1, None, at=NOW + DAY), desk.message(2))
    assert await desk.verdicts() == {1: (UNREADABLE, None, None), 2: (KEEP, "enquiry", 91)}


# --- what comes before a rule -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({"state": "opened"}, ERASE),
        ({"state": "refused"}, ERASE),
        ({"state": "awaiting_order"}, UNDER_WAY),
        ({"state": "awaiting_handover"}, UNDER_WAY),
        ({"state": "held"}, UNDER_WAY),
        ({"direction": "out", "state": "rejected"}, ERASE),
        ({"direction": "out", "state": "failed"}, ERASE),
        ({"direction": "out", "state": "queued"}, UNDER_WAY),
        ({"direction": "out", "state": "awaiting_receipt"}, UNDER_WAY),
    ],
)
async def test_what_is_owed_to_somebody_goes_first(
    desk: Desk, changed: dict[str, Any], verdict: RetentionDecision
) -> None:
    """In either direction."""
    await desk.keeps(desk.message(1, **changed))
    desk.clock.at = LATER
    assert (await desk.verdicts())[1][0] is verdict


async def test_what_a_person_has_to_look_at_waits_for_them(desk: Desk) -> None:
    """As long as an alarm about it is open."""
    await desk.keeps(
        desk.message(1), desk.message(2), lambda c: journal.raise_alarm(c, at=1, kind="content.damaged", ref=1)
    )
    desk.clock.at = LATER
    found = await desk.verdicts()
    assert (found[1][0], found[2][0]) == (UNDER_WAY, ERASE)


async def test_a_hold_is_over_its_conversation(desk: Desk) -> None:
    """Whoever speaks in it; not over another one."""
    row = HoldRow(conversation=b"talk", ground="legal_claims_17_3_e", until="2029-01-01", at=1)
    await desk.keeps(
        desk.message(1),
        desk.message(2, peer=OTHER),
        desk.message(3, conversation=b"other"),
        stands(),
        lambda c: erasures.set_hold(c, row),
    )
    desk.clock.at = LATER
    assert {ref: one[0] for ref, one in (await desk.verdicts()).items()} == {1: HELD, 2: HELD, 3: ERASE}


def claims(until: Any, care: str = "kept") -> dict[str, Any]:
    """A closure that keeps the case for a claim."""
    return {"claims": {"care": care, "kept_until": until}}


@pytest.mark.parametrize(
    ("closures", "verdict"),
    [
        ([claims("2029-01-01")], HELD),
        ([claims("2027-06-01")], ERASE),
        ([claims("2029-01-01"), claims("2027-06-01")], HELD),
        ([claims("2027-06-01"), claims("2029-01-01")], HELD),
        ([claims("2029-01-01"), {}], HELD),
        ([claims("2029-01-01", care="told")], ERASE),
        ([claims(7)], ERASE),
        ([{"claims": "2029-01-01"}], ERASE),
    ],
    ids=["kept", "over", "the later", "in any order", "another closure", "not kept", "no day", "no claims"],
)
@pytest.mark.parametrize("row", [True, False], ids=["with its row", "without"])
async def test_a_claim_keeps_its_case(
    desk: Desk, closures: list[dict[str, Any]], verdict: RetentionDecision, row: bool
) -> None:
    """Until the last day that any closure named: nobody's claim is shortened by another one."""
    await desk.keeps(
        desk.message(1),
        *(desk.message(ref, "case.closure/1", said) for ref, said in enumerate(closures, 2)),
        *[stands(kind="enquiry")] * row,
    )
    desk.clock.at = NOW + 300 * DAY
    assert (await desk.verdicts())[1][0] is verdict


async def test_only_a_closure_names_a_claim(desk: Desk) -> None:
    """Words of that name elsewhere keep nothing."""
    await desk.keeps(desk.message(1, ENQUIRY, claims("2029-01-01")))
    desk.clock.at = NOW + 300 * DAY
    assert (await desk.verdicts())[1][0] is ERASE
