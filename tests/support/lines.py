"""What two sides of one case may say, each from an example: lines for a walk (`support.walk`), traps that a gate has to
stop, people whom a case is about, and the smooth way of a return with what may cross on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from support.endpoints import EXAMPLES, example
from support.talk import DAY, HOUR, START

import schemas
from gateway.conversations.rules.facts import Side
from gateway.conversations.rules.situation import MAY
from gateway.errors import Code
from gateway.messages.types import Draft, ValidMessage
from keys.primitives.encoding import b64u

HOST, RECEIVING = Side.HOST, Side.RECEIVING
NODES = {HOST: "n1" + "a" * 32, RECEIVING: "n1" + "b" * 32}
COUNTRIES = {HOST: "FR", RECEIVING: "AL"}
UNIT = "onac"
#: What is relied on where there is no record.
CONSENT = b64u(b"consent consent."[:16])
CASE = b64u(b"conversation one"[:16])
STARTED = datetime.fromtimestamp(START, UTC).date()
CATEGORIES = [code.code for code in schemas.code_list("data_category").codes]


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """One thing that may be said: a type, the example it is made from, what is changed, and the gate that stops it."""

    kind: str
    stem: str
    content: Mapping[str, Any] = field(default_factory=dict)
    header: Mapping[str, Any] = field(default_factory=dict)
    purpose: str | None = None
    gate: Code | None = None
    at_receiver: bool = True


def _line(kind: str, stem: str, **content: Any) -> Line:
    return Line(kind=kind, stem=stem, content=content)


def _smallest(kind: str) -> str:
    paths = sorted((EXAMPLES / f"{kind}.1").glob("valid-*.json"), key=lambda path: path.stat().st_size)
    return paths[0].stem


VERSIONS = (1, 2, 3)
LINES: tuple[Line, ...] = (
    _line("consent.record", "valid-adult"),
    _line("consent.record", "valid-adult", signed_form_sha256="0" * 64),
    _line("consent.withdrawal", "valid-all"),
    _line("consent.withdrawal", "valid-part", grants=[1]),
    _line("referral.request", "valid-minimal"),
    _line("referral.withdraw", "valid-solved"),
    _line("referral.decline", "valid-capacity"),
    _line("referral.accept", "valid-minimal"),
    _line("referral.accept", "valid-conditions"),
    _line("info.request", "valid-one", blocks_decision=True),
    _line("info.request", "valid-one", blocks_decision=False),
    _line("info.reply", "valid-answers"),
    _line("info.reply", "valid-second-step"),
    _line("assistance.plan", "valid-minimal"),
    _line("assistance.plan", "valid-minimal", actions=[]),
    *(_line("risk.assessment", f"valid-{part}-part") for part in ("sending", "receiving")),
    _line("risk.assessment", "valid-joint-conclusion"),
    _line("risk.assessment", "valid-joint-conclusion", conclusion="do_not_return"),
    _line("bid.report", "valid-return-to-family"),
    _line("family.report", "valid-visit"),
    _line("guardian.notice", "valid-appointed"),
    *(_line("return.proposal", "valid-adult-by-air", version=version) for version in VERSIONS),
    *(_line("return.response", "valid-confirmed", version=version) for version in VERSIONS),
    *(_line("return.response", "valid-change-asked", version=version) for version in VERSIONS),
    *(_line("return.cancel", "valid-person-withdrew", version=version) for version in VERSIONS),
    *(_line("departure.notice", "valid-departed", version=version) for version in VERSIONS),
    *(_line("departure.notice", "valid-did-not-appear", version=version) for version in VERSIONS),
    _line("arrival.confirmation", "valid-met"),
    _line("arrival.confirmation", "valid-not-arrived"),
    _line("safety.alert.update", "valid-ongoing"),
    _line("safety.alert.update", "valid-safe"),
    _line("closure.response", "valid-agreed"),
    _line("closure.response", "valid-not-agreed"),
    _line("closure.response", "valid-not-agreed", answer="reopen"),
    _line(
        "data.correction",
        "valid-new-value",
        path="/content/legal_status",
        data_category="immigration",
        new_value="asylum_pending",
    ),
    *(
        _line(kind, _smallest(kind))
        for kind in sorted({*MAY, "case.closure"})
        if kind
        not in (
            "consent.record",
            "consent.withdrawal",
            "info.request",
            "info.reply",
            "assistance.plan",
            "risk.assessment",
            "bid.report",
            "family.report",
            "guardian.notice",
            "safety.alert.update",
        )
    ),
)

TRAPS: tuple[Line, ...] = (
    Line(kind="enquiry.capacity", stem="valid-minimal", content={"note": "passport AB1234567"}, gate=Code.GATE_G1),
    Line(kind="info.request", stem="valid-one", header={"consent_ref": None}, gate=Code.GATE_G2, at_receiver=False),
    Line(kind="info.reply", stem="valid-answers", purpose="legal_proceedings", gate=Code.GATE_G2),
    Line(kind="info.request", stem="valid-one", header={"transfer_basis": "consent_49_1_a"}, gate=Code.GATE_G6),
    Line(
        kind="proceedings.notice",
        stem="valid-hearing",
        header={"recipient_role": "shelter_provider"},
        gate=Code.GATE_G9,
    ),
    Line(kind="info.request", stem="valid-one", header={"priority": "soon"}, gate=Code.GATE_G11, at_receiver=False),
    Line(kind="stats.submission", stem="valid-two-dimensions", content={"cells": "small"}, gate=Code.GATE_G12),
    Line(kind="referral.decline", stem="valid-capacity", content={"reason": None}, gate=Code.GATE_G13),
    Line(
        kind="info.request",
        stem="valid-one",
        header={"recipient_unit": "nobody"},
        gate=Code.GATE_G14,
        at_receiver=False,
    ),
    Line(kind="nationality.request", stem="valid-full", content={"context": "trafficking"}, gate=Code.GATE_G15),
)
"""Bodies that a gate has to stop whatever was said before."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Whom the case is about. ``denied`` are categories that no consent covers."""

    age_group: str = "adult"
    legal_status: str = "regular"
    denied: frozenset[str] = frozenset()


