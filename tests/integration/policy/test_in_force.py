"""The corridor policy on two real nodes: what of a message leaves, who may change that, and what people are told
(docs/policy.md).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from support import persons
from support.ceremony import ADMINS
from support.nodeproc import UNIT
from support.pair import NUMBER, Party, Spoiler, Two, example, two_nodes
from support.policies import policy

import schemas.region_pack.policies
from gateway.changes.rules import DELAY
from gateway.database import journal
from gateway.database.case_names import short_reference
from gateway.errors import Code, RefusedError
from gateway.policy.in_force import digest
from keys.primitives.encoding import b64u
from schemas.groups import field_groups
from schemas.region_pack.policies import CorridorPolicy, canonical_bytes
from schemas.region_pack.regions import load_region

ANA, BEN = ADMINS
CONSENT = b64u(b"consent consent."[:16])
CASE = b64u(b"conversation one"[:16])
TWO_STEP = load_region("tact").policies["two-step"]


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving, with the policy that a new node has."""
    async with two_nodes(tmp_path) as made:
        yield made


def about(body_type: str, to: str, *, reply_to: str | None = None, **content: Any) -> dict[str, Any]:
    """An example of a type as a message of the case, with what `content` says."""
    request = example(body_type, to, consent_ref=CONSENT)
    request["content"] |= content
    found = request | {"purpose": "referral", "conversation": CASE}
    return found if reply_to is None else found | {"in_reply_to": reply_to}


async def consented(party: Party) -> None:
    """The person has agreed to everything that the tests say, for both focal points."""
    record = example("consent.record/1", "AL")["content"] | {"consent_id": CONSENT}
    record["grants"] = [
        {
            "purpose": "referral",
            "recipient_units": [f"{name}/{UNIT}" for name in ("AL", "FR")],
            "data_categories": [code.code for code in schemas.code_list("data_category").codes],
            "until": "2027-11-30",
        }
    ]
    await party.call("consent.record", by="w-1", number="fr-7f3a", content=record)


async def said(two: Two, party: Party, request: dict[str, Any]) -> Any:
    """Submit, and what the other side's case system was given; its id is in it."""
    other = two.al if party is two.fr else two.fr
    id = (await party.call("message.submit", **request))["id"]
    await two.until(lambda: any(item.message_id == id for item in other.deliveries()), seconds=30)
    await other.call("message.open", id=id, by="w-2")
    return next(item for item in other.deliveries() if item.message_id == id)


async def adopted(party: Party, action: str, new: CorridorPolicy, **how: Any) -> Any:
    """The administrators adopt a policy by the door that there is."""
    return await party.changes(action, "node", policy=canonical_bytes(new).decode(), **how)


async def leaves(party: Party, event: str) -> list[Any]:
    """Leaves of one kind in the log of a party."""
    found = await party.running.store.read(journal.leaves)
    return [leaf for leaf in (orjson.loads(data) for _, data in found) if leaf["ev"] == event]


# --- forty fields and twelve -----------------------------------------------------------------------------------------

FORTY: dict[str, Any] = {
    "referral_kind": "return_reception",
    "person": {
        "pseudonym": "Mali",
        "name_given": "Zana",
        "name_family": "Provaj",
        "birth_date": "1999-04-02",
        "age_group": "adult",
        "gender": "Feminine",
        "nationalities": ["AL", "XK"],
        "languages": [{"language": "sq", "level": "first"}],
        "identity_documents": [
            {"kind": "passport", "number": "X1", "issuer": "AL", "expiry": "2031-01-01"},
            {"kind": "passport", "number": "X2"},
        ],
        "safe_contact_rule": {"may_call": False, "who_answers": "an aunt", "never_use": ["the old number"]},
    },
    "household": [
        {"relation": "child", "age_group": "child", "travels_with": True},
        {"relation": "sibling", "age_group": "adult", "travels_with": False},
    ],
    "thb_status": "presumed",
    "exploitation": ["ForcedLabour"],
    "exploitation_country": ["ES", "FR", "IT"],
    "services_requested": [{"service": "safe_accommodation"}],
    "health_flags": ["chronic"],
    "legal_status": "irregular",
    "proceedings": [{"proceeding": "criminal_witness", "stage": "open", "presence_needed": False}],
    "immediate_risk": {"level": "high"},
    "expected_next_step": "return_planning",
    "summary": "a few words",
}
TWELVE = {
    "/referral_kind",
    "/person/pseudonym",
    "/person/age_group",
    "/person/gender",
    "/person/languages/0/language",
    "/person/languages/0/level",
    "/person/safe_contact_rule/may_call",
    "/thb_status",
    "/services_requested/0/service",
    "/legal_status",
    "/immediate_risk/level",
    "/expected_next_step",
}
CORRIDOR = (
    "consent",
    "contact_rule",
    "immediate_risk",
    "needs",
    "person_label",
    "person_profile",
    "request_kind",
    "residence",
    "thb_status",
)


