"""The chapters about the way home: from the assessed risks to the closed case, a child's return that waits for its
gates, and a withdrawal that crosses an acceptance and ends in a certificate of erasure.
"""

from __future__ import annotations

from gateway.cli.connection import call_node
from gateway.demo import proofs
from gateway.demo.cases import CHILD, MARKS, NUMBERS_IN_ALBANIA, THIRD
from gateway.demo.journey import Journey, Said
from gateway.demo.nodes import read_today
from gateway.demo.places import Country
from gateway.demo.stage import Stage
from gateway.demo.story import Message, refer_person
from gateway.errors import Code
from gateway.foundation.clock import SystemClock
from gateway.ports import Json


def _journey() -> Journey:
    return Journey(read_today(), SystemClock().now())


def bring_home(stage: Stage, case: Message, consent: str) -> None:
    """Assess the risks on each side, then together; propose, confirm and make the journey."""
    france, albania, said = stage.federation.france, stage.federation.albania, _journey()
    proposal = said.proposal(MARKS["pseudonym"], "adult")
    stage.people[france.code].refused(
        Code.GATE_G4, "message.submit", **_draft(stage, france, albania, case, proposal, consent)
    )
    stage.observed("without a risk assessment of both sides no journey is proposed (gate G4)")
    stage.act(france, "proposes a journey before the risks are assessed: refused by gate G4")
    _assess(stage, case, consent)
    stage.act(albania, "assesses the risks too, and both together: she can go")
    proposed = _say(stage, france, albania, case, proposal, consent)
    stage.act(france, "proposes the journey; now it goes")
    _say(stage, albania, france, case | {"id": proposed["id"]}, said.confirmation(), consent)
    stage.act(albania, "confirms: somebody will be there, and how they know each other")
    _stands(stage, case, "return_confirmed")
    _say(stage, france, albania, case, said.departure(), consent)
    stage.act(france, "reports that she has left")
    _say(stage, albania, france, case, said.arrival(), consent)
    stage.act(albania, "reports that she was met and is safe")
    _stands(stage, case, "arrived")


def close_case(stage: Stage, case: Message, consent: str) -> None:
    """Make a plan, follow up once, and close the case on both sides."""
    france, albania, said = stage.federation.france, stage.federation.albania, _journey()
    _say(stage, albania, france, case, said.plan(), consent)
    stage.act(albania, "agrees a plan with her, and visits her")
    _say(stage, albania, france, case, said.monitoring(), consent)
    closure = _say(stage, albania, france, case, said.closure(), consent)
    stage.act(albania, "proposes to close the case: what she wanted is reached")
    _say(stage, france, albania, case | {"id": closure["id"]}, said.agreed(), consent)
    stage.act(france, "agrees: the case is closed on both sides")
    _stands(stage, case, "closed")


def refer_child(stage: Stage) -> None:
    """Refer a child: refused by gate after gate until a guardian, the family's report, the determination and both
    sides' assessment are there; then it goes.
    """
    france, albania, said = stage.federation.france, stage.federation.albania, _journey()
    people, writer = stage.of(france)
    content = writer.consent(france, albania) | {"given_by": "person_and_guardian", "child_assent": "given"}
    child = str(people.ask("case.open", label=MARKS["pseudonym of the child"])["id"])
    consent = str(people.ask("consent.record", case=child, content=content)["id"])
    stage.act(france, f"{france.person} records the consent of the guardian and the assent of the child")
    case = _say(stage, france, albania, None, said.child(), consent, of_case=child)
    desk, _ = stage.of(albania)
    _, other = stage.of(albania)
    accepted = desk.at_the_desk(other.acceptance(france, case, consent, number=NUMBERS_IN_ALBANIA[CHILD]))
    stage.exchanged(albania, france, accepted["id"])
    proposal = said.proposal(MARKS["pseudonym of the child"], "child")

    def stopped(gate: Code, why: str) -> None:
        people.refused(gate, "message.submit", **_draft(stage, france, albania, case, proposal, consent))
        stage.observed(f"the child's return is refused: {why} (gate {gate[len('gate_') :].upper()})")
        stage.act(france, f"proposes the child's journey: refused, {why}")

    stopped(Code.GATE_G3, "no guardian")
    _say(stage, france, albania, case, said.guardian(), consent)
    stopped(Code.GATE_G3, "nothing is known of the family")
    asked = _say(stage, france, albania, case, said.family_asked(), consent)
    report = _say(stage, albania, france, case | {"id": asked["id"]}, said.family_found(), consent)
    stopped(Code.GATE_G3, "the best interests are not determined")
    _say(stage, france, albania, case, said.best_interests(report["id"]), consent)
    stopped(Code.GATE_G4, "the risks are not assessed together")
    _assess(stage, case, consent)
    proposed = _say(stage, france, albania, case, proposal, consent)
    desk.refused(
        Code.GATE_G3,
        "message.submit",
        **_draft(stage, albania, france, case | {"id": proposed["id"]}, said.confirmation(), consent),
    )
    stage.observed("Albania does not confirm before it has named a guardian too (gate G3)")
    _say(stage, albania, france, case, said.guardian(), consent)
    _say(stage, albania, france, case | {"id": proposed["id"]}, said.confirmation(), consent)
    stage.act(albania, "with all of it there, and a guardian in Albania too, the journey is confirmed")
    _stands(stage, case, "return_confirmed")


