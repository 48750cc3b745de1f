"""Data protection at the console: reasons and cases without names, on what a case rests, one message for a reason."""

from __future__ import annotations

from itertools import product
from typing import Any

from support.browsing import read
from support.consoles import NOW, OWN_UNITS, console, person
from support.pagelook import faults
from support.tables import Faults

from gateway.errors import Code, Finding, RefusedError
from gateway.operations.roles import Role

ID, CASE = "q2x0bJr3QkK0m1c5n8sT4g", "r3x0bJr3QkK0m1c5n8sT4g"
WHY = "she asks <b>who</b> was told of her illness"
OFFICER = Role.DATA_PROTECTION_OFFICER
LINE: dict[str, Any] = {
    "id": ID,
    "direction": "out",
    "peer": "AL",
    "at": NOW,
    "state": "awaiting_receipt",
    "type": "enquiry.capacity/1",
    "purpose": "referral",
    "legal_basis": ["6_1_e", "9_2_a"],
    "transfer_basis": "admin_arrangement_46_3_b",
    "consent": ID,
    "vital_interest": False,
    "erased": None,
}
ERASED = LINE | {
    "direction": "in",
    "state": "handed_over",
    "type": None,
    "purpose": None,
    "legal_basis": [],
    "transfer_basis": None,
    "consent": None,
    "erased": {"at": NOW, "reason": "not_needed", "local_system": "erased", "told": None},
}
RECORD = {"consent_id": ID, "grants": [{"purpose": "referral", "recipient_units": ["AL/x"], "until": "2027-11-30"}]}
CONSENT: dict[str, Any] = {"holder": "own", "state": "active", "at": NOW, "record": RECORD}
CONTENT = {
    "id": ID,
    "direction": "out",
    "peer": "AL",
    "type": "enquiry.capacity/1",
    "conversation": CASE,
    "of_case": {"id": CASE, "name": "Blue 7"},
    "in_reply_to": None,
    "purpose": None,
    "unit": "focal-point",
    "state": "awaiting_receipt",
    "reason": None,
    "held": None,
    "n": 1,
    "at": NOW,
    "expires": None,
    "out_of_order": False,
    "header": {"priority": "normal"},
    "content": {"note": "Tulpe-7391"},
}


OWED = {"ours": None, "theirs": NOW}


def answers() -> dict[str, Any]:
    """A desk with one case, one reason, and a message of every kind."""
    reason = {"at": NOW, "message": ID, "reader": f"person/{ID}", "name": "Dora P.", "reason": WHY}
    case = {
        "id": CASE,
        "name": "Blue 7",
        "number": "F-1",
        "at": NOW,
        "units": ["focal-point"],
        "conversations": 2,
    } | OWED
    return {
        "directory.list": OWN_UNITS,
        "content.reasons": {
            "next": "7",
            "reasons": [
                reason | {"conversation": ID, "unit": "focal-point", "of_case": {"id": CASE, "name": "Blue 7"}}
            ],
        },
        "case.list": {"next": f"{NOW}.{CASE}", "cases": [case], "unsettled": False},
        "case.grounds": {
            "id": CASE,
            "messages": [LINE, LINE | {"vital_interest": True, "consent": None}, ERASED],
            "consents": [CONSENT, CONSENT | {"record": None, "state": "damaged"}],
        },
        "content.ask": CONTENT,
    }


PATHS = ("/protection", f"/protection/cases/{CASE}", f"/protection/messages/{ID}")


async def test_a_page_is_well_made() -> None:
    """Headings in order, fields with labels, tables with headings, no machine name without words."""
    async with console(answers()) as there:
        with Faults() as wrong:
            for path, language in product(PATHS, ["en", "ar"]):
                with wrong.row(path, language):
                    there.sign_in.sessions["secret"] = person(OFFICER, language=language)
                    seen = await there.get(path)
                    assert seen.status == 200
                    assert faults(seen.text) == [] and "<b>" not in seen.text
                    assert language != "en" or "[no label]" not in seen.text


async def test_a_focal_point_reads_the_reasons_and_may_not_ask() -> None:
    """With who asked, of which case; the message opens under the right that a focal point has."""
    async with console(answers()) as there:
        there.sign_in.sessions["secret"] = person(Role.FOCAL_POINT)
        text = (await there.get("/protection")).text
        for word in ("Dora P.", "told of her illness", "Blue 7", f'href="/messages/{ID}"', "reasons=7", "cases="):
            assert word in text, word
        assert (await there.get(f"/protection/cases/{CASE}")).status == 200
        for seen in (await there.get(PATHS[2]), await there.post(PATHS[2], {"reason": WHY})):
            assert seen.status == 403
        assert "content.ask" not in [name for name, *_ in there.desk.calls]


async def test_an_officer_sees_no_name_of_a_case() -> None:
    """What names it is left out of lists, and nothing leads to a page that is closed."""
    bare = {"id": CASE, "at": NOW, "units": ["focal-point"], "conversations": 2} | OWED
    async with console(answers() | {"case.list": {"next": None, "cases": [bare], "unsettled": False}}) as there:
        there.sign_in.sessions["secret"] = person(OFFICER)
        text = (await there.get("/protection")).text
        assert f'href="/protection/cases/{CASE}"' in text and CASE[:6] in text
        assert "Blue 7" not in text and f'href="/messages/{ID}"' not in text
        listed = await there.get("/cases")
        assert listed.status == 200 and CASE[:6] in listed.text and "Blue 7" not in listed.text
        grounds = (await there.get(f"/protection/cases/{CASE}")).text
        for word in ("none: danger to life", "Its content was erased", f'href="/consents/{ID}"'):
            assert word in grounds, word
        assert grounds.count(f'href="/protection/messages/{ID}"') == 2  # what was erased can not be asked for


async def test_a_message_is_shown_for_a_reason() -> None:
    """On the answer to the form alone; asked for again, the page has the form."""
    async with console(answers()) as there:
        there.sign_in.sessions["secret"] = person(OFFICER)
        asked = read((await there.get(PATHS[2])).text)
        assert asked.form(PATHS[2]) and 'name="reason"' in (await there.get(PATHS[2])).text
        shown = await there.post(PATHS[2], {"reason": WHY})
        assert "Tulpe-7391" in shown.text and "Blue 7" in shown.text
        asked_for = [arguments for name, arguments, _ in there.desk.calls if name == "content.ask"]
        assert asked_for == [{"id": ID, "reason": WHY}]
        assert "Tulpe-7391" not in (await there.get(PATHS[2])).text


async def test_a_reason_that_says_nothing_shows_nothing() -> None:
    """What was written stays in the form, with the fault above it."""
    fault = Finding(place="/reason", rule="type", hint="a text of 10 to 400 characters is needed here")
    refused = RefusedError(Code.INVALID, "the argument reason is missing or wrong", findings=[fault])
    async with console(answers() | {"content.ask": refused}) as there:
        there.sign_in.sessions["secret"] = person(OFFICER)
        seen = await there.post(PATHS[2], {"reason": "because"})
        assert seen.status == 422
        assert "because" in seen.text and "Something that was filled in is wrong." in seen.text


async def test_an_erased_message_says_so() -> None:
    """It is refused as everywhere."""
    gone = RefusedError(Code.CONFLICT, "the content of this message was erased; nothing was shown and nothing was kept")
    async with console(answers() | {"content.ask": gone}) as there:
        there.sign_in.sessions["secret"] = person(OFFICER)
        seen = await there.post(PATHS[2], {"reason": WHY})
        assert seen.status == 409
        assert "This is not possible in the current state." in seen.text
