"""A return between two real nodes: what the conversation said before opens and closes it (gates G3, G4, G5 and G8)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from sqlalchemy import Connection
from support.forger import Forger
from support.nodeproc import UNIT
from support.pair import START, Party, Spoiler, Two, example, two_nodes

import schemas
from gateway.consent.rules import read
from gateway.database import journal
from gateway.errors import Code, RefusedError
from gateway.messages import state_transitions
from gateway.messages.machines.delivery import OutgoingEvent
from gateway.messages.state_transitions import Change
from gateway.messages.store import links, messages
from gateway.messages.store.messages import OUT
from gateway.policy.gates.consent import PURPOSES
from keys.primitives.encoding import b64u

CONSENT = b64u(b"consent consent."[:16])
CASE = b64u(b"conversation one"[:16])
SIGNED = b64u(b"signed request.."[:16])
TODAY = datetime.fromtimestamp(START, UTC).date()
ALL = [code.code for code in schemas.code_list("data_category").codes]
G3, G4, G5, G8 = Code.GATE_G3, Code.GATE_G4, Code.GATE_G5, Code.GATE_G8


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


def day(offset: int) -> str:
    """A date so many days from the start."""
    return (TODAY + timedelta(days=offset)).isoformat()


class Case:
    """One child's case: FR is where the child is, AL is where the child comes from."""

    def __init__(self, two: Two) -> None:
        self.two = two

    async def consent(self, **members: Any) -> None:
        """FR records what the child and the guardian agreed to, for every purpose and both units."""
        content = example("consent.record/1", "AL")["content"]
        units = [f"{name}/{UNIT}" for name in ("AL", "FR")]
        purposes = ["referral", "assistance", "risk_assessment", "family_inquiry", "return"]
        grants = [
            {"purpose": purpose, "recipient_units": units, "data_categories": ALL, "until": day(300)}
            for purpose in purposes
        ]
        own = {"consent_id": CONSENT, "given_by": "person_and_guardian", "taken_on": day(-3), "grants": grants}
        said = {name: value for name, value in (content | own | members).items() if value is not None}
        await self.two.fr.call("consent.record", by="w-1", number="fr-7f3a", content=said)

    async def queue(self, party: Party, body_type: str, **content: Any) -> str:
        """Submit it; its id."""
        return str((await party.call("message.submit", **self.message(party, body_type, **content)))["id"])

    async def stops(self, party: Party, id: str, gate: str) -> None:
        """A message that waits ends because of a gate."""

        async def failed() -> bool:
            return bool(await party.state(id) == "failed")

        await self.two.until(failed, seconds=60, what="it is stopped")
        assert (await party.show(id))["reason"] == gate

    def message(self, party: Party, body_type: str, *, reply_to: str | None = None, **content: Any) -> dict[str, Any]:
        """An example of a type from one side to the other, with what `content` says; None takes a member away."""
        to, roles = ("AL" if party is self.two.fr else "FR"), "national_focal_point"
        request = example(f"{body_type}/1", to, consent_ref=CONSENT, sender_role=roles, recipient_role=roles)
        usual = {"return"} if body_type in ("bid.report", "return.response") else {"referral"}  # as two-step opens them
        purpose = min(PURPOSES.get(body_type, usual) - {"intra_eu_transfer"})
        said = {name: value for name, value in (request["content"] | content).items() if value is not None}
        request |= {"purpose": purpose, "conversation": CASE, "content": said}
        return request if reply_to is None else request | {"in_reply_to": reply_to}

    async def say(self, party: Party, body_type: str, *, reply_to: str | None = None, **content: Any) -> str:
        """Send it, and wait until the other side has it; its id."""
        id = await self.queue(party, body_type, reply_to=reply_to, **content)

        async def there() -> bool:
            shown = await party.show(id)
            assert shown["reason"] is None, f"{body_type}: {shown['reason']}"
            return bool(shown["state"] in ("awaiting_opening", "opened"))

        await self.two.until(there, seconds=30, what=f"{body_type} arrives")
        return id

    async def refused(self, party: Party, body_type: str, **content: Any) -> RefusedError:
        """It is refused, and nothing of it is stored."""
        before = await party.rows("select count(*) from message")
        with pytest.raises(RefusedError) as refusal:
            await party.call("message.submit", **self.message(party, body_type, **content))
        assert await party.rows("select count(*) from message") == before
        return refusal.value

    async def referred(self, **said: Any) -> None:
        """Referred and accepted."""
        content = example("referral.request/1", "AL")["content"]
        person = content["person"] | {"age_group": "child", "nationalities": ["AL"]}
        child = {"guardian_pending": True, "bia_done": True, "situation": "unaccompanied"}
        request = await self.say(self.two.fr, "referral.request", **({"person": person, "child": child} | said))
        await self.say(self.two.al, "referral.accept", reply_to=request)