def cross_messages(stage: Stage) -> None:
    """Let a withdrawal in France cross Albania's acceptance: the withdrawal counts on both sides. Albania erases what
    it had, and France holds a certificate of erasure that anybody can verify.
    """
    france, albania = stage.federation.france, stage.federation.albania
    people, writer = stage.of(france)
    desk, other = stage.of(albania)
    referral, consent = refer_person(stage, THIRD, albania)
    stage.nodes.kill(france)
    stage.act(france, "✗ the node is down; the person comes and withdraws")
    accepted = desk.at_the_desk(other.acceptance(france, referral, consent, number=NUMBERS_IN_ALBANIA[THIRD]))
    stage.act(albania, "accepts meanwhile; the acceptance waits for France; then its node is down too")
    stage.nodes.kill(albania)
    call_node(
        france.node,
        "consent.withdraw",
        {"id": consent, "erase_wanted": True},
        passphrase_file=france.passphrase_file,
        token=people.token(),
    )
    stage.nodes.start([france])
    stage.nodes.start([albania])
    stage.act(albania, "both nodes are up again: what waited on each side crosses")
    withdrawal = stage.chronicle.wait(
        "the withdrawal in Albania",
        lambda e: e.country == albania.code and e.type == "consent.withdrawal/1" and e.state == "handed_over",
    )
    stage.chronicle.wait(
        "the acceptance to end",
        lambda e: e.country == albania.code and e.id == accepted["id"] and e.state in proofs.STOPPED,
    )
    stage.observed("the acceptance that met the withdrawal does not count, whichever of the two was first on the wire")
    views = [_standing(party.ask("conversation.show", id=referral["conversation"])) for party in (people, desk)]
    stage.demand(views[0] == views[1], f"both sides say the same of messages that crossed: {views[0]}")
    people.refused(Code.GATE_G7, "message.submit", **writer.answer(albania, referral, consent))
    stage.observed("after the withdrawal France's own node refuses to tell more (gate G7)")
    desk.refused(Code.GATE_G7, "message.submit", **other.question(france, referral, consent))
    stage.observed("after the withdrawal Albania's node refuses to ask more (gate G7)")
    stage.act(albania, "another question about the person: refused by gate G7")
    known: Message = {"id": withdrawal.id, "conversation": withdrawal.conversation}
    stage.written(albania, france, other.stopped(france, known, SystemClock().now()), '"stopped, nothing kept"')
    stage.observed("Albania acknowledged the withdrawal")
    desk.ask("erasure.follow", id=withdrawal.id)
    stage.act(albania, f"{albania.person} follows what was asked: keys first, then bytes, then the case system")
    proofs.prove_erasure(stage, referral)
    row = stage.systems.database.row(referral["id"])
    stage.demand(row == ("erased", False), "the row with the referral is empty in Albania's database")


def _assess(stage: Stage, case: Message, consent: str) -> None:
    """Let each side assess its part, then Albania both together."""
    france, albania, said = stage.federation.france, stage.federation.albania, _journey()
    ours = _say(stage, france, albania, case, said.assessment("sending"), consent)
    theirs = _say(stage, albania, france, case, said.assessment("receiving"), consent)
    joint = said.assessment("joint", based_on=[ours["id"], theirs["id"]])
    _say(stage, albania, france, case, joint, consent)


def _draft(
    stage: Stage, sender: Country, recipient: Country, case: Message | None, said: Said, consent: str
) -> dict[str, Json]:
    _, writer = stage.of(sender)
    return writer.said(said, recipient, case, consent)


def _say(
    stage: Stage,
    sender: Country,
    recipient: Country,
    case: Message | None,
    said: Said,
    consent: str,
    *,
    of_case: str | None = None,
) -> Message:
    """Write a message at the desk, release it by as many people as it takes, and wait until it arrives. `of_case` is
    whom it is about, where no conversation says so yet.
    """
    people, _ = stage.of(sender)
    named = {} if of_case is None else {"case": of_case}
    released = people.at_the_desk(_draft(stage, sender, recipient, case, said, consent) | named)
    stage.exchanged(sender, recipient, released["id"])
    return {"id": released["id"], "conversation": released["conversation"]}


def _stands(stage: Stage, case: Message, state: str) -> None:
    """Demand that both sides report this state of the conversation."""
    for country in (stage.federation.france, stage.federation.albania):
        shown = stage.people[country.code].ask("conversation.show", id=case["conversation"])
        found = _standing(shown)
        stage.demand(found.partition(" ")[0] == state, f"{country.code} says of the case: {found}")


def _standing(shown: dict[str, Json]) -> str:
    """Describe state and overlays of a conversation in words."""
    listed = shown["standing"]
    one = listed[0] if isinstance(listed, list) else None
    if not isinstance(one, dict) or not isinstance(one["overlays"], list):
        raise RuntimeError("a conversation tells its state")
    return " ".join([str(one["state"]), *map(str, one["overlays"])])