def fields(value: Any, place: str = "") -> set[str]:
    """The places of a document that hold something."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    return {place} if below is None else {found for name, one in below for found in fields(one, f"{place}/{name}")}


async def test_of_forty_fields_twelve_arrive(two: Two) -> None:
    """Exactly what the corridor opens arrives, the preview says so before, and only places are logged."""
    assert TWO_STEP is not None
    await consented(two.fr)
    assert (len(fields(FORTY)), len(TWELVE)) == (40, 12)
    await adopted(
        two.fr,
        "policy.narrow",
        policy(("FR", "AL"), before=CORRIDOR, always=TWO_STEP.always, purposes=["referral"]),
        people=[ANA],
    )
    request = about("referral.request/1", "AL") | {"content": FORTY}
    shown = await two.fr.call("message.preview", draft=request, by="w-1")
    assert (shown["goes"], shown["first"], shown["corridor"], shown["findings"]) == (
        True,
        "consent.record/1",
        "FR>AL",
        [],
    )
    arrived = await said(two, two.fr, request)
    assert fields(arrived.content) == TWELVE
    assert (arrived.header, arrived.content) == (shown["leaves"]["header"], shown["leaves"]["content"])
    gone = {item["place"] for item in shown["dropped"]}
    assert gone == {f"/content{place}" for place in fields(FORTY) - TWELVE}
    assert {"place": "/content/person/name_given", "group": "person_name", "title": "Real name"} in shown["dropped"]
    (leaf,) = await leaves(two.fr, "message.minimised")
    assert {*leaf["dropped"]} == gone
    logged = await two.fr.running.store.read(journal.leaves)
    assert not [data for _, data in logged if b"Zana" in data or b"Provaj" in data or b"a few words" in data]


# --- two steps -------------------------------------------------------------------------------------------------------


async def test_identity_follows_the_acceptance(two: Two) -> None:
    """Before the other side has taken the case it learns no name, in whatever message; afterwards it does."""
    await consented(two.fr)
    request = about("referral.request/1", "AL")
    shown_first = dict(request["content"]["person"])
    request["content"]["person"] |= {"name_given": "Zana", "birth_date": "1999-04-02"}
    asked = await said(two, two.fr, request)
    assert asked.content["person"] == shown_first
    name = {"item_id": "name", "data_category": "identity", "question": "Full name?", "why_needed": "To book a place."}
    question = await said(two, two.al, about("info.request/1", "FR", items=[name], blocks_decision=True))
    given = {"item_id": "name", "status": "given", "data_category": "identity", "value": "Zana Provaj"}
    answer = about("info.reply/1", "AL", reply_to=question.message_id, answers=[given])
    with pytest.raises(RefusedError, match="refused by the corridor policy") as refused:
        await two.fr.call("message.submit", **answer)
    assert refused.value.code is Code.OUT_OF_SCOPE
    (finding,) = refused.value.findings
    assert (finding.place, finding.rule) == ("/content/answers/0/value", "corridor_policy")
    assert "answer_identity" in finding.hint
    later = about(
        "info.reply/1", "AL", reply_to=question.message_id, answers=[{"item_id": "name", "status": "to_follow"}]
    )
    later["content"].pop("person_identifying", None)
    await said(two, two.fr, later)
    await said(two, two.al, about("referral.accept/1", "FR", reply_to=asked.message_id))
    again = await said(two, two.al, about("info.request/1", "FR", items=[name], blocks_decision=False))
    told = await said(two, two.fr, answer | {"in_reply_to": again.message_id})
    assert told.content["answers"] == [given]
    shown = await two.fr.show(asked.message_id)
    assert {"/content/person/name_given", "/content/person/birth_date"} <= {*shown["dropped"]}
    (minimised,) = await leaves(two.fr, "message.minimised")
    assert (minimised["id"], minimised["dropped"]) == (asked.message_id, shown["dropped"])
    assert "Zana" not in repr(await leaves(two.fr, "message.minimised"))


# --- changing it -----------------------------------------------------------------------------------------------------


async def test_a_new_node_begins_with_two_steps(two: Two) -> None:
    """It is recorded like what people adopt, and its digest is in the audit log."""
    assert TWO_STEP is not None
    shown = await two.fr.call("policy.show")
    held = shown["in_force"]
    assert (held["name"], held["version"], held["usable"]) == ("two-step", TWO_STEP.version, True)
    assert held["file"].encode() == canonical_bytes(TWO_STEP)
    assert held["digest"] == digest(canonical_bytes(TWO_STEP))
    assert ([change["action"] for change in shown["changes"]], shown["faults"]) == (["policy.begin"], [])
    assert [leaf["digest"] for leaf in await leaves(two.fr, "policy.adopted")] == [held["digest"]]


async def test_more_takes_two_people_and_a_day_and_less_one_at_once(two: Two) -> None:
    """And who lets less leave overtakes what waits; every version is kept, and the history verifies."""
    assert TWO_STEP is not None
    wide = policy(("FR", "AL"), before=field_groups().groups, name="wide")
    less = replace(TWO_STEP, version=TWO_STEP.version + 1, rules=TWO_STEP.rules[1:])
    with pytest.raises(RefusedError, match="lets more leave") as refused:
        await adopted(two.fr, "policy.narrow", wide, people=[ANA])
    assert refused.value.code is Code.INVALID
    one = await adopted(two.fr, "policy.widen", wide, people=[ANA])
    assert (one["state"], one["needed"]) == ("pending", 2)
    await two.fr.call("change.withdraw", id=one["id"], by="Ana B.")
    two.clock.advance(1)
    assert (await adopted(two.fr, "policy.widen", wide, emergency=False))["state"] == "waiting"
    assert (await two.fr.call("policy.show"))["in_force"]["version"] == TWO_STEP.version
    assert (await adopted(two.fr, "policy.narrow", less, people=[BEN]))["state"] == "done"
    assert (await two.fr.call("policy.show"))["in_force"]["version"] == less.version
    two.clock.advance(DELAY)
    await two.fr.running.trust_effects.keep()
    shown = await two.fr.call("policy.show")
    assert (shown["in_force"]["name"], shown["in_force"]["version"], shown["waiting"]) == ("two-step", less.version, [])
    assert [change["action"] for change in shown["changes"]] == ["policy.begin", "policy.widen", "policy.narrow"]
    assert shown["faults"] == []
    with pytest.raises(RefusedError, match="not higher") as refused:
        await adopted(two.fr, "policy.narrow", less, people=[ANA])
    assert refused.value.code is Code.CONFLICT


async def test_a_policy_in_force_after_its_day(two: Two) -> None:
    """What waited counts from its second on, without anybody's act, and the log says when."""
    wide = policy(("FR", "AL"), before=field_groups().groups, name="wide")
    await adopted(two.fr, "policy.widen", wide, emergency=False)
    two.clock.advance(DELAY)
    assert (await two.fr.call("policy.show"))["in_force"]["name"] == "wide"
    await two.fr.running.trust_effects.keep()
    assert [leaf["digest"] for leaf in await leaves(two.fr, "policy.adopted")][1:] == [digest(canonical_bytes(wide))]


