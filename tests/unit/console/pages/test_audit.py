"""Audit at the console: the log looked through, verified and taken along, and who was shown what."""

from __future__ import annotations

from itertools import product
from typing import Any

from support import pages as documented
from support.browsing import read
from support.consoles import NOW, Console, console, person
from support.operated import AUDIT, AUDITED, ID, LOG, answers
from support.pagelook import faults
from support.tables import Faults

from gateway.console import events
from gateway.node.rows import ROWS
from gateway.operations.roles import Role


def asked(there: Console, operation: str) -> list[Any]:
    """With what the operation was asked."""
    return [arguments for name, arguments, _ in there.desk.calls if name == operation]


def test_every_event_has_its_words():
    """Every entry that the node can write, and no other."""
    assert set(events.EVENTS) == set(documented.audit_entries())
    assert set(events.READ) == {row.reads.what for row in ROWS.values() if row.reads is not None}


async def test_a_page_is_well_made():
    """Headings in order, fields with labels, tables with headings, nothing inline, no machine name without words."""
    async with console(answers()) as there:
        with Faults() as wrong:
            for path, language in product(AUDITED, ["en", "ar"]):
                with wrong.row(path, language):
                    there.sign_in.sessions["secret"] = person(Role.AUDITOR, language=language)
                    seen = await there.get(path)
                    assert seen.status == 200
                    assert faults(seen.text) == [] and "<b>" not in seen.text
                    assert language != "en" or "[no label]" not in seen.text


async def test_the_log_is_looked_through():
    """By event, subject and day, a page at a time; each entry says who vouches for it."""
    async with console(answers()) as there:
        text = (await there.get("/audit/entries?event=message.state&subject=n1al&until=2026-09-21")).text
        (wanted,) = asked(there, "audit.list")
        assert wanted == {"limit": 50, "event": "message.state", "subject": "n1al", "until": 1_790_031_599}
        for word in (
            "A message changed its state",
            "code=",
            "witnessed by other countries",
            "waits for the next checkpoint",
            "Somebody signed in",
            "cursor=40",
        ):
            assert word in text, word
        await there.get("/audit/entries?event=&subject=&until=&cursor=40")
        assert asked(there, "audit.list")[-1] == {"limit": 50, "cursor": "40"}
        assert (await there.get("/audit/entries?until=yesterday")).status == 422


async def test_the_log_is_verified_now():
    """The first bad entry is named; a log that holds says so."""
    async with console(answers()) as there:
        text = (await there.post("/audit/verify")).text
        assert faults(text) == [] and "entry 17" in text and "All 2 faults" in text
        there.desk.answers["audit.verify"] = AUDIT["audit.verify"] | {"ok": True, "findings": [], "witnessed": None}
        text = (await there.post("/audit/verify")).text
        assert faults(text) == [] and "Every entry, checkpoint and cosignature is valid." in text and "nobody" in text
        there.desk.answers["audit.verify"] |= {"quorum": 2, "partly_witnessed": LOG["witnessed"]}
        text = (await there.post("/audit/verify")).text
        assert faults(text) == [] and "1/2" in text and "AL" in text and "nobody" not in text


async def test_the_log_is_taken_along():
    """As the lines that the second verifier reads, from a form of this console only."""
    async with console(answers()) as there:
        seen = await there.post("/audit/export")
        assert seen.headers["Content-Disposition"] == 'attachment; filename="FR-audit.jsonl"'
        assert seen.text == '{"a":1}\n{"b":2}\n'
        there.sign_in.sessions["secret"] = person(Role.OPERATOR)
        assert (await there.post("/audit/export")).status == 403


async def test_what_was_shown_can_be_opened_by_whom_may():
    """Messages, also by a file of theirs, and conversations that are still known; an auditor is led to everybody who
    was shown the same, and reads no id.
    """
    async with console(answers()) as there:
        there.sign_in.sessions["secret"] = person(Role.FOCAL_POINT)
        page = read((await there.get("/audit/reads")).text)
        opened = [link for link in page.links if link.startswith(("/messages/", "/conversations/", "/consents/"))]
        assert opened == [f"/messages/{ID}", f"/messages/{ID}", f"/conversations/{ID}"]
        there.sign_in.sessions["secret"] = person(Role.AUDITOR)
        page = read((await there.get("/audit/reads")).text)
        assert not any(link.startswith(("/messages/", "/conversations/", "/consents/")) for link in page.links)
        assert f"/audit/reads?message={ID}" in page.links and ID not in page.said


async def test_who_was_shown_what():
    """Of a message, a conversation, a consent, or of one reader; an operator does not learn it."""
    async with console(answers()) as there:
        text = (await there.get(f"/audit/reads?message={ID}&reader=")).text
        assert asked(there, "audit.reads") == [{"limit": 50, "message": ID}]
        assert "file 2 of a message" in text and "Eva &lt;b&gt;" in text and "reader=person%2Fp1" in text
        assert str(NOW) not in text
        there.sign_in.sessions["secret"] = person(Role.FOCAL_POINT)
        assert (await there.get("/audit/reads")).status == 200
        there.sign_in.sessions["secret"] = person(Role.OPERATOR)
        assert (await there.get("/audit/reads")).status == 403
        assert (await there.get("/audit")).status == 200
        assert "/audit/reads" not in (await there.get("/audit")).text.partition("<main")[2]
