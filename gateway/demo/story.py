"""The story in chapters, each a function over the stage. A chapter ends when the nodes themselves have reported its
outcome.
"""

from __future__ import annotations

import zipfile
from functools import partial

from adapters.sheet import htcds
from adapters.sheet.adapter import RESULTS
from gateway.demo.cases import FIRST, FOURTH, NUMBERS, NUMBERS_IN_ALBANIA, SECOND, THIRD
from gateway.demo.chronicle import wait_until
from gateway.demo.places import Country
from gateway.demo.stage import Stage
from gateway.errors import Code
from gateway.messages.machines.delivery import SENDING
from gateway.ports import Json

Message = dict[str, Json]
"""`id` and `conversation` of a released message."""


def pair_countries(stage: Stage, a: Country, b: Country) -> None:
    """Pair two countries: administrators exchange pairing files and compare 60 digits on the phone."""
    first, second = stage.people[a.code], stage.people[b.code]
    digits, same = first.propose(b), second.propose(a)
    stage.demand(digits == same, f"{a.code} and {b.code} compute the same 60 digits")
    stage.act(a, f"reads {b.title}'s pairing file, calls: {digits[:11]} ...")
    stage.act(b, f"reads {a.title}'s file, compares: {same[:11]} ...")
    wrong = f"{(int(digits[0]) + 1) % 10}{digits[1:]}"
    first.failing(Code.WRONG_NODE, lambda: first.type_digits(b, wrong))
    stage.observed(f"{a.code} refuses digits of which one is wrong")
    stage.demand(first.type_digits(b, digits) == "verified", f"one signature leaves {b.code} pending at {a.code}")
    stage.act(a, f"an administrator types the 60 digits and signs: {b.title} is verified")
    first.the_same_again(b)
    stage.observed(f"{a.code} refuses the same administrator as the second person")
    stage.act(a, f"a second administrator signs, as an emergency: {b.title} is {first.second(b)}")
    second.type_digits(a, same)
    stage.act(b, f"two administrators sign as well: {a.title} is {second.second(a)}")
    for here, there in ((first, b), (second, a)):
        wait_until(f"the trust record of {there.title}", partial(here.agreed, there))
    stage.demand(first.ping(b) > 0, f"the connection from {a.code} to {b.code} works in every step")


def ask_for_a_place(stage: Stage) -> None:
    """Ask Albania from a row of France's workbook whether it can take such a case, and answer from a row of Albania's
    database.
    """
    france, albania, database = stage.federation.france, stage.federation.albania, stage.systems.database
    enquiry = _ask(stage, FIRST, albania)
    stage.demand(database.row(enquiry["id"]) == ("new", True), "the enquiry is a row of Albania's database")
    desk, _ = stage.of(albania)
    desk.open(str(enquiry["id"]))
    stage.seen(france, enquiry["id"], "opened")
    stage.act(albania, "a program of the office inserts a row into its own table: yes, one place")
    reply = stage.drafted(albania, france, database.answer(enquiry, albania.person))
    stage.demand(_in_results(stage, reply), "France's result workbook shows the reply")


def ask_in_vain(stage: Stage) -> None:
    """Ask Morocco for another person; its web API answers no."""
    france, morocco, api = stage.federation.france, stage.federation.morocco, stage.systems.web
    enquiry = _ask(stage, FOURTH, morocco)
    stage.demand(api.received(enquiry["id"]), "the enquiry was posted to Morocco's web API, once")
    stage.act(morocco, "the office makes an item of its list ready: no, all places are taken")
    reply = stage.drafted(morocco, france, api.decline(enquiry, morocco.person))
    stage.demand(_in_results(stage, reply), "France's result workbook shows that Morocco has no place")


def _ask(stage: Stage, row: str, to: Country) -> Message:
    """Make an enquiry from a row and wait until it is in the other country's case system."""
    france = stage.federation.france
    people, _ = stage.of(france)
    stage.act(france, f"marks a row of the workbook: {htcds.READY_TO_ASK}")
    stage.workbook.mark(row, htcds.READY_TO_ASK)
    draft = people.draft_of(row)
    stage.act(france, f"{france.person} releases the enquiry; it names nobody")
    enquiry = people.release(draft)
    stage.exchanged(france, to, enquiry["id"])
    return enquiry