async def test_an_altered_policy_is_named_and_not_applied(two: Two) -> None:
    """Who changes the stored file opens nothing: what was signed is not what stands there."""
    node = two.fr.running
    altered = "replace(cast(payload as text), 'Counts name nobody', 'Counts name anybody')"
    await node.store.move(lambda c: c.exec_driver_sql(f"update change set payload = cast({altered} as blob)"))
    await node.policies.refresh()
    shown = await two.fr.call("policy.show")
    assert (shown["in_force"]["usable"], len(shown["faults"])) == (False, 1)
    with pytest.raises(RefusedError, match="refused by the corridor policy"):
        await two.fr.submit("opened by nobody")


# --- a policy that can not be applied, or opens nothing --------------------------------------------------------------


async def test_an_empty_policy_refuses(two: Two) -> None:
    """One person may close everything; a withdrawal still passes."""
    await consented(two.fr)
    await adopted(two.fr, "policy.narrow", policy(name="nothing"), people=[ANA])
    with pytest.raises(RefusedError, match="refused by the corridor policy") as refused:
        await two.fr.submit("closed")
    assert [(f.place, f.hint) for f in refused.value.findings] == [
        ("/purpose", "no rule for this corridor and purpose")
    ]
    done = await two.fr.call("consent.withdraw", id=CONSENT, by="w-1")
    assert done


