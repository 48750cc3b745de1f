"""The facts of a conversation on which steps of the procedure depend."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from support.tables import table

from gateway.conversations.history import Opened, Side
from gateway.conversations.procedure_facts import facts_of
from schemas.region_pack.procedures import Fact

TODAY = date(2026, 11, 27)
AT = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())


def said(kind: str, at: int = 0, **content: Any) -> Opened:
    """One message of the host, `at` seconds after the first."""
    return Opened(body_type=f"{kind}/1", side=Side.OURS, created=AT + at, header={}, content=content)


def papers(*listed: dict[str, str]) -> dict[str, Any]:
    """A person with these documents."""
    return {"identity_documents": list(listed)}


@table(
    ("messages", "wanted"),
    [
        ([], set()),
        ([said("referral.request", person={"age_group": "presumed_child"})], {Fact.CHILD}),
        ([said("referral.request", person={"age_group": "adult"})], set()),
        ([said("referral.request", expected_next_step="return_planning")], {Fact.RETURN_WANTED}),
        ([said("referral.request", referral_kind="return_reception")], {Fact.RETURN_WANTED}),
        ([said("referral.request", referral_kind="service", expected_next_step="service_start")], set()),
        ([said("return.proposal", version=1)], {Fact.RETURN_WANTED}),
        ([said("referral.request", person=papers({"kind": "none"}))], {Fact.NO_DOCUMENT}),
        ([said("referral.request", person=papers({"kind": "passport", "expiry": "2026-11-26"}))], {Fact.NO_DOCUMENT}),
        ([said("referral.request", person=papers({"kind": "passport", "expiry": "2026-11-27"}))], set()),
        ([said("referral.request", person=papers({"kind": "none"}, {"kind": "id_card"}))], set()),
        ([said("nationality.request")], {Fact.NO_DOCUMENT}),
        ([said("traveldoc.request")], {Fact.NO_DOCUMENT}),
        (
            [said("referral.request", legal_status="reflection_period", reflection_period_until="2026-11-27")],
            {Fact.REFLECTION_PERIOD},
        ),
        ([said("referral.request", legal_status="reflection_period", reflection_period_until="2026-11-26")], set()),
        ([said("referral.request", proceedings=[{"proceeding": "criminal_witness"}])], {Fact.PROCEEDINGS}),
        ([said("referral.request", proceedings=[])], set()),
        ([said("proceedings.notice")], {Fact.PROCEEDINGS}),
        ([said("referral.request", legal_status="asylum_pending")], {Fact.ASYLUM_HOLD}),
    ],
)
def test_a_fact_holds_by_what_was_said(messages: list[Opened], wanted: set[Fact]) -> None:
    """Each fact by each of the ways to say it, up to its last day, and none by what was not said."""
    assert wanted == facts_of(messages, TODAY)


def test_the_last_word_counts() -> None:
    """Documents that were found later, in whatever order the messages are given."""
    first = said("referral.request", person=papers({"kind": "none"}))
    later = said("info.reply", 60, person_identifying=papers({"kind": "passport"}))
    assert Fact.NO_DOCUMENT not in facts_of([later, first], TODAY)
