"""Writing and consent in a real browser: axe finds nothing, and a form that was sent comes back with its faults."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser
from support.browser import seat
from support.consoles import served
from support.written import HERE, KNOWN, PEER, PREVIEW, WHOLE, draft

from gateway.console.forms.steps import plan_steps
from gateway.console.pages.consent import TOLD
from gateway.operations.roles import Role

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONSENT = "CCCCCCCCCCCCCCCCCCCCCA"
GRANT = {
    "purpose": "referral",
    "recipient_units": [f"{PEER['node']}/fp"],
    "data_categories": ["identity"],
    "until": "2030-01-01",
}
RECORD = {
    "consent_id": CONSENT,
    "given_by": "person",
    "form": "written",
    "taken_on": "2026-11-20",
    "language": "ar",
    "interpreter": True,
    "grants": [GRANT, GRANT | {"purpose": "return"}],
    "told": dict.fromkeys(TOLD, True),
    "onward_sharing": False,
}
OF_CASE = {"id": "DDDDDDDDDDDDDDDDDDDDDA", "name": "Blue 7"}
RELIES = {
    "conversation": "EEEEEEEEEEEEEEEEEEEEEA",
    "of_case": OF_CASE,
    "peer": "AL",
    "country": "AL",
    "state": "under_review",
    "stops": 2,
}
ANSWERS = KNOWN | {
    "draft.show": draft("referral.request/1"),
    "draft.preview": PREVIEW | {"type": "referral.request/1"},
    "consent.unconfirmed": {"cases": [], "consents": 0},
    "draft.list": {"drafts": [], "next": None},
    "consent.show": {
        "id": CONSENT,
        "of_case": OF_CASE,
        "relied_on": [RELIES],
        "tells": ["AL"],
        "holder": "own",
        "state": "active",
        "record": RECORD,
        "withdrawals": [],
    },
    "case.list": {
        "cases": [OF_CASE | {"number": None, "at": 1, "units": [], "conversations": 1, "ours": None, "theirs": None}],
        "next": None,
        "unsettled": False,
    },
}


@pytest.mark.parametrize("language", ["en", pytest.param("ar", marks=pytest.mark.deep)])
async def test_writing_is_accessible(browser: Browser, language):
    """Every page of it, in both directions; the longest form with its faults too."""
    async with served(ANSWERS) as there, seat(browser, there.origin, locale=language) as ana:
        await ana.take(there.session(Role.FOCAL_POINT))
        found = []
        consent = f"/consents/{CONSENT}"
        for path in (
            "/drafts",
            "/drafts/new",
            WHOLE,
            *(f"{HERE}/step/{step.name}" for step in plan_steps("referral.request/1")),
            f"{HERE}/preview",
            f"{HERE}/discard",
            f"{HERE}/files",
            "/consents",
            consent,
            f"{consent}/sheet",
            f"{consent}/withdraw",
        ):
            await ana.open(path)
            found += await ana.violations()
        await ana.open(WHOLE)
        async with ana.page.expect_navigation():
            await ana.page.locator("button[value=check]").click()
        assert await ana.page.evaluate("document.activeElement.id") == "errors"
        found += await ana.violations()
        await ana.open("/consents/new")
        found += await ana.violations()
        await ana.page.locator("input[value=sq]").check()
        await ana.page.locator("#case").select_option(OF_CASE["id"])
        async with ana.page.expect_navigation():
            await ana.page.locator("button[value=begin]").click()
        found += await ana.violations()
        assert found == []


async def test_enter_saves_and_a_new_row_is_where_one_looks(browser: Browser):
    """The first button of a form is not one that takes something out; a button that adds a row leads to it."""
    async with served(ANSWERS) as there, seat(browser, there.origin) as ana:
        await ana.take(there.session(Role.FOCAL_POINT))
        await ana.open(WHOLE)
        async with ana.page.expect_navigation():
            await ana.page.locator("button[value='add:/content/person/languages']").click()
        assert ana.page.url.endswith("#/content/person/languages")
        assert await ana.page.locator("[name='/content/person/languages/0/language']").count() == 1
        await ana.page.locator("[name='/content/person/pseudonym']").fill("Mali")
        async with ana.page.expect_navigation():
            await ana.page.locator("[name='/content/person/pseudonym']").press("Enter")
        changed = [arguments for operation, arguments, _ in there.desk.calls if operation == "draft.change"]
        assert changed[-1]["draft"]["content"]["person"] == {"pseudonym": "Mali"}
