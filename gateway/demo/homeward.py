"""The chapters about the way home: from the assessed risks to the closed case, a child's return that waits for its
gates, and a withdrawal that crosses an acceptance and ends in a certificate of erasure.
"""

from __future__ import annotations

from gateway.cli.connection import call_node
from gateway.demo import proofs
from gateway.demo.cases import CHILD, MARKS, NUMBERS_IN_ALBANIA, THIRD
from gateway.demo.cast import name_airport
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


def propose_journey(said: Journey, host: Country, home: Country, pseudonym: str, age_group: str) -> Said:
    """Propose the journey of a person from one country to the other."""
    start, goal = (name_airport(country.code, country.title) for country in (host, home))
    return said.proposal(pseudonym, age_group, start=start, goal=goal)


def bring_home(stage: Stage, case: Message, consent: str) -> None:
    """Assess the risks on each side, then together; propose, confirm and make the journey."""
    host, home, said = stage.federation.host, stage.federation.home, _journey()
    proposal = propose_journey(said, host, home, MARKS["pseudonym"], "adult")
    stage.people[host.code].refused(
        Code.GATE_G4, "message.submit", **_draft(stage, host, home, case, proposal, consent)
    )
    stage.observed("without a risk assessment of both sides no journey is proposed (gate G4)")
    stage.act(host, "proposes a journey before the risks are assessed: refused by gate G4")
    _assess(stage, case, consent)
    stage.act(home, "assesses the risks too, and both together: she can go")
    proposed = _say(stage, host, home, case, proposal, consent)
    stage.act(host, "proposes the journey; now it goes")
    _say(stage, home, host, case | {"id": proposed["id"]}, said.confirmation(), consent)
    stage.act(home, "confirms: somebody will be there, and how they know each other")
    _stands(stage, case, "return_confirmed")
    _say(stage, host, home, case, said.departure(), consent)
    stage.act(host, "reports that she has left")
    _say(stage, home, host, case, said.arrival(), consent)
    stage.act(home, "reports that she was met and is safe")
    _stands(stage, case, "arrived")


def close_case(stage: Stage, case: Message, consent: str) -> None:
    """Make a plan, follow up once, and close the case on both sides."""
    host, home, said = stage.federation.host, stage.federation.home, _journey()
    _say(stage, home, host, case, said.plan(), consent)
    stage.act(home, "agrees a plan with her, and visits her")
    _say(stage, home, host, case, said.monitoring(), consent)
    closure = _say(stage, home, host, case, said.closure(), consent)
    stage.act(home, "proposes to close the case: what she wanted is reached")
    _say(stage, host, home, case | {"id": closure["id"]}, said.agreed(), consent)
    stage.act(host, "agrees: the case is closed on both sides")
    _stands(stage, case, "closed")


def refer_child(stage: Stage) -> None:
    """Refer a child: refused by gate after gate until a guardian, the family's report, the determination and both
    sides' assessment are there; then it goes.
    """
    host, home, said = stage.federation.host, stage.federation.home, _journey()
    people, writer = stage.of(host)
    content = writer.consent(host, home) | {"given_by": "person_and_guardian", "child_assent": "given"}
    child = str(people.ask("case.open", label=MARKS["pseudonym of the child"])["id"])
    consent = str(people.ask("consent.record", case=child, content=content)["id"])
    stage.act(host, f"{host.person} records the consent of the guardian and the assent of the child")
    case = _say(
        stage,
        host,
        home,
        None,
        said.child([citizens] if (citizens := stage.federation.cast.home.citizens) else []),
        consent,
        of_case=child,
    )
    desk, _ = stage.of(home)
    _, other = stage.of(home)
    accepted = desk.at_the_desk(other.acceptance(host, case, consent, number=NUMBERS_IN_ALBANIA[CHILD]))
    stage.exchanged(home, host, accepted["id"])
    proposal = propose_journey(said, host, home, MARKS["pseudonym of the child"], "child")

    def stopped(gate: Code, why: str) -> None:
        people.refused(gate, "message.submit", **_draft(stage, host, home, case, proposal, consent))
        stage.observed(f"the child's return is refused: {why} (gate {gate[len('gate_') :].upper()})")
        stage.act(host, f"proposes the child's journey: refused, {why}")

    stopped(Code.GATE_G3, "no guardian")
    _say(stage, host, home, case, said.guardian(), consent)
    stopped(Code.GATE_G3, "nothing is known of the family")
    asked = _say(stage, host, home, case, said.family_asked(), consent)
    report = _say(stage, home, host, case | {"id": asked["id"]}, said.family_found(), consent)
    stopped(Code.GATE_G3, "the best interests are not determined")
    _say(stage, host, home, case, said.best_interests(report["id"]), consent)
    stopped(Code.GATE_G4, "the risks are not assessed together")
    _assess(stage, case, consent)
    proposed = _say(stage, host, home, case, proposal, consent)
    desk.refused(
        Code.GATE_G3,
        "message.submit",
        **_draft(stage, home, host, case | {"id": proposed["id"]}, said.confirmation(), consent),
    )
    stage.observed(f"{home.title} does not confirm before it has named a guardian too (gate G3)")
    _say(stage, home, host, case, said.guardian(), consent)
    _say(stage, home, host, case | {"id": proposed["id"]}, said.confirmation(), consent)
    stage.act(home, f"with all of it there, and a guardian in {home.title} too, the journey is confirmed")
    _stands(stage, case, "return_confirmed")


