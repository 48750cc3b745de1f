"""Cases that are found, assigned and flagged: compared with a plain scan of everything that is there."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from integration.cases.test_units import SECOND_UNIT, SHELTER, asked
from sqlalchemy import Connection
from support.acting import enrolled, id_of
from support.canary import Scanner
from support.enrolled import enrol
from support.nodeproc import UNIT
from support.pair import Party, Two, two_nodes
from support.persons import ANA, BEN, agreed, case_of, changed, referral, referred

from gateway.cases import found as found_cases
from gateway.cases import store as cases
from gateway.cases import words
from gateway.cases.found import TalkWords
from gateway.cases.store import CaseRow
from gateway.conversations import case_words, status_updates
from gateway.errors import RefusedError
from gateway.foundation.ids import CaseId
from gateway.operations.roles import Caller, Role
from keys.primitives.encoding import b64u

DAY = 86_400
COLOURS, THINGS = ("Blue", "Green", "Red"), ("boat", "sea", "bluebell", "stone")
PSEUDONYMS = ("Erë", "Marigold", "Zara")
LANGUAGES = ("sq", "ar", "uk")
FOCAL = Caller(roles=frozenset({Role.CASE_WORKER}), unit=UNIT, person=id_of(ANA))
EVERYBODY = Caller(roles=frozenset({Role.CASE_WORKER}), person=id_of(ANA))


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """France has a second unit."""
    async with two_nodes(tmp_path) as made:
        await made.fr.stop()
        settings = made.fr.folder / "node.toml"
        settings.write_text(settings.read_text() + SECOND_UNIT)
        await made.fr.start()
        yield made


@dataclass
class Told:
    """What a plain scan goes by: what was done with one case."""

    label: str
    number: str
    unit: str = UNIT
    pseudonym: str = ""
    language: str = ""
    reference: str = ""
    mine: bool = False
    flagged: bool = False
    peer: bool = False
    """Whether it was referred to Albania."""


async def filled(two: Two, rng: random.Random) -> dict[str, Told]:
    """A dozen cases of two units, some of them referred, some of those withdrawn, with flags and people."""
    fr, told = two.fr, dict[str, Told]()
    await enrolled(fr.running, ANA)
    for number in range(12):
        one = Told(label=f"{rng.choice(COLOURS)} {rng.choice(THINGS)} {number}", number=f"F-{number}")
        case = (await fr.call("case.open", label=one.label, number=one.number, by=ANA))["id"]
        if number % 2:
            await sent(two, one, case, rng)
        if rng.random() < 0.4:
            one.unit = "shelter"
            await fr.call("case.hand_over", id=case, unit="shelter", reason="she moved", by=ANA)
        elif not one.peer:
            await fr.call("case.hand_over", id=case, unit=UNIT, reason="she came", by=ANA)
        if rng.random() < 0.4:
            await fr.call("case.assign", id=case, worker=id_of(ANA), by=BEN)
            one.mine = True
        if rng.random() < 0.4:
            await fr.call("case.flag", id=case, text="call before noon", by=ANA)
            one.flagged = True
        told[case] = one
    return told


async def sent(two: Two, one: Told, case: str, rng: random.Random) -> None:
    """Refer the person to Albania; what is taken back goes on until Albania has acknowledged it."""
    consent, talk = b64u(f"consent of {one.number:<7}".encode()[:16]), b64u(f"talk of {one.number:<9}".encode()[:16])
    await agreed(two.fr, one.number, consent)
    request = referral(one.number, consent, conversation=talk)
    one.pseudonym, one.language, one.peer = rng.choice(PSEUDONYMS), rng.choice(LANGUAGES), True
    request["content"]["person"] |= {
        "pseudonym": one.pseudonym,
        "languages": [{"language": one.language, "level": "first"}],
    }
    id = (await two.fr.call("message.submit", **request))["id"]
    await two.until(lambda: any(d.message_id == id for d in two.al.deliveries()), seconds=60, what="it arrives")
    one.reference = (await two.fr.show(id))["header"]["case_ref_sender"]
    if rng.random() < 0.3:
        await two.fr.call("consent.withdraw", id=consent, by=ANA)


def is_wanted(one: Told, wanted: Mapping[str, Any], unit: str | None) -> bool:
    """The plain scan: each wish by itself."""
    typed = str(wanted.get("text", "")).lower().split()
    texts = (one.label, one.number, one.reference, one.pseudonym)
    there = [piece for text in texts for piece in text.lower().split()]
    return (
        all(any(piece.startswith(word) for piece in there) for word in typed)
        and wanted.get("peer") in (None, "AL" if one.peer else "")
        and wanted.get("language") in (None, one.language)
        and wanted.get("unit") in (None, one.unit)
        and unit in (None, one.unit)
        and (not wanted.get("mine") or one.mine)
        and (not wanted.get("flagged") or one.flagged)
        and not wanted.get("closed")
    )


def drawn(told: Mapping[str, Told], rng: random.Random) -> dict[str, Any]:
    """What somebody asks for."""
    one = rng.choice([*told.values()])
    texts = ("blue", "gre", "bl se", one.label, one.number.lower(), one.reference, one.pseudonym[:3], "nobody", "")
    wishes = {
        "text": rng.choice(texts),
        "peer": "AL",
        "language": rng.choice(LANGUAGES),
        "unit": rng.choice((UNIT, "shelter")),
        "mine": True,
        "flagged": True,
        "closed": True,
        "sort": rng.choice(("due", "rests", "newest")),
    }
    return {name: wishes[name] for name in rng.sample([*wishes], rng.randint(0, 3))}


async def found(fr: Party, caller: Caller, wanted: Mapping[str, Any], limit: int) -> list[str]:
    """Every page."""
    cases, cursor = list[str](), None
    while True:
        page = await asked(
            fr, caller, "case.find", {**wanted, "limit": limit, **({"cursor": cursor} if cursor else {})}
        )
        cases += [one["id"] for one in page["cases"]]
        cursor = page["next"]
        if cursor is None:
            return cases


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.deep), pytest.param(3, marks=pytest.mark.deep)])
async def test_what_is_found_is_what_a_scan_finds(two: Two, seed: int) -> None:
    """For a caller of no unit, of the one and of the other; each case once over all pages, and the counts agree."""
    rng = random.Random(seed)
    told = await filled(two, rng)
    for _ in range(60):
        wanted, caller = drawn(told, rng), rng.choice((EVERYBODY, FOCAL, SHELTER))
        cases = await found(two.fr, caller, wanted, rng.randint(1, 5))
        mine = caller.person == id_of(ANA)
        scan = {
            id: one
            for id, one in told.items()
            if is_wanted(one, wanted, caller.unit) and (mine or not wanted.get("mine"))
        }
        assert (sorted(cases), len(cases)) == (sorted(scan), len(set(cases))), (wanted, caller.unit)
    counts = (await asked(two.fr, EVERYBODY, "case.find", {}))["counts"]
    there = [*told.values()]
    assert (counts["open"], counts["closed"]) == (len(there), 0)
    assert (counts["mine"], counts["flagged"]) == (sum(one.mine for one in there), sum(one.flagged for one in there))


async def test_a_row_says_what_is_next(two: Two) -> None:
    """With whom, in which stage, who owes what until when, and that it is late once it is; who the person is."""
    consent, talk = b64u(b"consent of her.."), b64u(b"conversation one")
    await agreed(two.fr, "F-1", consent)
    content = referral("F-1", consent)["content"]
    person = content["person"] | {"gender": "Feminine"}
    await referred(two, "F-1", consent, conversation=talk, content=content | {"person": person})
    case = await case_of(two.fr, talk)
    (row,) = (await two.fr.call("case.find", owes="them"))["cases"]
    assert (row["id"], row["number"], row["stage"], row["closed"]) == (case, "F-1", "referral", False)
    assert row["units"] == (await two.fr.call("case.show", id=case))["units"] == [UNIT]
    assert [(one["peer"], len(one["reference"])) for one in row["peers"]] == [("AL", 14)]
    assert (row["next"]["owes"], row["next"]["what"], row["next"]["peer"]) == ("them", "opened", "AL")
    assert (row["next"]["overdue"], row["theirs"]) == (False, row["next"]["until"])
    assert (row["age_group"], row["child"], row["gender"]) == ("adult", False, "Feminine")
    assert (await two.fr.call("case.find", overdue=True))["cases"] == []
    for _ in range(3):
        two.clock.advance(5 * DAY)
    (there,) = (await two.al.call("case.find", owes="us"))["cases"]
    assert there["next"]["owes"] == "us"
    (late,) = (await two.fr.call("case.find", overdue=True, stage="referral", peer="AL"))["cases"]
    assert (late["id"], late["next"]["overdue"], late["moved"]) == (case, True, row["moved"])
    assert (await two.fr.call("case.find", stage="monitoring"))["cases"] == []


async def test_no_word_gives_a_unit_a_case(two: Two) -> None:
    """A caller of one unit is shown what is sealed as of that unit, whatever the words in the database say."""
    fr, consent, talk = two.fr, b64u(b"consent of her.."), b64u(b"conversation one")
    await agreed(fr, "F-1", consent)
    await referred(two, "F-1", consent, conversation=talk)
    await fr.call("case.find")
    (hashed,) = fr.running.sealer.word_indexes([words.unit("shelter")])
    forged = "insert into conversation_word (word, conversation, peer) select ?, conversation, peer from conversation"
    await fr.running.store.move(lambda c: c.exec_driver_sql(forged, (hashed,)))
    page = await asked(fr, SHELTER, "case.find", {})
    assert (page["cases"], page["total"]) == ([], 1)
    (row,) = (await asked(fr, FOCAL, "case.find", {}))["cases"]
    assert row["id"] == await case_of(fr, talk)


async def test_two_cases_that_became_one_are_found_as_one(two: Two) -> None:
    """By what the conversations of either say, and by the card that is left; as two again once they were split."""
    fr = two.fr
    one, other = [(await fr.call("case.open", label=label, by=ANA))["id"] for label in ("Blue", "Sea")]
    consent, talk = b64u(b"consent of her.."), b64u(b"conversation one")
    await agreed(fr, "F-1", consent)
    await referred(two, "F-1", consent, conversation=talk)
    third = await case_of(fr, talk)

    async def ids(text: str) -> set[str]:
        return {row["id"] for row in (await fr.call("case.find", text=text))["cases"]}

    assert (await ids("blue"), await ids("sea"), await ids("erë")) == ({one}, {other}, {third})
    merged = await changed(fr, "case.merge", id=third, into=one)
    assert (await ids("blue"), await ids("erë"), await ids("F-1")) == ({one}, {one}, {one})
    await fr.call("case.undo", id=merged["change"], by=ANA)
    await fr.call("case.confirm", id=merged["change"], by=BEN)
    assert (await ids("blue"), await ids("erë"), await ids("F-1")) == ({one}, {third}, {third})


async def test_what_was_erased_is_found_by_nothing(two: Two) -> None:
    """In the transaction that erases, not a minute later: no word of the person is left in the database."""
    fr, consent, talk = two.fr, b64u(b"consent of her.."), b64u(b"conversation one")
    await agreed(fr, "F-1", consent)
    sent = await referred(two, "F-1", consent, conversation=talk)
    assert [row["number"] for row in (await fr.call("case.find", text="erë"))["cases"]] == ["F-1"]
    (hashed,) = fr.running.sealer.word_indexes([*words.asked("Erë")])
    holding = f"select count(*) from conversation_word where word = x'{hashed.hex()}'"
    assert await fr.rows(holding) == [(1,)]
    await fr.call("message.erase", id=sent["id"], by=ANA, reason="not_needed")
    assert await fr.rows(holding) == [(0,)]
    assert (await fr.call("case.find", text="erë"))["cases"] == []


async def test_what_was_read_before_it_was_erased_is_not_written_after(two: Two) -> None:
    """A look that began before an erasure, or before a card was changed, writes nothing of what it read."""
    fr, consent, talk = two.fr, b64u(b"consent of her.."), b64u(b"conversation one")
    await agreed(fr, "F-1", consent)
    sent = await referred(two, "F-1", consent, conversation=talk)
    store, case = fr.running.store, (await fr.call("case.open", label="Sea", by=ANA))["id"]
    await fr.call("case.find")
    row = (await store.read(lambda c: cases.get(c, [CaseId(case)])))[CaseId(case)]
    ((index, peer, changes),) = await fr.rows("select conversation, peer, changes from conversation")
    late = TalkWords(key=(index, peer), changes=changes, words=[b"read before"], moved=1, stage=None)
    await fr.call("message.erase", id=sent["id"], by=ANA, reason="not_needed")
    await fr.call("case.label", id=case, label="Blue", by=ANA)
    assert await fr.rows(f"select * from case_word where case_id = '{case}'") == []

    def write(connection: Connection) -> None:
        found_cases.write_talks(connection, [late])
        found_cases.write_case(connection, row, [b"read before"])

    await store.move(write)
    for table in ("case_word", "conversation_word"):
        assert await fr.rows(f"select * from {table} where word = cast('read before' as blob)") == []


async def test_who_waits_does_not_wait_for_what_comes_later(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a steady load another case has changed whenever words were written: the list of who asked still comes."""
    fr = two.fr
    for number in range(3):
        await fr.call("case.open", label=f"Sea {number}", by=ANA)
    node, written = fr.running, itertools.count()
    ordinary = found_cases.write_case

    def overtaken(connection: Connection, row: CaseRow, said: Collection[bytes]) -> bool:
        stands = ordinary(connection, row, said)
        if next(written) < 60:
            connection.exec_driver_sql("update cases set worded = 0")
        return stands

    monkeypatch.setattr(case_words, "EACH", 1)
    monkeypatch.setattr(found_cases, "write_case", overtaken)
    await node.case_words.keep()
    assert 3 <= next(written) < 60  # three of who waited, and those of a minute that ended meanwhile


