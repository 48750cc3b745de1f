"""A whole referral by four people in two countries at their consoles: enquiry to the last look, and a withdrawal.

In French, Albanian and Arabic; after signing in no script runs. Every message is written in its form, seen as it would
leave, released, and read on the other side.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser
from support.browser import Seat
from support.ceremony import ADMINS
from support.offices import Office, offices
from support.running import pair
from support.writing import LATE, arrived, fill, filled, header, release, write

from gateway.demo.journey import SHELTER, Journey, Said

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAMED = "Tulpe-7391"
NUMBER = "FR-2026-7391"
TOLD = ("purpose", "uses", "recipients", "research_use", "access", "storage_time", "withdrawal")
PURPOSES = ("referral", "risk_assessment", "return", "reintegration", "monitoring")
CATEGORIES = (
    "identity",
    "contact",
    "documents",
    "family",
    "health_physical",
    "exploitation",
    "immigration",
    "risk",
    "location",
    "needs",
    "monitoring",
)
UNIT = "focal-point"


async def sees(seat: Seat, office: Office, body_type: str, known: Collection[str] = ()) -> dict[str, Any]:
    """The message is in the inbox; it is opened, read and taken."""
    message = await arrived(office, body_type, known=known)
    await seat.open("/inbox")
    assert await seat.page.locator(f'main a[href*="{message["id"]}"]').count(), await seat.text()
    await seat.open(f"/messages/{message['id']}?way=in")
    take = 'main form[action*="/take"]'
    if await seat.page.locator(take).count():
        await seat.submit(take)
    return message


async def test_from_the_enquiry_to_the_last_look(browser: Browser, tmp_path: Path):
    """Enquiry, offer, consent, referral by two, acceptance, risks, journey, arrival, life afterwards; withdrawal."""
    now = int(time.time()) // 60 * 60
    today = datetime.fromtimestamp(now, UTC).date()
    said = Journey(today, now)
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(offices(tmp_path, ["FR", "AL"]))
        fr, al = there["FR"], there["AL"]
        await pair(fr.node, al.node)
        ana, ben, era, drita = [
            await stack.enter_async_context(
                office.worker(browser, name, role, locale=language, language=language, admin=admin)
            )
            for admin, (office, name, role, language) in zip(
                ADMINS * 2,
                (
                    (fr, "Ana Doe", "case_worker", "fr"),
                    (fr, "Ben Roe", "focal_point", "fr"),
                    (al, "Era Hoxha", "case_worker", "sq"),
                    (al, "Drita Lule", "focal_point", "ar"),
                ),
                strict=True,
            )
        ]
        for seat in (ana, ben, era, drita):
            await seat.scripts(allowed=False)

        # France asks without a name; Albania answers
        await ana.open("/drafts/new")
        await fill(ana, {"type": ["enquiry.capacity/1"], "to": [f"AL/{UNIT}"]})
        await ana.submit('main form[action="/drafts/new"]')
        enquiry = {"age_group": "adult", "services": ["safe_accommodation"], "referral_kind": "return_reception"}
        await filled(ana, fr, "enquiry.capacity/1", {"header": header("fr"), "content": enquiry}, None)
        await release(ana)
        asked = (await sees(era, al, "enquiry.capacity/1"))["conversation"]
        offer = {"answer": "yes", "offer_valid_until": LATE, "services_available": ["safe_accommodation"]}
        await write(era, al, asked, "enquiry.reply/1", {"header": header("sq"), "content": offer}, to="FR")
        await sees(ana, fr, "enquiry.reply/1")

        # the person agrees; two people of France refer her; Albania takes the case
        consent = (
            await fr.ask(
                "consent.record",
                by="Ana Doe",
                number=NUMBER,
                content={
                    "given_by": "person",
                    "form": "written",
                    "taken_on": today.isoformat(),
                    "language": "sq",
                    "interpreter": True,
                    "grants": [
                        {
                            "purpose": purpose,
                            "recipient_units": [f"AL/{UNIT}", f"FR/{UNIT}"],
                            "data_categories": [*CATEGORIES],
                            "until": LATE,
                        }
                        for purpose in PURPOSES
                    ],
                    "told": dict.fromkeys(TOLD, True),
                    "onward_sharing": False,
                },
            )
        )["id"]
        await ana.open(f"/conversations/{asked}/write")
        mine = (await fr.ask("consent.show", id=consent))["of_case"]["id"]
        await fill(ana, {"what": ["AL referral.request/1"], "case": [mine]})
        await ana.submit('main form[action$="/write"]')
        case = {
            "referral_kind": "return_reception",
            "thb_status": "presumed",
            "legal_status": "residence_art14",
            "person": {
                "pseudonym": NAMED,
                "age_group": "adult",
                "languages": [{"language": "sq"}],
                "unknown": {"safe_contact_rule": "not_yet"},
            },
            "services_requested": [{"service": "safe_accommodation"}],
            "expected_next_step": "return_planning",
            "unknown": {"immediate_risk": "unknown"},
        }
        body = {"header": header("fr", consent), "content": case}
        draft = await filled(ana, fr, "referral.request/1", body, "referral")
        await release(ana)
        await ben.open("/drafts")
        assert "Ana Doe" in await ben.text()
        await ben.open(f"{draft}/preview")
        await ben.picture("preview-fr")
        assert NAMED in await ben.text()
        await release(ben)
        case_of = (await sees(drita, al, "referral.request/1"))["conversation"]
        assert NAMED in await drita.text()
        acceptance = {
            "lead_unit": UNIT,
            "case_worker_ref": "al-09",
            "contact": {"phone": "+35540000000", "hours": "day and night"},
            "services_committed": [{"service": "safe_accommodation"}],
        }
        body = {"header": header("ar", consent), "content": acceptance}
        await write(drita, al, case_of, "referral.accept/1", body, purpose="referral", to="FR")
        await sees(ben, fr, "referral.accept/1")

        told: list[str] = []

        async def says(seat: Seat, office: Office, other: Office, reader: Seat, what: Said) -> str:
            language = "fr" if office is fr else "sq"
            unit = f"{al.node.own.node}/{UNIT}"  # a form offers the units there are
            content = json.loads(json.dumps(what.content).replace(SHELTER, unit))
            whole = {"header": header(language, consent), "content": content}
            to = "AL" if office is fr else "FR"
            await write(seat, office, case_of, what.type, whole, purpose=what.purpose, to=to)
            message = await sees(reader, other, what.type, told)
            told.append(message["id"])
            return str(message["id"])

        # the risks of both sides and together; the journey; life afterwards
        ours = await says(ana, fr, al, era, said.assessment("sending"))
        theirs = await says(era, al, fr, ana, said.assessment("receiving"))
        await says(era, al, fr, ana, said.assessment("joint", based_on=[ours, theirs]))
        await says(ana, fr, al, era, said.proposal(NAMED, "adult", start="Lyon LYS", goal="Tirana TIA"))
        await says(era, al, fr, ana, said.confirmation())
        await says(ana, fr, al, era, said.departure())
        await says(era, al, fr, ana, said.arrival())
        await says(era, al, fr, ana, said.plan())
        await says(era, al, fr, ana, said.monitoring())
        for seat, name in ((ana, "conversation-fr"), (drita, "conversation-ar")):
            await seat.open(f"/conversations/{case_of}")
            await seat.picture(name)
            assert await seat.page.locator("ol.timeline > li").count() >= 11, await seat.text()
        await ana.open("/cases")
        await ana.picture("desk-fr")

        # and the person takes her consent back: two clicks, and Albania is told
        await ben.open(f"/conversations/{case_of}")
        await ben.submit_by(f'a[href$="/{case_of}/withdraw"]')
        await ben.submit_by("button[name=act][value=all]")
        await sees(drita, al, "consent.withdrawal/1")
        assert ana.asked == {fr.origin.removeprefix("http://")} and drita.asked == {al.origin.removeprefix("http://")}
        assert ana.said == drita.said == []
