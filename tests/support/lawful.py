"""The gates (domain 3.3 to 3.8) that depend on what was said before, told anew by an account without the gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from support.lines import HOST, NODES, RECEIVING, Letter, Person

import schemas
from gateway.conversations.rules.facts import Side
from schemas.types import never_blocked

STOPPING = frozenset({"return.cancel", "referral.withdraw"})
ASYLUM = frozenset({"asylum_pending", "protection_granted"})

Said = Sequence[tuple[str, Mapping[str, Any]]]
"""Kind and content, in the order in which they were said."""


def assert_lawful(letter: Letter, side: Side, told: Sequence[Letter], person: Person) -> None:
    """A message of ``side`` that arrived has kept the rules, by ``told``, which its writer had said and read before."""
    kind, content = letter.line.kind, letter.draft.content
    if never_blocked(kind) or not schemas.load_catalogue().by_schema(letter.schema).personal:
        return
    before = [(one.line.kind, one.draft.content) for one in told]
    _consented(letter, before, person)
    if side is HOST and kind not in STOPPING:
        _not_home(kind, [*before, (kind, content)])
    if kind == "return.proposal" or (kind == "return.response" and content.get("answer") == "confirm"):
        _safe_to_return(kind, told, before, person)


def _consented(letter: Letter, before: Said, person: Person) -> None:
    if letter.line.kind == "consent.record":
        return
    ref = letter.draft.header["consent_ref"]
    said = [(kind, content) for kind, content in before if content.get("consent_id") == ref]
    present = schemas.find_categories(letter.schema, letter.draft.content)
    gone = any(kind == "consent.withdrawal" and content["scope"] == "all" for kind, content in said)
    assert not gone, f"{letter.line.kind} went after the consent was taken back"
    assert not present or "consent.record" in dict(said), f"{letter.line.kind} went without a consent"
    assert not present & person.denied, f"{letter.line.kind} told what no consent covers"


def _not_home(kind: str, said: Said) -> None:
    """Who is said to seek asylum is not told of to the State she fled; only what stops something may go there."""
    status = [content["legal_status"] for name, content in said if name == "referral.request"]
    status += [content["new_value"] for _, content in said if content.get("path") == "/content/legal_status"]
    assert not status or status[-1] not in ASYLUM, f"{kind} went home"


def _safe_to_return(kind: str, told: Sequence[Letter], before: Said, person: Person) -> None:
    kinds = {name for name, _ in before}
    joint = [said["conclusion"] for name, said in before if name == "risk.assessment" and said["part"] == "joint"]
    drafts = [one.draft for one in told if one.line.kind == "risk.assessment"]
    parts = {(draft.to, draft.content["part"]) for draft in drafts}
    assert {(NODES[RECEIVING], "sending"), (NODES[HOST], "receiving")} <= parts, "a return without both sides' parts"
    assert joint, "a return without a joint conclusion"
    assert joint[-1] != "do_not_return", "a return against the joint conclusion"
    if person.age_group == "child":
        assert {"guardian.notice", "bid.report", "family.report"} <= kinds, "a child returns without its safeguards"
    if kind == "return.proposal" and person.legal_status == "reflection_period":
        signed = [said for name, said in before if name == "consent.record" and said.get("signed_form_sha256")]
        assert signed, "a return was proposed in the reflection period without a signed request"