def part(side: str, conclusion: str = "proceed", **members: Any) -> dict[str, Any]:
    """One side's assessment of the risks, or the joint one."""
    found = example("risk.assessment/1", "AL")["content"]
    return found | {"part": side, "conclusion": conclusion, "review_on": day(25), **members}


def bid(**members: Any) -> dict[str, Any]:
    """A determination that the child goes to its family."""
    found = example("bid.report/1", "AL")["content"]
    place = {"unit": f"n1{'a' * 32}/shelter", "from": day(10)}
    usual = {
        "kind": "bid",
        "outcome": "family_reunification_origin",
        "decided_on": day(-1),
        "review_on": day(60),
        "care_place_confirmed": place,
        "family_report_id": CONSENT,
    }
    return found | usual | members


def the(refusal: RefusedError, gate: Code) -> str:
    """The way forward that a gate names, at the place that it names."""
    (found,) = [finding for finding in refusal.findings if finding.rule == str(gate)]
    assert found.place == "/content"
    return found.hint


CHILD = {"travellers": [{"pseudonym": "Mali", "age_group": "child"}]}


async def test_a_child_returns_when_everything_is_met(two: Two) -> None:
    """Refused with the gate and the way forward until guardian, assent, family report, determination and joint risk
    assessment are there, one after the other; then it goes, and is confirmed by the guardians of both sides.
    """
    case = Case(two)
    fr, al = two.fr, two.al
    await case.consent(child_assent="given")
    await case.referred()
    refusal = await case.refused(fr, "return.proposal", **CHILD)
    assert {finding.rule for finding in refusal.findings} == {"gate_g3", "gate_g4"}
    assert "guardian" in the(refusal, G3)
    assert "each side assesses" in the(refusal, G4)

    await case.say(fr, "guardian.notice", **{"from": day(-10)}, until=day(90))
    assert "family" in the(await case.refused(fr, "return.proposal", **CHILD), G3)
    inquiry = await case.say(fr, "family.inquiry", needed_by=day(20))
    report = {"family_willing": "yes", "recommendation": "suitable"}
    await case.say(al, "family.report", reply_to=inquiry, **report)
    assert "best interests" in the(await case.refused(fr, "return.proposal", **CHILD), G3)
    await case.say(fr, "bid.report", **bid(kind="bia"))
    assert "best interests" in the(await case.refused(fr, "return.proposal", **CHILD), G3)
    await case.say(fr, "bid.report", **bid())

    refusal = await case.refused(fr, "return.proposal", **CHILD)
    assert (refusal.code, {finding.rule for finding in refusal.findings}) == (G4, {"gate_g4"})
    ours = await case.say(fr, "risk.assessment", **part("sending"))
    theirs = await case.say(al, "risk.assessment", **part("receiving"))
    assert "joint conclusion" in the(await case.refused(fr, "return.proposal", **CHILD), G4)
    await case.say(al, "risk.assessment", **part("joint", "postpone", based_on=[ours, theirs]))
    assert "does not say proceed" in the(await case.refused(fr, "return.proposal", **CHILD), G4)
    await case.say(al, "risk.assessment", **part("joint", based_on=[ours, theirs]))
    await stopped_in_the_queue(case, [ours, theirs])
    proposal = await case.say(fr, "return.proposal", **CHILD)

    met_by = {"unit": UNIT, "staff_ref": "al-09", "phone": "+355690000000"}
    confirmed = {"answer": "confirm", "met_by": met_by, "changes": None}
    assert "guardian named by this side" in the(await case.refused(al, "return.response", **confirmed), G3)
    await case.say(al, "guardian.notice", **{"from": day(-1)}, until=day(90))
    await case.say(al, "return.response", reply_to=proposal, **confirmed)
    (standing,) = (await fr.call("conversation.show", id=CASE))["standing"]
    assert standing["state"] == "return_confirmed"


