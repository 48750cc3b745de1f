"""Every page there is, at a real node, in English, Greek and Arabic: axe finds nothing, nothing is too wide
for a telephone, nothing comes from elsewhere.

A page is not forgotten: the table of pages is compared with what is visited here and in `test_cases`.
"""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser
from support.casework import PATHS
from support.ceremony import ADMINS, aplay, change
from support.offices import Office, offices
from support.pair import example
from support.running import consent, enquiry, pair
from support.writing import arrived

from gateway.console.app import PAGES
from gateway.console.pages.cases.cases import PARTS

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROLES = ("focal_point", "trust_admin", "operator", "auditor")
OFFICERS = ("/protection", "/consents", "/records/erasures")
NO_PAGES = frozenset({"/leave", "/desk", "/trust/own/file", "/messages/{id}/files/{part}", "/histories/{case}/file"})
"""What leads elsewhere, and files."""


async def lived_in(fr: Office, al: Office) -> dict[str, str]:
    """Two nodes with something on each page; the ids of what there is, by the name that they have in addresses."""
    await pair(fr.node, al.node)
    await al.ask("message.submit", **enquiry("FR"))
    message = await arrived(fr, "enquiry.capacity/1")
    await fr.ask("message.submit", **enquiry("AL"))
    draft = await fr.ask("draft.save", draft=enquiry("AL"))
    alert = await fr.ask("draft.save", draft=example("safety.alert/1", "AL"))
    agreed = await fr.ask("consent.record", by="w-1", number="fr-7f3a", content=consent("AL/focal-point"))
    await fr.ask("retention.hold", id=message["conversation"], by="w-1", ground="restriction_18", until="2099-01-01")
    probe = await fr.ask("peer.probe", id="AL")
    (case,) = (await fr.ask("case.list"))["cases"]
    return {
        "conversation": message["conversation"],
        "message": message["id"],
        "draft": draft["id"],
        "case": case["id"],
        "consent": agreed["id"],
        "peer": al.node.own.node,
        "probe": probe["id"],
        "alert": alert["id"],
    }


def visited(ids: dict[str, str]) -> list[str]:
    """The address of each page."""
    case, message, draft, agreed = (ids[name] for name in ("conversation", "message", "draft", "consent"))
    peer = ids["peer"]
    return [
        "/",
        "/sign-in",
        "/enrol",
        "/menu",
        "/desk/owed?owes=us",
        "/cases",
        "/cases/new",
        f"/cases/{ids['case']}",
        *(f"/cases/{ids['case']}/{part}" for part in PARTS),
        f"/cases/{ids['case']}/relate",
        f"/cases/{ids['case']}/change",
        f"/cases/{ids['case']}/erase",
        f"/cases/{ids['case']}/withdraw",
        f"/cases/{ids['case']}/withdrawn",
        f"/cases/{ids['case']}/confirm",
        f"/cases/{ids['case']}/copy",
        "/inbox",
        f"/messages/{message}?way=in",
        f"/messages/{message}/erase?way=in",
        "/conversations",
        f"/conversations/{case}",
        f"/conversations/{case}/sheet",
        f"/conversations/{case}/erase",
        f"/conversations/{case}/write",
        f"/conversations/{case}/withdraw",
        "/drafts",
        "/drafts/new",
        f"/drafts/{draft}/step/purpose",
        f"/drafts/{draft}/whole",
        f"/drafts/{draft}/discard",
        f"/drafts/{draft}/preview",
        f"/drafts/{draft}/files",
        f"/drafts/{ids['alert']}/alert",
        "/consents",
        "/consents/new",
        "/consents/unconfirmed",
        f"/consents/{agreed}",
        f"/consents/{agreed}/sheet",
        f"/consents/{agreed}/withdraw",
        f"/consents/{agreed}/withdrawn",
        "/alerts",
        "/records",
        "/records/erasures",
        "/records/holds",
        "/records/reviews",
        "/records/statistics",
        "/trust",
        "/trust/own",
        "/trust/new",
        "/trust/offer",
        "/trust/history",
        "/trust/policy",
        "/trust/suspend",
        f"/trust/changes/{ids['change']}",
        f"/trust/peers/{peer}",
        f"/trust/peers/{peer}/compare",
        f"/trust/peers/{peer}/scope",
        "/network",
        "/operations",
        "/operations/alarms",
        "/operations/alarms/webhook.failed",
        "/operations/messages",
        "/operations/resend",
        f"/operations/peers/{peer}",
        f"/operations/probes/{ids['probe']}",
        "/operations/adapter",
        "/histories",
        f"/histories/{ids['case']}",
        "/audit",
        "/audit/entries",
        "/audit/reads",
        "/protection",
        f"/protection/cases/{ids['case']}",
        "/people",
        "/people/new",
        f"/people/{ids['person']}",
        f"/people/{ids['asked']}",
        "/shell",
        "/directory",
        "/directory/own",
        "/directory/AL",
        "/guidance",
        f"/guidance/{ids['text']}",
        "/guidance/country/AL",
    ]


def watched(ids: dict[str, str]) -> list[str]:
    """The pages of a data protection officer, who has no other role beside."""
    return [
        "/",
        *(path for path in visited(ids) if path.startswith(OFFICERS)),
        f"/protection/messages/{ids['message']}",
    ]


def matches(pattern: str, paths: list[str]) -> bool:
    """Whether one of the addresses is of this page."""
    form = re.compile(re.sub(r"\{\w+\}", "[^/]+", pattern))
    return any(form.fullmatch(path.partition("?")[0]) for path in paths)


@pytest.mark.parametrize("language", ["en", *(pytest.param(lang, marks=pytest.mark.deep) for lang in ("el", "ar"))])
async def test_every_page_is_accessible(browser: Browser, tmp_path: Path, language: str):
    """As somebody with every right sees them."""
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(offices(tmp_path, ["FR", "AL"]))
        fr = there["FR"]
        ids = await lived_in(fr, there["AL"])
        ana = await stack.enter_async_context(fr.worker(browser, "Ana Doe", *ROLES, locale=language, language=language))

        async def ask(operation: str, **arguments: Any) -> Any:
            return await fr.ask(operation, **arguments)

        await ana.open("/trust/offer")
        await ana.submit("main form[data-passkey]")
        (card,) = [one["card"] for one in (await ask("admin.list"))["offered"]]
        done = await aplay(change(ADMINS, "admin.enrol", "admins", admin=card), ask)
        ids |= {
            "change": done["id"],
            "person": (await ask("person.list"))["people"][0]["id"],
            "asked": (await ask("person.add", name="Eva M.", roles=["case_worker"]))["id"],
            "text": (await ask("guidance.list"))["texts"][0]["id"],
        }
        dora = await stack.enter_async_context(
            fr.worker(browser, "Dora P.", "data_protection_officer", locale=language, language=language)
        )
        paths, officers = visited(ids), watched(ids)
        left_out = [
            page.path
            for page in PAGES
            if page.method == "GET"
            and page.path not in NO_PAGES
            and not matches(page.path, [*paths, *officers, *PATHS])
        ]
        assert left_out == []
        found, broken = [], []
        for one, path in [*((ana, path) for path in paths), *((dora, path) for path in officers)]:
            answer = await one.page.goto(fr.origin + path)
            if answer is None or answer.status >= 500:
                broken.append(path)
            found += [*await one.violations(), *await one.too_wide()]
        assert (broken, found) == ([], [])
        assert ana.asked == dora.asked == {fr.origin.removeprefix("http://")}
        assert [line for line in ana.said if "status of 4" not in line] == []
