"""An auditor reads what was done in a case: who acted, on which basis, who saw it, what was erased where, and whether
the log holds; the person and what messages say stand in none of it.
"""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pypdf import PdfReader
from support.nodeproc import UNIT
from support.pair import Two, two_nodes
from support.persons import ANA, BEN, agreed, case_of, referred
from support.shapes import misfits

from gateway.console.papers.case_history import HistoryText
from gateway.console.papers.pdf import Foot, Look, print_paper
from gateway.console.words import load_words
from gateway.errors import Code, RefusedError
from gateway.node.rows import ROWS
from gateway.operations.registry import visible
from gateway.operations.roles import Caller, Role
from keys.primitives.encoding import b64u

HERS, TALK = b64u(b"consent of her.."), b64u(b"conversation one")
LABEL = "Blaue Tulpe"
AUDITOR = Caller(roles=frozenset({Role.AUDITOR}), person=b64u(b"the auditor....."))


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """A referral from France to Albania that relies on a consent; the case has a label."""
    async with two_nodes(tmp_path) as made:
        await agreed(made.fr, "F-1", HERS)
        await referred(made, "F-1", HERS, conversation=TALK)
        await made.fr.call("case.label", id=await case_of(made.fr, TALK), label=LABEL, by=ANA)
        yield made


async def history(two: Two, caller: Caller = AUDITOR) -> Any:
    """The history of the case at France, as the API gives it to this caller."""
    done = await two.fr.running.desk.call("audit.case", {"id": await case_of(two.fr, TALK)}, caller=caller)
    return visible(caller, ROWS["audit.case"], done.value)


async def test_it_tells_who_acted_on_which_basis_and_what_proves_it(two: Two) -> None:
    """The consent, who released the referral, that it left; each with its entry, and all messages of the case."""
    told = await history(two)
    assert misfits("audit.case", told) == []
    assert (told["verdict"], told["broken_at"], told["missing"]) == ("complete", None, 0)
    by_event = {}
    for act in told["acts"]:
        by_event.setdefault(act["event"], []).append(act)
    (recorded,) = by_event["consent.recorded"]
    assert recorded["by"] == [{"kind": "person", "name": ANA}]
    (queued,) = [one for one in by_event["message.queued"] if one["message"]["kind"] == "referral.request/1"]
    assert [one["kind"] for one in queued["by"]] == ["person", "person"]
    assert queued["basis"]["consent"] == recorded["at"]
    assert queued["basis"]["legal_basis"] != []
    assert len(by_event["message.departed"]) == len(by_event["message.queued"])
    leaves = {one["seq"]: one for one in (await two.fr.call("audit.list", limit=500))["entries"]}
    assert all(leaves[act["entry"]]["event"] == act["event"] for act in told["acts"])


async def test_the_person_and_what_was_said_stand_in_none_of_it(two: Two) -> None:
    """Neither the label nor the pseudonym, nor any text of a message; the number and the references do."""
    told = await history(two)
    text = json.dumps(told, ensure_ascii=False)
    found = (await two.fr.call("message.list", conversation=TALK))["messages"]
    referral = await two.fr.call("message.show", id=next(m["id"] for m in found if m["type"] == "referral.request/1"))
    said = [LABEL, TALK, HERS, referral["content"]["person"]["pseudonym"]]
    assert [one for one in said if one in text] == []
    assert told["number"] == "F-1"
    assert [one["peer"] for one in told["references"]] == ["AL"]


async def test_a_look_at_it_is_a_look(two: Two) -> None:
    """Whoever reads the history stands in it from then on."""
    await history(two)
    looks = (await history(two))["looks"]
    assert ("case", "person") in [(one["what"], one["by"]["kind"]) for one in looks]
    assert (await history(two))["acts"] == (await history(two))["acts"]