async def stopped_in_the_queue(case: Case, parts: list[str]) -> None:
    """A proposal that waits while AL is away does not go once a newer joint assessment says stop; then all is well."""
    fr, spoiler = case.two.fr, Spoiler(case.two.fr)
    spoiler.away = True
    id = await case.queue(fr, "return.proposal", **CHILD)
    await case.queue(fr, "risk.assessment", **part("joint", "do_not_return", based_on=parts))
    spoiler.away = False
    await case.stops(fr, id, "gate_g4")
    for party in case.two:
        await case.say(party, "risk.assessment", **part("joint", based_on=parts))


async def test_a_return_in_the_reflection_period_needs_the_signed_request(two: Two) -> None:
    """G8 knows the period from the referral; the consent that has the person's form opens it (a new record)."""
    case = Case(two)
    await case.consent(child_assent="given")
    await case.referred(legal_status="reflection_period", reflection_period_until=day(20))
    assert "a reflection period runs" in the(await case.refused(two.fr, "return.proposal", **CHILD), G8)
    two.clock.advance(21 * 86_400)
    refusal = await case.refused(two.fr, "return.proposal", **CHILD)
    assert "gate_g8" not in {finding.rule for finding in refusal.findings}


@pytest.mark.parametrize("scope", ["all", "part"])
async def test_a_request_that_was_taken_back_opens_no_return(two: Two, scope: str) -> None:
    """AL told of a request on the person's form; it was taken back here by a withdrawal that AL never had, or in part,
    and AL told its grants anew in another order. Another consent is in force, and carries no signed request.
    """
    case, forger = Case(two), Forger(two.al)
    person = example("referral.request/1", "AL")["content"]["person"] | {"age_group": "adult", "nationalities": ["AL"]}
    await case.consent(given_by="person", child_assent=None, form="oral_witnessed", signed_form_sha256=None)
    said = {"legal_status": "reflection_period", "reflection_period_until": day(20)}
    await case.referred(person=person, child=None, **said)

    async def is_open() -> bool:
        refusal = await case.refused(two.fr, "return.proposal", **ADULT)
        return "gate_g8" not in {finding.rule for finding in refusal.findings}

    async def told(n: int, *purposes: str) -> tuple[str | None, str | None]:
        request = example("consent.record/1", "FR") | {"conversation": CASE}
        request["header"].pop("consent_ref", None)
        units = [f"{party.running.own.node}/{UNIT}" for party in two]
        grants = [
            {"purpose": purpose, "recipient_units": units, "data_categories": ALL, "until": day(300)}
            for purpose in purposes
        ]
        own = {"consent_id": SIGNED, "given_by": "person", "form": "written", "signed_form_sha256": "ab" * 32}
        content = request["content"] | own | {"taken_on": day(-3), "grants": grants}
        return await forger.send(n, request=request | {"content": content}, prev=await last_link(two))

    assert not await is_open()
    assert await told(2, "return", "referral") == (None, "received")
    assert await is_open()
    if scope == "all":
        Spoiler(two.fr).away = True
        (waits,) = (await two.fr.call("consent.withdraw", id=SIGNED, by="w-1"))["told"]
        await lost(two.fr, waits["message"])
    else:
        withdrawal = example("consent.withdrawal/1", "FR") | {"conversation": CASE}
        withdrawal["content"] |= {"consent_id": SIGNED, "scope": "grants", "grants": [0]}
        withdrawal["header"]["consent_ref"] = SIGNED
        assert await forger.send(3, request=withdrawal, prev=await last_link(two)) == (None, "received")
        assert not await is_open()
        assert await told(4, "referral", "return") == (None, "received")
    assert not await is_open()