LISTS = ("case.find", "case.list", "conversation.list", "conversation.due")


@pytest.mark.parametrize(
    ("module", "step", "lists"),
    [(status_updates.rows_of, "to_fold", LISTS), (case_words.found, "talks_behind", LISTS[:1])],
    ids=["folding", "words"],
)
async def test_a_list_comes_before_all_is_worked_in(
    module: Any, step: str, lists: Collection[str], two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More changes than a node works in: each list is answered as it stands and says so, at once where that is asked,
    the page of one case waits for that case alone, and once all is worked in the lists say that, too.
    """
    fr, released, ordinary = two.fr, threading.Event(), getattr(module, step)
    consent = await agreed(fr, "fr-1", b64u(b"consent of a sea"[:16]))
    case = await case_of(fr, (await referred(two, "fr-1", consent))["conversation"])

    def held(*asked: Any) -> Any:
        released.wait(240)
        return ordinary(*asked)

    for place in (status_updates, case_words):
        monkeypatch.setattr(place, "PATIENCE", 0.05)
    monkeypatch.setattr(module, step, held)
    try:
        for name in lists:
            assert (await fr.call(name))["unsettled"], name
        for place in (status_updates, case_words):
            monkeypatch.setattr(place, "PATIENCE", 240)
        assert (await fr.call("case.find", at_once=True))["unsettled"]
        assert (await fr.call("case.show", id=case))["conversations"][0]["state"] == "delivered"
        assert (await fr.call("case.course", id=case))["standing"]
    finally:
        released.set()
    for place in (status_updates, case_words):
        monkeypatch.setattr(place, "PATIENCE", 60.0)
    for name in lists:
        assert not (await fr.call(name))["unsettled"], name


async def test_nothing_of_it_lies_in_the_database_in_clear(two: Two) -> None:
    """Neither labels, flags, the person who looks after it, nor what was searched for: the files of the node and its
    log are looked through in every encoding.
    """
    fr = two.fr
    marks = {
        "label": "Quillwort",
        "number": "Larkspur",
        "flag": "Tamarind",
        "question": "Wisteria",
        "word": "quillwort",
    }
    case = (await fr.call("case.open", label=marks["label"], number=marks["number"], by=ANA))["id"]
    await fr.call("case.flag", id=case, text=marks["flag"], by=ANA)
    assert len((await fr.call("case.find", text="quillw"))["cases"]) == 1
    assert (await fr.call("case.find", text=marks["question"]))["cases"] == []
    await fr.running.store.checkpoint(truncate=True)
    assert [*Scanner.of(marks).folders([fr.folder])] == []


REFUSED = {
    "a stage of no procedure": ("case.find", {"stage": "later"}, "no such stage in the procedure of this region"),
    "a cursor of another list": ("case.find", {"cursor": "17.x"}, "the cursor is not valid"),
    "a peer that is none": ("case.find", {"peer": "XX"}, ""),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_wrong_question_is_refused(two: Two, name: str) -> None:
    """In words that say what was wrong."""
    operation, arguments, told = REFUSED[name]
    with pytest.raises(RefusedError) as caught:
        await two.fr.call(operation, **arguments)
    assert told in caught.value.what


async def test_who_looks_after_a_case_is_somebody_of_its_unit(two: Two) -> None:
    """Not a stranger, not somebody of another unit; it changes nobody's rights, and the next unit begins anew."""
    fr = two.fr
    await enrolled(fr.running, ANA)
    case = (await fr.call("case.open", label="Blue", by=ANA))["id"]
    await fr.call("case.hand_over", id=case, unit=UNIT, reason="she came", by=ANA)
    with pytest.raises(RefusedError, match="no such person here"):
        await fr.call("case.assign", id=case, worker=id_of("nobody"), by=ANA)
    await fr.call("case.assign", id=case, worker=id_of(ANA), by=ANA)
    (row,) = (await asked(fr, FOCAL, "case.find", {"mine": True}))["cases"]
    assert (row["worker"], row["units"]) == (id_of(ANA), [UNIT])
    assert (await asked(fr, SHELTER, "case.find", {}))["cases"] == []
    await fr.call("case.assign", id=case, by=ANA)
    assert (await asked(fr, FOCAL, "case.find", {"mine": True}))["cases"] == []
    await fr.call("case.assign", id=case, worker=id_of(ANA), by=ANA)
    await fr.call("case.hand_over", id=case, unit="shelter", reason="she moved", by=ANA)
    (row,) = (await fr.call("case.find"))["cases"]
    assert (row["worker"], row["units"]) == (None, ["shelter"])
    await fr.call("case.assign", id=case, worker=id_of(ANA), by=ANA)  # of no unit: she works for all of them
    here = await enrol(fr.running, "somebody of the focal point", Role.CASE_WORKER, unit=UNIT)
    with pytest.raises(RefusedError, match="a unit that does not look after the case"):
        await fr.call("case.assign", id=case, worker=here.id, by=ANA)
    (row,) = (await fr.call("case.find"))["cases"]
    assert row["worker"] == id_of(ANA)


async def test_flags_are_few_and_go_by_their_words(two: Two) -> None:
    """Five at most; the same words once; what is not there cannot be taken off."""
    fr = two.fr
    case = (await fr.call("case.open", label="Blue", by=ANA))["id"]
    for number in (0, 0, 1, 2, 3, 4):
        await fr.call("case.flag", id=case, text=f"flag {number}", by=ANA)
    with pytest.raises(RefusedError, match="5 flags at most"):
        await fr.call("case.flag", id=case, text="one more", by=ANA)
    await fr.call("case.unflag", id=case, text="flag 0", by=ANA)
    with pytest.raises(RefusedError, match="no such flag"):
        await fr.call("case.unflag", id=case, text="flag 0", by=ANA)
    (row,) = (await fr.call("case.find", flagged=True))["cases"]
    assert (row["id"], row["flags"]) == (CaseId(case), [f"flag {number}" for number in (1, 2, 3, 4)])