async def test_what_was_erased_is_told_by_place(two: Two) -> None:
    """Here at once; the peer has not said so."""
    before = {one["place"]: one for one in (await history(two))["erased"]}
    assert (before["here"]["erased"], before["peer"]["erased"]) == (0, 0)
    found = (await two.fr.call("message.list", conversation=TALK))["messages"]
    await two.fr.call("message.erase", id=found[0]["id"], by=ANA, reason="not_needed")
    told = await history(two)
    after = {one["place"]: one for one in told["erased"]}
    assert (after["here"]["erased"], after["here"]["messages"]) == (1, len(found))
    erased = [one for one in told["acts"] if one["event"] == "message.erased"]
    assert [one["by"] for one in erased] == [[{"kind": "person", "name": ANA}]]
    assert told["verdict"] == "complete"


async def test_a_log_that_was_changed_is_named_before_all_else(two: Two) -> None:
    """One byte of one entry: the verdict says so, and where."""
    await two.fr.running.log.checkpoint()
    await two.fr.running.store.move(
        lambda c: c.exec_driver_sql("update audit set leaf = replace(leaf, 'node.made', 'node.mode') where seq = 1")
    )
    told = await history(two)
    assert (told["verdict"], told["broken_at"]["place"]) == ("broken", "leaf 1")


async def test_a_message_that_the_log_does_not_know_is_counted(two: Two) -> None:
    """A row that was slipped in beside the log makes the history incomplete."""
    await two.fr.running.store.move(
        lambda c: c.exec_driver_sql("update message set id = 'A' || substr(id, 2) where direction = 'out'")
    )
    told = await history(two)
    assert told["verdict"] == "incomplete" and told["missing"] > 0


async def test_nothing_of_another_case_stands_in_it_or_in_its_file(two: Two) -> None:
    """Neither its label nor its number, whoever looks after it; and no word of the person of its own."""
    his = (await two.fr.call("case.open", label="Rote Rose", number="F-2", by=BEN))["id"]
    await two.fr.call("case.hand_over", id=his, unit=UNIT, reason="moved", by=BEN)
    await two.fr.call("case.relate", id=his, other=await case_of(two.fr, TALK), relation="sibling", by=BEN)
    told, words = await history(two), load_words("en")
    paper = HistoryText(told, words, lambda at: words.time(at, 0)).write()
    look = Look(language="en", to_left=False, foot=Foot("%(page)s %(pages)s", paper.mark), at=told["now"])
    pages = PdfReader(io.BytesIO(print_paper(paper, look))).pages
    text = "".join(page.extract_text() for page in pages) + json.dumps(told)
    assert [word for word in ("Rote Rose", "F-2", his, LABEL, HERS) if word in text] == []
    assert ANA in text and "F-1" in text


async def test_cases_are_listed_by_number_and_reference(two: Two) -> None:
    """Without what people call the person."""
    done = await two.fr.running.desk.call("audit.cases", {}, caller=AUDITOR)
    assert misfits("audit.cases", done.value) == []
    (one,) = done.value["cases"]
    assert (one["number"], LABEL in json.dumps(done.value)) == ("F-1", False)


async def test_whoever_is_kept_out_of_a_case_does_not_audit_it(two: Two) -> None:
    """To an auditor with a conflict of interest the case is not there."""
    id = await case_of(two.fr, TALK)
    await two.fr.call("case.flag", id=id, text="x", by=BEN)
    kept_out = (await two.fr.call("person.list"))["people"]
    ben = next(one["id"] for one in kept_out if one["name"] == BEN)
    await two.fr.call("case.block", id=id, person=ben, reason="a relative", by=ANA)
    caller = Caller(roles=frozenset({Role.AUDITOR}), person=ben)
    with pytest.raises(RefusedError) as refused:
        await two.fr.running.desk.call("audit.case", {"id": id}, caller=caller)
    assert refused.value.code is Code.NOT_FOUND
    assert (await two.fr.running.desk.call("audit.cases", {}, caller=caller)).value["cases"] == []