async def last_link(two: Two) -> str:
    """The link hash of the last message that FR has of AL."""
    position = await two.fr.running.store.read(lambda c: links.position(c, two.fr.peer().node, links.IN))
    assert position.last is not None
    return position.last.link


async def lost(party: Party, id: str) -> None:
    """The peer can never be told of a message: it has failed."""

    def move(connection: Connection) -> None:
        row = messages.find_many(connection, OUT, party.peer().node, [id])[id]
        change = Change(row=row, event=OutgoingEvent.REFUSE, reason=Code.NOT_FOUND)
        state_transitions.advance(connection, [change], at=party.running.clock.now())

    await party.running.store.move(move)


ADULT = {"travellers": [{"pseudonym": "Mali", "age_group": "adult"}]}
MET_BY = {"unit": UNIT, "staff_ref": "al-09", "phone": "+355690000000"}
DECISION = {
    "decided_on": day(-20),
    "remedy_exhausted": True,
    "lawyer_unit": f"n1{'a' * 32}/lawyers",
    "refoulement_statement": "examined by the court; no ground was found",
}
CONFIRMED = {"answer": "confirm", "met_by": MET_BY, "changes": None}


async def referred_adult(case: Case, **said: Any) -> None:
    """An adult from AL, who agreed to everything in person, is referred and accepted."""
    person = example("referral.request/1", "AL")["content"]["person"] | {"age_group": "adult", "nationalities": ["AL"]}
    await case.consent(given_by="person", child_assent=None)
    await case.referred(**({"person": person, "child": None, "legal_status": "irregular"} | said))


async def state_of(party: Party) -> str:
    """Where the conversation stands at this node."""
    (standing,) = (await party.call("conversation.show", id=CASE))["standing"]
    return str(standing["state"])


@pytest.mark.parametrize("status", ["regular", "residence_art14", "unknown"])
async def test_nobody_who_may_stay_is_returned_by_a_decision(two: Two, status: str) -> None:
    """A status by which the person may stay, or that nobody knows, closes it with every safeguard named."""
    case = Case(two)
    await referred_adult(case, legal_status=status)
    refusal = await case.refused(two.fr, "return.proposal", **ADULT, return_kind="decision_based", decision=DECISION)
    assert "may stay" in the(refusal, G8)


async def test_a_return_by_a_decision_names_what_allows_it(two: Two) -> None:
    """Without the decision the message is not even valid; with it, and both sides' assessment, it is confirmed."""
    case, fr, al = Case(two), two.fr, two.al
    await referred_adult(case)
    await assessed(case, "proceed")
    bare = await case.refused(fr, "return.proposal", **ADULT, return_kind="decision_based")
    assert ("/content/decision", "required") in {(finding.place, finding.rule) for finding in bare.findings}
    by = {"return_kind": "decision_based", "decision": DECISION}
    child = await case.refused(fr, "return.proposal", **CHILD, **by)
    assert "no child is returned by a decision" in the(child, G3)
    proposal = await case.say(fr, "return.proposal", **ADULT, **by)
    await case.say(al, "return.response", reply_to=proposal, **CONFIRMED)
    assert await state_of(fr) == "return_confirmed"