async def test_a_policy_for_other_field_groups_is_refused(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither adopted nor applied: after an upgrade that regroups fields nothing leaves until somebody has looked."""
    old = policy(("FR", "AL"), name="old")
    with pytest.raises(RefusedError) as refused:
        await adopted(two.fr, "policy.narrow", replace(old, field_groups=old.field_groups + 1))
    assert [finding.rule for finding in refused.value.findings] == ["field_groups"]
    newer = replace(field_groups(), revision=field_groups().revision + 1)
    await two.fr.stop()
    monkeypatch.setattr(schemas.region_pack.policies, "field_groups", lambda: newer)  # the program of the next version
    await two.fr.start()
    held = (await two.fr.call("policy.show"))["in_force"]
    assert (held["usable"], [fault["rule"] for fault in held["faults"]]) == (False, ["field_groups"])
    with pytest.raises(RefusedError) as refused:
        await two.fr.submit("too old")
    assert [finding.hint for finding in refused.value.findings] == ["no policy is in force"]


# --- at departure ----------------------------------------------------------------------------------------------------


async def test_a_policy_that_was_narrowed_stops_what_waits(two: Two) -> None:
    """The message does not leave, not even without the part that is closed now; its sender is told why."""
    wire = Spoiler(two.fr)
    wire.away = True
    id = await two.fr.submit("waits")
    await adopted(two.fr, "policy.narrow", policy(name="nothing"), people=[ANA])
    wire.away = False
    two.fr.running.wakeups.peer_called(two.fr.peer().node)

    async def failed() -> bool:
        return bool(await two.fr.state(id) == "failed")

    await two.until(failed, seconds=60)
    assert (await two.fr.show(id))["reason"] == "closed_by_policy"
    assert two.al.deliveries() == []


# --- references of a case --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [None, "AL-78"])
async def test_an_acceptance_names_our_case_by_itself(two: Two, number: str | None) -> None:
    """Nobody types how we call the case: the peer is told the reference of its number, or of a case that has none, and
    every later message tells the same.
    """
    await consented(two.fr)
    asked = await said(two, two.fr, about("referral.request/1", "AL"))
    if number is not None:
        other = (await two.al.call("case.open", number=number))["id"]
        await persons.changed(two.al, "case.merge", id=await persons.case_of(two.al, CASE), into=other)
    accept = about("referral.accept/1", "FR", reply_to=asked.message_id)
    del accept["content"]["case_ref_recipient"]
    accepted = await said(two, two.al, accept)
    ours = accepted.content["case_ref_recipient"]
    case = await persons.case_of(two.al, CASE)
    assert [one["id"] for one in (await two.al.call("case.find", text=ours))["cases"]] == [case]
    question = about("info.request/1", "AL")
    question["header"]["case_ref_recipient"] = ours
    assert (await said(two, two.fr, question)).header["case_ref_recipient"] == (number or ours)


async def test_the_number_of_a_case_stays_at_home(two: Two) -> None:
    """Each side knows the other's case under an opaque reference, and its own under its own number."""
    await consented(two.fr)
    request = about("referral.request/1", "AL")
    request["header"]["case_ref_sender"] = NUMBER
    asked = await said(two, two.fr, request)
    theirs = asked.header["case_ref_sender"]
    (other,) = two.fr.running.sealer.case_hashes([("n1other", NUMBER)]).values()
    assert len(theirs) == 14 and theirs != short_reference(other)
    accept = about("referral.accept/1", "FR", reply_to=asked.message_id, case_ref_recipient="AL-77")
    accept["header"]["case_ref_recipient"] = theirs
    accepted = await said(two, two.al, accept)
    ours = accepted.content["case_ref_recipient"]
    assert (accepted.header["case_ref_recipient"], len(ours)) == (NUMBER, 14)
    question = about("info.request/1", "AL")
    question["header"]["case_ref_recipient"] = ours
    told = await said(two, two.fr, question)
    assert told.header["case_ref_recipient"] == "AL-77"
    assert (await two.fr.show(asked.message_id))["case"] == NUMBER