def refer_person(stage: Stage, row: str, to: Country, *, onward: bool = False) -> tuple[Message, str]:
    """Record a consent in a person's name and release the referral of a row with it; the consent is sent first.
    `onward` says whether the person agrees that whoever helps there is told.
    """
    france = stage.federation.france
    people, writer = stage.of(france)
    content = writer.consent(france, to, onward=onward)
    consent = str(people.ask("consent.record", number=NUMBERS[row], content=content)["id"])
    others = "who helps there" if onward else "nobody else"
    stage.act(france, f"{france.person} records a consent: this purpose, {to.title}, France and {others}")
    stage.workbook.mark(row, htcds.READY_TO_REFER)
    stage.act(france, f"marks a row of the workbook: {htcds.READY_TO_REFER}")
    draft = people.draft_of(row)
    people.refused(Code.GATE_G2, "draft.release", id=draft)
    stage.observed(f"without a consent, the referral to {to.code} is refused (gate G2)")
    stage.act(france, "release without a consent: refused by gate G2")
    stage.act(france, f"{france.person} releases the referral with the consent; it waits for a second person")
    people.ask("draft.release", id=draft, consent=consent)
    people.refused(Code.CONFLICT, "draft.release", id=draft)
    stage.observed("one person alone does not release a referral")
    stage.act(france, f"{france.second} releases it too")
    referral = people.ask_second("draft.release", id=draft)
    stage.exchanged(france, to, referral["id"])
    record = stage.chronicle.wait(
        f"the consent record in {to.title}",
        lambda e: (
            e.country == to.code
            and e.type == "consent.record/1"
            and e.state == "handed_over"
            and e.conversation == referral["conversation"]
        ),
    )
    arrived = stage.seen(to, referral["id"], "handed_over")
    stage.demand(
        record.seq < arrived.seq, f"the consent record reached {to.code} before the referral that relies on it"
    )
    return referral, consent


def ask_back(stage: Stage, referral: Message, consent: str) -> Message:
    """Let Albania ask one thing before it decides."""
    france, albania = stage.federation.france, stage.federation.albania
    _, writer = stage.of(albania)
    question = stage.written(albania, france, writer.question(france, referral, consent), "a question")
    stage.seen(france, referral["id"], "opened")
    stage.observed("a person's answer tells France that the referral was opened")
    return question


def survive_outage(stage: Stage, question: Message, consent: str) -> None:
    """Kill Albania's node; France keeps working, with Ukraine too; everything arrives when Albania is back."""
    france, albania = stage.federation.france, stage.federation.albania
    people, writer = stage.of(france)
    stage.nodes.kill(albania)
    stage.act(albania, "✗ POWER CUT: the node is killed")
    stage.act(france, f"{france.person} answers the question all the same")
    answer = people.ask("message.submit", **writer.answer(albania, question, consent))
    stage.workbook.mark(THIRD, htcds.READY_TO_ASK)
    draft = people.draft_of(THIRD)
    stage.act(france, f"{france.person} releases another enquiry to Albania")
    enquiry = people.release(draft)
    decline_referral(stage)
    waiting = {str(item["id"]): str(item["state"]) for item in _messages(stage, france, "out")}
    stage.demand(
        all(waiting[str(message["id"])] in set(SENDING) for message in (answer, enquiry)),
        "while Albania is away, two messages wait in France",
    )
    stage.timeline.note("France's messages to Albania wait, durably; nothing is lost")
    stage.act(albania, "the power is back: the node starts")
    stage.nodes.start([albania])
    for message in (answer, enquiry):
        stage.exchanged(france, albania, message["id"])
    stage.observed("everything arrived when Albania returned")


def decline_referral(stage: Stage) -> None:
    """Refer to Ukraine, where it becomes a case in Primero that a worker sees, and decline it with a reason."""
    france, ukraine = stage.federation.france, stage.federation.ukraine
    referral, consent = refer_person(stage, SECOND, ukraine, onward=True)
    stage.demand(
        stage.systems.primero.referred(referral["id"]),
        "the worker in Ukraine's Primero sees the case, referred to them",
    )
    stage.act(ukraine, "the worker finds the case in Primero, with consent, and looks for help in vain")
    desk, writer = stage.of(ukraine)
    desk.open(str(referral["id"]))
    stage.seen(france, referral["id"], "opened")
    unsaid = writer.decline(france, referral, consent)
    content = unsaid["content"]
    if not isinstance(content, dict):
        raise RuntimeError("a content is an object")
    answer = stage.written(ukraine, france, unsaid, f"a decline: {content['reason']}")
    stage.demand(_in_results(stage, answer), "France's result workbook shows Ukraine's decline and its reason")


def accept_referral(stage: Stage, referral: Message, consent: str) -> None:
    """Let Albania take the case."""
    france, albania = stage.federation.france, stage.federation.albania
    _, writer = stage.of(albania)
    accepted = writer.acceptance(france, referral, consent, number=NUMBERS_IN_ALBANIA[FIRST])
    acceptance = stage.written(albania, france, accepted, "the acceptance")
    stage.demand(_in_results(stage, acceptance), "France's result workbook shows the acceptance")


def _messages(stage: Stage, country: Country, direction: str) -> list[dict[str, Json]]:
    listed = stage.people[country.code].ask("message.list", direction=direction, limit=500)["messages"]
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _in_results(stage: Stage, message: Message) -> bool:
    """Whether the result workbook beside France's workbook has this message."""
    with zipfile.ZipFile(stage.federation.france.cases / RESULTS) as archive:
        return any(str(message["id"]).encode() in archive.read(name) for name in archive.namelist())