async def test_who_goes_against_advice_is_announced_met_and_looked_for(two: Two) -> None:
    """Both sides say do not return. Without the signed statement the journey is refused; with it AL is told, confirms
    that somebody is there, and when nobody hears of the person, an alert is owed.
    """
    case, fr, al = Case(two), two.fr, two.al
    await referred_adult(case)
    await assessed(case, "do_not_return")
    alone = {"return_kind": "independent_voluntary", **ADULT}
    assert "does not say proceed" in the(await case.refused(fr, "return.proposal", **alone), G4)
    statement = {"signed_on": day(-1), "statement_sha256": "0f" * 32, "warnings_told": True}
    early = await case.refused(fr, "return.proposal", **alone, against_advice=statement)
    assert "newer than the statement" in the(early, G4)
    statement["signed_on"] = day(0)
    leg = example("return.proposal/1", "AL")["content"]["legs"][0] | {"arrive_at": START + 3 * 86_400}
    journey = {"legs": [leg], "handover": example("return.proposal/1", "AL")["content"]["handover"]}
    journey["handover"] |= {"at": START + 3 * 86_400}
    proposal = await case.say(fr, "return.proposal", **alone, **journey, against_advice=statement)
    await case.say(al, "return.response", reply_to=proposal, **CONFIRMED)
    assert await state_of(al) == "return_confirmed"
    two.clock.advance(5 * 86_400)
    (standing,) = (await fr.call("conversation.show", id=CASE))["standing"]
    assert [duty["owes"] for duty in standing["owed"] if duty["what"] == "alert_raise"] == ["us"]


async def assessed(case: Case, conclusion: str) -> None:
    """Each side's part, and both together."""
    parts = [
        await case.say(party, "risk.assessment", **part(side, conclusion))
        for party, side in ((case.two.fr, "sending"), (case.two.al, "receiving"))
    ]
    await case.say(case.two.al, "risk.assessment", **part("joint", conclusion, based_on=parts))


@pytest.mark.parametrize(
    ("given", "adult", "words"),
    [
        ({"given_by": "person", "child_assent": None}, False, "a child does not consent alone"),
        ({"given_by": "guardian", "child_assent": "refused"}, False, "the child said no"),
        ({"given_by": "guardian", "child_assent": "given"}, True, "an adult consents in person"),
    ],
)
async def test_a_consent_is_of_who_may_give_it(two: Two, given: dict[str, Any], adult: bool, words: str) -> None:
    """A child alone, a guardian against the child's no and a guardian for an adult carry no referral, and AL takes none
    in that was sent all the same.
    """
    case, fr = Case(two), two.fr
    person = example("referral.request/1", "AL")["content"]["person"]
    child = None if adult else {"guardian_pending": True, "bia_done": True, "situation": "unaccompanied"}
    about = {"person": person | {"age_group": "adult" if adult else "child"}, "child": child}
    await case.consent(**given)
    refusal = await case.refused(fr, "referral.request", **about)
    assert (refusal.code, words in refusal.findings[0].hint) == (Code.GATE_G2, True)
    record = (await fr.call("consent.show", id=CONSENT))["record"]
    forger = Forger(fr)
    told = case.message(fr, "consent.record", **(example("consent.record/1", "AL")["content"] | record))
    assert (await forger.send(1, request=told))[0] is None
    pretended = read(record | {"given_by": "person" if adult else "guardian", "child_assent": "given"})
    forged = case.message(fr, "referral.request", **about)
    assert await forger.send(2, request=forged, consent=pretended) == ("gate_g2", "rejected")


async def test_a_child_without_a_guardian_is_referred_on_the_word_of_the_authority(two: Two) -> None:
    """The child protection authority consents until a guardian is there, sixty days at most; a parent may, too."""
    case, fr = Case(two), two.fr
    await case.consent(given_by="child_authority_interim", child_assent="given", taken_on=day(-58))
    await case.referred()
    two.clock.advance(3 * 86_400)
    refusal = await case.refused(fr, "risk.assessment", **part("sending"))
    assert "ask the guardian" in refusal.findings[0].hint


