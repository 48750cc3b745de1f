"""Two countries without a case system: what one sends, people of the other read and answer for at the console, over
HTTP and without JavaScript.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from support.pagelook import faults
from support.pair import example
from support.running import UNIT, asked, consent, header, pair, running, settled, until
from support.visitors import Visitor, console_at, visitor

from gateway.composition.node import Node
from gateway.console.cookies import SESSION
from gateway.console.words import load_words
from gateway.operations.roles import Role
from keys.primitives.encoding import b64u

CASE = b64u(b"conversation one"[:16])
NUMBER = "+33639980142"
PSEUDONYM = "Mali <script>alert(1)</script>"


async def referred(fr: Node) -> str:
    """France refers a person, who can be called, but not at every number."""
    recorded = await asked(
        fr, "consent.record", {"by": "a", "number": "fr-7f3a", "content": consent(f"AL/{UNIT}", f"FR/{UNIT}")}
    )
    person = {
        "pseudonym": PSEUDONYM,
        "age_group": "adult",
        "languages": [{"language": "sq", "level": "first"}],
        "safe_contact_rule": {"may_call": True, "who_answers": "the duty educator", "never_use": [NUMBER]},
    }
    content = {
        "referral_kind": "return_reception",
        "person": person,
        "thb_status": "self_reported",
        "services_requested": [{"service": "safe_accommodation"}],
        "legal_status": "irregular",
        "immediate_risk": {"level": "low"},
        "expected_next_step": "return_planning",
    }
    sent = await asked(
        fr,
        "message.submit",
        {
            "type": "referral.request/1",
            "to": "AL",
            "purpose": "referral",
            "conversation": CASE,
            "content": content,
            "header": header(consent_ref=recorded["id"], case_ref_sender="fr-7f3a"),
        },
    )
    await settled(fr, "awaiting_handover")
    return str(sent["id"])


async def alerted(ana: Visitor, fr: Node) -> str:
    """And raises a safety alert about the same person: five answers on one page, and it goes."""
    await ana.open(f"/conversations/{CASE}/write")
    await ana.press(ana.path, {"what": "AL safety.alert/1"})
    assert ana.path.endswith("/alert") and faults(ana.text) == []
    content = example("safety.alert/1", "AL")["content"]
    five = ("kind", "level", "what_happened", "asked_action", "police_informed")
    answers = {f"/content/{name}": content[name] for name in five}
    await ana.press(ana.path, answers, act="send")
    assert ana.path.startswith("/alerts/") and "They must take it by" in ana.page.said, ana.page.wrong
    assert "duty desk" in ana.page.said and faults(ana.text) == []
    id = ana.path.rpartition("/")[2]

    async def there() -> bool:
        shown = await asked(fr, "message.show", {"id": id})
        return bool(shown["state"] == "awaiting_handover")

    await until(there)
    return id


async def seen(person: Visitor, path: str, *words: str) -> None:
    """The page is well made and says these words."""
    await person.open(path)
    assert person.status == 200 and faults(person.text) == [], (path, person.status)
    for word in words:
        assert word in person.page.said, (path, word)
    assert "<script>alert" not in person.text and "[no label]" not in person.text


async def test_a_case_is_read_and_answered_for_at_the_console(tmp_path: Path):
    """From the morning list to the receipt, safe contact, an asylum hold of two people, an alert, evidence, erasure."""
    names = ("FR", "AL")
    async with (
        running(tmp_path, dict.fromkeys(names), desk_only=names, prepare=console_at) as nodes,
        ClientSession() as http,
    ):
        fr, al = nodes["FR"], nodes["AL"]
        await pair(fr, al)
        id = await referred(fr)
        besa = await visitor(al, http, "Besa", Role.CASE_WORKER)
        dritan = await visitor(al, http, "Dritan", Role.FOCAL_POINT)
        ana = await visitor(fr, http, "Ana", Role.CASE_WORKER)

        await seen(besa, "/cases", "open the request", "France", "came in")
        await seen(besa, "/inbox", "Referral request")
        await seen(
            besa, f"/messages/{id}?way=in", PSEUDONYM, load_words("en").code("referral_kind", "return_reception")
        )
        await besa.press(f"/messages/{id}/take")
        assert "taken, not opened yet" in besa.page.said
        await besa.press(f"/messages/{id}/open")
        await seen(besa, "/inbox", "Consent record")  # it went before, because the other side did not have it
        (other,) = [link.partition("?")[0] for link in besa.page.links if link.startswith("/messages/")]
        await seen(besa, other)
        await besa.press(f"{other}/open")
        await seen(besa, "/inbox", "Everything that arrived has been taken.")
        await settled(fr, "opened")
        await seen(ana, f"/messages/{id}?way=out", "opened by a person")
        await seen(ana, "/cases?owes=them", "They owe", "accept, decline or ask", "went out")
        await seen(ana, "/desk/owed?owes=them", "What others owe us", "accept, decline or ask")

        await seen(
            besa, f"/conversations/{CASE}", "being looked at", "Calling now:", "Safeguards", "To tell the person"
        )
        await seen(ana, f"/conversations/{CASE}", "Say nothing before it is certain who answers")
        await ana.press(f"/conversations/{CASE}/contact", {"channel": "call", "address": "0033 639 98 01 42"})
        assert "No. This must not be done." in ana.page.said and "98" not in ana.text.partition("<main")[2]
        assert faults(ana.text) == []
        await seen(ana, f"/conversations/{CASE}/sheet", "fr-7f3a", "Albania", "duty desk", "Must not be said")
        assert "Mali" not in ana.text
        await seen(besa, "/conversations?peer=FR&kind=referral&state=under_review", "Referral request")
        await seen(besa, "/conversations?kind=referral&state=closed", "There is nothing here.")

        await besa.open(f"/conversations/{CASE}")
        await besa.press(f"/conversations/{CASE}/asylum-hold")
        assert "nothing goes to a State that the person fears" in besa.page.said
        await besa.press(f"/conversations/{CASE}/asylum-lift")
        assert "a second, different person" in besa.page.said
        await besa.press(f"/conversations/{CASE}/asylum-lift")
        assert besa.status == 409 and faults(besa.text) == []
        await dritan.open(f"/conversations/{CASE}")
        await dritan.press(f"/conversations/{CASE}/asylum-lift")
        assert "Lift the asylum hold" not in dritan.page.said

        alert = await alerted(ana, fr)
        await seen(besa, "/inbox", "Nobody here has taken it.", "We must take it by")
        await seen(besa, f"/alerts/{alert}", "I take this alert", "Nobody was notified.")
        await besa.press(f"/alerts/{alert}/acknowledge", {"actions": ["visit", "medical"], "hours": "4"})
        assert besa.status == 200
        await seen(besa, "/alerts", "No alert waits for a person.")
        await seen(besa, f"/alerts/{alert}", "A person has taken it.")

        await besa.open(f"/conversations/{CASE}/erase")
        assert besa.status == 403
        await dritan.open(f"/conversations/{CASE}")
        bundle = await downloaded(dritan, f"/conversations/{CASE}/evidence")
        assert bundle["type"] == "nrm.evidence/3"
        for path in ("/records", "/records/erasures", "/records/holds", "/records/reviews", "/records/statistics"):
            await seen(dritan, path)
        await dritan.open(f"/messages/{id}/erase?way=in")
        await dritan.press(f"/messages/{id}/erase?way=in", {"reason": "objection"})
        assert "Its content was erased on" in dritan.page.said and "Mali" not in dritan.text


async def downloaded(person: Visitor, action: str) -> Any:
    """The file that a form of the page gives."""
    headers = {
        "Host": person.origin.removeprefix("http://"),
        "Sec-Fetch-Site": "same-origin",
        "Cookie": f"{SESSION}={person.session}",
    }
    url = person.origin.replace("localhost", "127.0.0.1") + action
    async with person.http.post(url, data=person.page.form(action).filled({}), headers=headers) as answer:
        assert answer.headers["Content-Disposition"].startswith("attachment")
        return json.loads(await answer.text())
