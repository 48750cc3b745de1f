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
    host, home, database = stage.federation.host, stage.federation.home, stage.systems.database
    enquiry = _ask(stage, FIRST, home)
    stage.demand(database.row(enquiry["id"]) == ("new", True), f"the enquiry is a row of {home.title}'s database")
    desk, _ = stage.of(home)
    desk.open(str(enquiry["id"]))
    stage.seen(host, enquiry["id"], "opened")
    stage.act(home, "a program of the office inserts a row into its own table: yes, one place")
    reply = stage.drafted(home, host, database.answer(enquiry, home.person))
    stage.demand(_in_results(stage, reply), f"{host.title}'s result workbook shows the reply")


def ask_in_vain(stage: Stage, full: Country) -> None:
    """Ask the country that has no place, for another person; its web API answers no."""
    host, api = stage.federation.host, stage.systems.web
    enquiry = _ask(stage, FOURTH, full)
    stage.demand(api.received(enquiry["id"]), f"the enquiry was posted to {full.title}'s web API, once")
    stage.act(full, "the office makes an item of its list ready: no, all places are taken")
    reply = stage.drafted(full, host, api.decline(enquiry, full.person))
    stage.demand(_in_results(stage, reply), f"{host.title}'s result workbook shows that {full.title} has no place")


def _ask(stage: Stage, row: str, to: Country) -> Message:
    """Make an enquiry from a row and wait until it is in the other country's case system."""
    host = stage.federation.host
    people, _ = stage.of(host)
    stage.act(host, f"marks a row of the workbook: {htcds.READY_TO_ASK}")
    stage.workbook.mark(row, htcds.READY_TO_ASK)
    draft = people.draft_of(row)
    stage.act(host, f"{host.person} releases the enquiry; it names nobody")
    enquiry = people.release(draft)
    stage.exchanged(host, to, enquiry["id"])
    return enquiry


def refer_person(stage: Stage, row: str, to: Country, *, onward: bool = False) -> tuple[Message, str]:
    """Record a consent in a person's name and release the referral of a row with it; the consent is sent first.
    `onward` says whether the person agrees that whoever helps there is told.
    """
    host = stage.federation.host
    people, writer = stage.of(host)
    content = writer.consent(host, to, onward=onward)
    consent = str(people.ask("consent.record", number=NUMBERS[row], content=content)["id"])
    others = "who helps there" if onward else "nobody else"
    stage.act(host, f"{host.person} records a consent: this purpose, {to.title}, {host.title} and {others}")
    stage.workbook.mark(row, htcds.READY_TO_REFER)
    stage.act(host, f"marks a row of the workbook: {htcds.READY_TO_REFER}")
    draft = people.draft_of(row)
    people.refused(Code.GATE_G2, "draft.release", id=draft)
    stage.observed(f"without a consent, the referral to {to.code} is refused (gate G2)")
    stage.act(host, "release without a consent: refused by gate G2")
    stage.act(host, f"{host.person} releases the referral with the consent; it waits for a second person")
    people.ask("draft.release", id=draft, consent=consent)
    people.refused(Code.CONFLICT, "draft.release", id=draft)
    stage.observed("one person alone does not release a referral")
    stage.act(host, f"{host.second} releases it too")
    referral = people.ask_second("draft.release", id=draft)
    stage.exchanged(host, to, referral["id"])
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
    host, home = stage.federation.host, stage.federation.home
    _, writer = stage.of(home)
    question = stage.written(home, host, writer.question(host, referral, consent), "a question")
    stage.seen(host, referral["id"], "opened")
    stage.observed(f"a person's answer tells {host.title} that the referral was opened")
    return question


def survive_outage(stage: Stage, question: Message, consent: str) -> None:
    """Kill Albania's node; France keeps working, with Ukraine too; everything arrives when Albania is back."""
    host, home = stage.federation.host, stage.federation.home
    people, writer = stage.of(host)
    stage.nodes.kill(home)
    stage.act(home, "✗ POWER CUT: the node is killed")
    stage.act(host, f"{host.person} answers the question all the same")
    answer = people.ask("message.submit", **writer.answer(home, question, consent))
    stage.workbook.mark(THIRD, htcds.READY_TO_ASK)
    draft = people.draft_of(THIRD)
    stage.act(host, f"{host.person} releases another enquiry to {home.title}")
    enquiry = people.release(draft)
    if stage.federation.declining is not None:
        decline_referral(stage, stage.federation.declining)
    waiting = {str(item["id"]): str(item["state"]) for item in _messages(stage, host, "out")}
    stage.demand(
        all(waiting[str(message["id"])] in set(SENDING) for message in (answer, enquiry)),
        f"while {home.title} is away, two messages wait in {host.title}",
    )
    stage.timeline.note(f"{host.title}'s messages to {home.title} wait, durably; nothing is lost")
    stage.act(home, "the power is back: the node starts")
    stage.nodes.start([home])
    for message in (answer, enquiry):
        stage.exchanged(host, home, message["id"])
    stage.observed(f"everything arrived when {home.title} returned")


def decline_referral(stage: Stage, declining: Country) -> None:
    """Refer to Ukraine, where it becomes a case in Primero that a worker sees, and decline it with a reason."""
    host = stage.federation.host
    referral, consent = refer_person(stage, SECOND, declining, onward=True)
    stage.demand(
        stage.systems.primero.referred(referral["id"]),
        f"the worker in {declining.title}'s Primero sees the case, referred to them",
    )
    stage.act(declining, "the worker finds the case in Primero, with consent, and looks for help in vain")
    desk, writer = stage.of(declining)
    desk.open(str(referral["id"]))
    stage.seen(host, referral["id"], "opened")
    unsaid = writer.decline(host, referral, consent)
    content = unsaid["content"]
    if not isinstance(content, dict):
        raise RuntimeError("a content is an object")
    answer = stage.written(declining, host, unsaid, f"a decline: {content['reason']}")
    stage.demand(
        _in_results(stage, answer), f"{host.title}'s result workbook shows {declining.title}'s decline and its reason"
    )


def accept_referral(stage: Stage, referral: Message, consent: str) -> None:
    """Let Albania take the case."""
    host, home = stage.federation.host, stage.federation.home
    _, writer = stage.of(home)
    accepted = writer.acceptance(host, referral, consent, number=NUMBERS_IN_ALBANIA[FIRST])
    acceptance = stage.written(home, host, accepted, "the acceptance")
    stage.demand(_in_results(stage, acceptance), f"{host.title}'s result workbook shows the acceptance")


def _messages(stage: Stage, country: Country, direction: str) -> list[dict[str, Json]]:
    listed = stage.people[country.code].ask("message.list", direction=direction, limit=500)["messages"]
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _in_results(stage: Stage, message: Message) -> bool:
    """Whether the result workbook beside France's workbook has this message."""
    with zipfile.ZipFile(stage.federation.host.cases / RESULTS) as archive:
        return any(str(message["id"]).encode() in archive.read(name) for name in archive.namelist())