async def test_a_guardians_consent_ends_when_another_guardian_takes_over(two: Two) -> None:
    """The change is told on the consent that ends by it. From its day on nothing more goes on that consent, from either
    side, in any conversation of the case, and AL takes nothing in; what went before stands, and on what the new
    guardian agreed to it goes on.
    """
    case, fr, al = Case(two), two.fr, two.al
    await case.consent(child_assent="given")
    await case.referred()
    await case.say(fr, "guardian.notice", event="appointed", **{"from": day(-20)})
    earlier = await case.say(fr, "risk.assessment", **part("sending"))
    await case.say(fr, "guardian.notice", event="changed", **{"from": day(1)})
    await case.say(al, "risk.assessment", **part("receiving"))
    two.clock.advance(86_400)
    again = case.message(fr, "risk.assessment", **part("sending"))
    person = example("referral.request/1", "AL")["content"]["person"] | {"age_group": "child"}
    child = {"guardian_pending": True, "bia_done": True, "situation": "unaccompanied"}
    other = case.message(fr, "referral.request", person=person, child=child)
    other |= {"conversation": b64u(b"conversation two"[:16])}
    for party, request in (
        (fr, again),
        (fr, other),
        (al, case.message(al, "risk.assessment", **part("receiving"))),
    ):
        with pytest.raises(RefusedError) as refusal:
            await party.call("message.submit", **request)
        assert [(one.rule, one.place) for one in refusal.value.findings] == [("gate_g2", "/header/consent_ref")]
        assert "acts for the child no more: ask the guardian of now" in refusal.value.findings[0].hint
    pretended = read((await fr.call("consent.show", id=CONSENT))["record"] | {"given_by": "parent"})
    assert await Forger(fr).send(6, request=again, consent=pretended, prev=await link(fr, 5)) == ("gate_g2", "rejected")
    assert (await fr.show(earlier))["reason"] is None
    anew = b64u(b"consent of others"[:16])
    await case.consent(child_assent="given", consent_id=anew, taken_on=day(1))
    again["header"] |= {"consent_ref": anew}
    assert (await fr.call("message.submit", **again))["id"]


async def test_what_was_said_of_asylum_closes_the_way_to_the_state_of_nationality(two: Two) -> None:
    """A referral to a country that is not that of the person said that asylum is sought. That the person is from there
    after all does not go there, whoever sends it, and the receiver does not take it in.
    """
    answers = [{"item_id": "name", "status": "given", "data_category": "identity", "in_person": True}]
    second = {"answers": answers, "person_identifying": {"pseudonym": "Mali", "nationalities": ["AL"]}}
    case = Case(two)
    await case.consent(child_assent="given")
    person = example("referral.request/1", "AL")["content"]["person"] | {"age_group": "child"}
    await case.referred(legal_status="asylum_pending", person=person | {"nationalities": ["XK"]})
    refusal = await case.refused(two.fr, "info.reply", **second)
    assert refusal.code is G5
    forger = Forger(two.fr)
    forged = case.message(two.fr, "info.reply", **second)
    assert await forger.send(3, request=forged, prev=await link(two.fr, 2)) == ("gate_g5", "rejected")


async def link(party: Party, n: int) -> str:
    """The link hash of a number that a node has used."""
    ((found,),) = await party.rows(f"select link from link_number where direction = 'out' and n = {n}")
    return str(found)


async def test_a_hold_that_a_person_placed_closes_the_way_to_the_state_of_nationality(two: Two) -> None:
    """At once, and for what waits: only a neutral reason may stop something. Another conversation about the person is
    held too. Two different people lift it.
    """
    case, fr = Case(two), two.fr
    await case.consent(child_assent="given")
    await case.referred()
    spoiler = Spoiler(fr)
    spoiler.away = True
    waiting = await case.queue(fr, "risk.assessment", **part("sending"))
    held = await fr.call("asylum.hold", id=CASE, by="Ana B.")
    assert held == {"id": CASE, "held": True, "states": ["AL"], "lost": 0}
    spoiler.away = False
    await case.stops(fr, waiting, "gate_g5")
    assert (await case.refused(fr, "risk.assessment", **part("sending"))).code is G5
    told = await case.refused(fr, "data.correction", path="/content/legal_status", new_value="asylum_pending")
    assert told.code is G5
    other = case.message(fr, "referral.request") | {"conversation": b64u(b"conversation two"[:16])}
    with pytest.raises(RefusedError) as refusal:
        await fr.call("message.submit", **other)
    assert refusal.value.code is G5
    (shown,) = (await fr.call("asylum.list"))["holds"]
    assert (shown["id"], shown["lift_wanted"]) == (CASE, False)
    assert (await fr.call("conversation.show", id=CASE))["asylum_hold"] is True
    assert (await two.al.call("conversation.show", id=CASE))["asylum_hold"] is False

    assert await fr.call("asylum.lift", id=CASE, by="Ana B.") == {"id": CASE, "held": True}
    with pytest.raises(RefusedError) as twice:
        await fr.call("asylum.lift", id=CASE, by="Ana B.")
    assert twice.value.code is Code.CONFLICT
    assert (await case.refused(fr, "risk.assessment", **part("sending"))).code is G5
    assert await fr.call("asylum.lift", id=CASE, by="Carl D.") == {"id": CASE, "held": False}
    await case.say(fr, "risk.assessment", **part("sending"))
    assert await fr.rows("select * from asylum_hold") == []