def cross_messages(stage: Stage) -> None:
    """Let a withdrawal in France cross Albania's acceptance: the withdrawal counts on both sides. Albania erases what
    it had, and France holds a certificate of erasure that anybody can verify.
    """
    host, home = stage.federation.host, stage.federation.home
    people, writer = stage.of(host)
    desk, other = stage.of(home)
    referral, consent = refer_person(stage, THIRD, home)
    stage.nodes.kill(host)
    stage.act(host, "✗ the node is down; the person comes and withdraws")
    accepted = desk.at_the_desk(other.acceptance(host, referral, consent, number=NUMBERS_IN_ALBANIA[THIRD]))
    stage.act(home, f"accepts meanwhile; the acceptance waits for {host.title}; then its node is down too")
    stage.nodes.kill(home)
    call_node(
        host.node,
        "consent.withdraw",
        {"id": consent, "erase_wanted": True},
        passphrase_file=host.passphrase_file,
        token=people.token(),
    )
    stage.nodes.start([host])
    stage.nodes.start([home])
    stage.act(home, "both nodes are up again: what waited on each side crosses")
    withdrawal = stage.chronicle.wait(
        f"the withdrawal in {home.title}",
        lambda e: e.country == home.code and e.type == "consent.withdrawal/1" and e.state == "handed_over",
    )
    stage.chronicle.wait(
        "the acceptance to end",
        lambda e: e.country == home.code and e.id == accepted["id"] and e.state in proofs.STOPPED,
    )
    stage.observed("the acceptance that met the withdrawal does not count, whichever of the two was first on the wire")
    views = [_standing(party.ask("conversation.show", id=referral["conversation"])) for party in (people, desk)]
    stage.demand(views[0] == views[1], f"both sides say the same of messages that crossed: {views[0]}")
    people.refused(Code.GATE_G7, "message.submit", **writer.answer(home, referral, consent))
    stage.observed(f"after the withdrawal {host.title}'s own node refuses to tell more (gate G7)")
    desk.refused(Code.GATE_G7, "message.submit", **other.question(host, referral, consent))
    stage.observed(f"after the withdrawal {home.title}'s node refuses to ask more (gate G7)")
    stage.act(home, "another question about the person: refused by gate G7")
    known: Message = {"id": withdrawal.id, "conversation": withdrawal.conversation}
    stage.written(home, host, other.stopped(host, known, SystemClock().now()), '"stopped, nothing kept"')
    stage.observed(f"{home.title} acknowledged the withdrawal")
    desk.ask("erasure.follow", id=withdrawal.id)
    stage.act(home, f"{home.person} follows what was asked: keys first, then bytes, then the case system")
    proofs.prove_erasure(stage, referral)
    row = stage.systems.database.row(referral["id"])
    stage.demand(row == ("erased", False), f"the row with the referral is empty in {home.title}'s database")


def _assess(stage: Stage, case: Message, consent: str) -> None:
    """Let each side assess its part, then Albania both together."""
    host, home, said = stage.federation.host, stage.federation.home, _journey()
    ours = _say(stage, host, home, case, said.assessment("sending"), consent)
    theirs = _say(stage, home, host, case, said.assessment("receiving"), consent)
    joint = said.assessment("joint", based_on=[ours["id"], theirs["id"]])
    _say(stage, home, host, case, joint, consent)


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
    for country in (stage.federation.host, stage.federation.home):
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