PEOPLE = [
    *[Person()] * 6,
    *[Person(age_group="child")] * 2,
    Person(legal_status="asylum_pending"),
    Person(legal_status="reflection_period"),
    Person(denied=frozenset({"location", "risk"})),
]


def _named(kind: str, stem: str = "", **content: Any) -> Line:
    return next(
        line
        for line in LINES
        if line.kind == kind and stem in line.stem and all(line.content.get(k) == v for k, v in content.items())
    )


SMOOTH: tuple[tuple[Side, Line], ...] = (
    (HOST, _named("consent.record")),
    (HOST, _named("referral.request")),
    (RECEIVING, _named("info.request", blocks_decision=True)),
    (HOST, _named("info.reply", "answers")),
    (RECEIVING, _named("referral.accept", "minimal")),
    (HOST, _named("guardian.notice")),
    (RECEIVING, _named("guardian.notice")),
    (RECEIVING, _named("family.report", "visit")),
    (HOST, _named("bid.report", "return-to-family")),
    (HOST, _named("risk.assessment", "sending")),
    (RECEIVING, _named("risk.assessment", "receiving")),
    (HOST, _named("risk.assessment", "joint")),
    (HOST, _named("return.proposal", version=1)),
    (RECEIVING, _named("return.response", "confirmed", version=1)),
    (HOST, _named("departure.notice", "valid-departed", version=1)),
    (RECEIVING, _named("arrival.confirmation", "valid-met")),
    (RECEIVING, _named("reintegration.plan")),
    (HOST, _named("case.closure")),
    (RECEIVING, _named("closure.response", "agreed")),
    (HOST, _named("consent.record")),
)
"""A return as it should go; what a gate stops on the way is left out, and the case goes on without."""


def _plain(kind: str) -> Line:
    return next(line for line in LINES if line.kind == kind and not line.content)