async def test_a_hold_over_a_stateless_person_keeps_from_all_until_a_state_is_named(two: Two) -> None:
    """Nobody told a nationality that names a State, so every recipient may be the one feared. What a person names is
    added to what stood there, a code that no list has is refused, and another conversation on the consent knows it.
    """
    case, fr = Case(two), two.fr
    person = example("referral.request/1", "AL")["content"]["person"] | {"age_group": "child", "nationalities": []}
    await case.consent(child_assent="given")
    await case.referred(person=person)
    await fr.call("asylum.hold", id=CASE, by="Ana B.")
    assert (await case.refused(fr, "risk.assessment", **part("sending"))).code is G5
    with pytest.raises(RefusedError) as unknown:
        await fr.call("asylum.hold", id=CASE, by="Ana B.", states=["MA", "Morocco"])
    assert [(one.place, one.rule) for one in unknown.value.findings] == [("/states", "unknown_code")]
    named = await fr.call("asylum.hold", id=CASE, by="Ana B.", states=["MA"])
    assert named["states"] == ["MA"]
    await case.say(fr, "risk.assessment", **part("sending"))
    assert (await fr.call("asylum.hold", id=CASE, by="Ben C.", states=["AL"]))["states"] == ["AL", "MA"]
    other = case.message(fr, "referral.request") | {"conversation": b64u(b"conversation two"[:16])}
    with pytest.raises(RefusedError) as refusal:
        await fr.call("message.submit", **other)
    assert refusal.value.code is G5
    assert [one["states"] for one in (await fr.call("asylum.list"))["holds"]] == [["AL", "MA"]]


async def test_a_hold_ends_with_the_last_of_what_it_lies_over(two: Two) -> None:
    """While another conversation relies on the same consent, the erasure of the held one opens no way; that of both
    takes the hold along, with the row that says what it lay over. Placed twice, it is one hold.
    """
    case, fr = Case(two), two.fr
    other = {"conversation": b64u(b"conversation two"[:16])}
    await case.consent(child_assent="given")
    await case.referred()
    Spoiler(fr).away = True
    person = example("referral.request/1", "AL")["content"]["person"] | {"age_group": "child"}
    about = {"person": person, "child": {"guardian_pending": True}}
    await fr.call("message.submit", **case.message(fr, "referral.request", **about) | other)
    for by in ("Ana B.", "Ben C."):
        await fr.call("asylum.hold", id=CASE, by=by)
    ((ref,),) = await fr.rows("select distinct ref from asylum_hold")
    how = {"by": "Ana B.", "reason": "not_needed"}
    await fr.call("conversation.erase", id=CASE, **how)
    assert [shown["id"] for shown in (await fr.call("asylum.list"))["holds"]] == [CASE]
    with pytest.raises(RefusedError) as refusal:
        await fr.call("message.submit", **case.message(fr, "referral.request") | other)
    assert refusal.value.code is G5
    await fr.call("conversation.erase", id=other["conversation"], **how)
    assert await fr.rows("select * from asylum_hold") == []
    assert await fr.rows(f"select * from sealed where ref = {ref}") == []
    assert "asylum.ended" in await leaves(fr)


async def leaves(party: Party) -> list[str]:
    """The events in the log of a party."""
    return [orjson.loads(data)["ev"] for _, data in await party.running.store.read(journal.leaves)]