_CONFIRMED = 1 + next(place for place, (_, line) in enumerate(SMOOTH) if line.kind == "return.response")
_ACCEPTED = 1 + next(place for place, (_, line) in enumerate(SMOOTH) if line.kind == "referral.accept")
_CANCEL = _named("return.cancel", version=1)
Theme: TypeAlias = tuple[int, bool, tuple[tuple[Side, Line], ...]]
THEMES: tuple[Theme, ...] = (
    (_ACCEPTED - 1, False, ((RECEIVING, _named("referral.accept", "conditions")),)),
    (_ACCEPTED - 1, True, ((HOST, _named("referral.withdraw")), (RECEIVING, _named("referral.accept", "minimal")))),
    (_ACCEPTED - 1, False, ((RECEIVING, _named("referral.decline")),)),
    (_ACCEPTED, False, ((HOST, _plain("data.correction")), (RECEIVING, _named("data.correction.ack")))),
    (_CONFIRMED - 1, False, ((RECEIVING, _named("assistance.plan")),)),
    (_CONFIRMED - 1, True, ((HOST, _CANCEL), (RECEIVING, _named("return.response", "confirmed", version=1)))),
    (_CONFIRMED, False, ((HOST, _named("departure.notice", "did-not-appear", version=1)),)),
    (_CONFIRMED, True, ((HOST, _named("departure.notice", "valid-departed", version=1)), (RECEIVING, _CANCEL))),
    (_CONFIRMED + 1, False, ((RECEIVING, _named("arrival.confirmation", "not-arrived")),)),
)
"""After so many steps of the smooth way this is said, at once (True) or one after the other: what chance alone comes to
too seldom to be counted on."""

MOVES = {line.kind for _, line in SMOOTH} | {"assistance.plan", "monitoring.report", "return.cancel"}


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message with its body."""

    line: Line
    draft: Draft
    valid: ValidMessage
    schema: str


def _complete_record(person: Person, now: int, content: dict[str, Any]) -> None:
    categories = [name for name in CATEGORIES if name not in person.denied]
    purposes = [code.code for code in schemas.code_list("purpose").codes if code.code != "legal_proceedings"]
    content |= {
        "given_by": "person" if person.age_group == "adult" else "person_and_guardian",
        "taken_on": datetime.fromtimestamp(now, UTC).date().isoformat(),
        "grants": [
            {
                "purpose": purpose,
                "recipient_units": [f"{node}/{UNIT}" for node in NODES.values()],
                "data_categories": categories,
                "until": "2029-12-31",
            }
            for purpose in purposes
        ],
    }
    if person.age_group == "child":
        content["child_assent"] = "given"


def _complete_request(person: Person, now: int, content: dict[str, Any]) -> None:
    content["person"] = content["person"] | {"age_group": person.age_group, "nationalities": ["AL"]}
    content["legal_status"] = person.legal_status
    if person.age_group == "child":
        content["child"] = {"guardian_pending": True, "bia_done": False}
    if person.legal_status == "reflection_period":
        content["unknown"] = {"reflection_period_until": "not_yet"}


def _complete_proposal(person: Person, now: int, content: dict[str, Any]) -> None:
    content["travellers"] = [{"pseudonym": "M", "age_group": person.age_group}]
    for place, leg in enumerate(content["legs"]):
        leg |= {"depart_at": now + (6 + place) * DAY, "arrive_at": now + (6 + place) * DAY + 5 * HOUR}
    content["handover"] = content["handover"] | {"at": now + 7 * DAY}


def _complete_plan(person: Person, now: int, content: dict[str, Any]) -> None:
    """The other one of the two: services are planned and have not started."""
    if not content["actions"]:
        plan = example("assistance.plan.1/valid-minimal", NODES[HOST])["content"]
        content["actions"] = [action | {"status": "planned"} for action in plan["actions"]]


def _complete_risk(person: Person, now: int, content: dict[str, Any]) -> None:
    today = datetime.fromtimestamp(now, UTC).date()
    content["review_on"] = (today + timedelta(days=60)).isoformat()
    if "measures" in content:
        content["measures"] = [measure | {"done_on": STARTED.isoformat()} for measure in content["measures"]]


def _complete_bid(person: Person, now: int, content: dict[str, Any]) -> None:
    _complete_risk(person, now, content)


def _complete_guardian(person: Person, now: int, content: dict[str, Any]) -> None:
    content["from"] = STARTED.isoformat()
    content.pop("until", None)


def _complete_statistics(person: Person, now: int, content: dict[str, Any]) -> None:
    if content["cells"] == "small":
        content["cells"] = [{"key": ["FR"], "count": 4}]


COMPLETE: Mapping[str, Callable[[Person, int, dict[str, Any]], None]] = {
    "consent.record": _complete_record,
    "referral.request": _complete_request,
    "assistance.plan": _complete_plan,
    "return.proposal": _complete_proposal,
    "risk.assessment": _complete_risk,
    "bid.report": _complete_bid,
    "guardian.notice": _complete_guardian,
    "stats.submission": _complete_statistics,
}
