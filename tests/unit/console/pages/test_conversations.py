"""Reading and answering: the pages about cases show what the node says in words, and nothing of it is ever markup."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from support.browsing import read
from support.casework import (
    ALERT,
    ANSWERS,
    CASE,
    CONSENT,
    EXAMPLES,
    MESSAGE,
    OF_CASE,
    PATHS,
    SHOWN,
    WHOLE,
    answers,
    body,
)
from support.consoles import NOW, Console, console, person
from support.pagelook import faults
from support.shapes import misfits
from support.tables import Faults, table

import schemas
from gateway.console.words import load_words
from gateway.errors import Code, RefusedError
from gateway.operations.ports import File, Person
from gateway.operations.roles import Caller, Role

HOSTILE = "</span><script>alert(1)</script>\u202eevil\u200b \U000e0041" + "x" * 20_000


def asked(there: Console, operation: str) -> list[Any]:
    """With what the operation was asked."""
    return [arguments for name, arguments, _ in there.desk.calls if name == operation]


@table("operation", sorted(ANSWERS))
def test_the_played_answers_have_the_real_shape(operation: str):
    """What these tests play is what the node says."""
    assert misfits(operation, ANSWERS[operation]) == []


def test_the_played_message_has_the_real_shape():
    """And so has a whole message."""
    assert misfits("message.show", answers()["message.show"]) == []


async def test_a_page_is_well_made():
    """Headings in order, fields with labels, tables with headings, nothing inline, no machine name without words."""
    async with console(answers()) as there:
        with Faults() as wrong:
            for path, language in product(PATHS, ["en", "ar"]):
                with wrong.row(path, language):
                    there.sign_in.sessions["secret"] = person(language=language)
                    seen = await there.get(path)
                    assert seen.status == 200
                    assert faults(seen.text) == []
                    if language == "en":
                        assert "[no label]" not in seen.text


async def test_a_case_worker_gets_it_too_or_is_refused():
    """A page asks nothing that the role which opens it may not ask."""
    async with console(answers()) as there:
        with Faults() as wrong:
            others = (Role.CASE_WORKER, Role.ADAPTER, Role.OPERATOR, Role.AUDITOR)
            for path, role in product(PATHS, (Role.FOCAL_POINT, *others)):
                with wrong.row(path, role):
                    there.sign_in.sessions["secret"] = person(role)
                    assert (await there.get(path)).status in ((200, 403) if role in others else (200,))


async def test_somebody_of_one_unit_gets_the_same_pages():
    """What is not narrowed to the unit is left out, and the page is not closed for it."""
    bound = Caller(roles=frozenset({Role.CASE_WORKER, Role.FOCAL_POINT}), unit="focal-point", person="p1")
    async with console(answers()) as there:
        there.sign_in.sessions["secret"] = Person(id="p1", name="Ana Doe", caller=bound)
        with Faults() as wrong:
            closed = ("/alerts", "/records", f"/conversations/{CASE}/erase", f"/conversations/{CASE}/evidence")
            for path in (path for path in PATHS if not any(part in path for part in closed)):
                with wrong.row(path):
                    there.desk.calls.clear()
                    seen = await there.get(path)
                    assert seen.status == 200 and faults(seen.text) == []
                    assert not asked(there, "alert.list") and not asked(there, "asylum.list")


async def test_all_that_is_owed_is_listed_by_conversation():
    """Of one side, filtered by country and unit, page by page; the desk of before leads to the cases."""
    async with console(answers()) as there:
        text = (await there.get("/desk/owed?owes=us&peer=AL&unit=shelter")).text
        for word in ("accept, decline or ask", "being looked at", "overdue", "provisional", "Albania"):
            assert word in text
        assert f'href="/conversations/{CASE}/withdraw"' not in text
        assert asked(there, "conversation.due")[-1].items() >= {"peer": "AL", "unit": "shelter"}.items()
        await there.get("/desk/owed?owes=them&cursor=17.aa.n1")
        assert asked(there, "conversation.due")[-1].items() >= {"owes": "them", "cursor": "17.aa.n1"}.items()
        assert (await there.get("/desk/owed?owes=nobody")).status == 404
        assert (await there.get("/desk")).headers["Location"] == "/cases"


async def test_a_conversation_stands_beside_its_procedure():
    """Where it stands, what comes next, whose it is, what protects the person and what the person is told."""
    async with console(answers()) as there:
        text = (await there.get(f"/conversations/{CASE}")).text
        for word in (
            "Decide on the request",
            "Nobody decides alone",
            "How long it takes",
            "Personal data go only with",
            "the reflection period is running",
            "a safety alert is open",
            "has no effect: the time",
            "No. This must not be done.",
            "the person must not be called",
            "the family",
            "Message without",
            f"/conversations/{CASE}/withdraw",
            f"/conversations/{CASE}/write",
            "One person wants it lifted",
        ):
            assert word in text, word
        there.sign_in.sessions["secret"] = person(language="fr")
        text = (await there.get(f"/conversations/{CASE}")).text
        assert "Décider" in text and '<span lang="en" dir="ltr">Nobody decides alone</span>' in text
        draft = load_words("ar")("The steps are translated as a draft: no native speaker has reviewed them yet.")
        assert draft not in text
        there.sign_in.sessions["secret"] = person(language="ar")
        assert draft in (await there.get(f"/conversations/{CASE}")).text


async def test_a_sheet_says_nothing_about_the_person():
    """The case number of the two countries, what is owed, whom to call; nothing of the content, not even a kind."""
    whole = WHOLE | body("referral.request/1", "valid-child-full")
    async with console(answers()) as there:
        text = (await there.get(f"/conversations/{CASE}/sheet")).text
        assert not asked(there, "message.show")
    for word in ("4F7M-2KQX-9TRB", "duty desk", "+35540000002", "this entry has expired", "accept, decline or ask"):
        assert word in text

    def leaves(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [leaf for item in value.values() for leaf in leaves(item)]
        return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [str(value)]

    main = text.partition("<main")[2].partition("</main>")[0]
    assert [leaf for leaf in leaves(whole["content"]) if len(leaf) > 6 and leaf in main] == []
    assert "77" not in main, "our own number says nothing to the other side"


async def test_a_sheet_names_the_case():
    """As people here call it, with the way to its page; a conversation of no case has no such line."""
    for of_case, named in ((OF_CASE, True), (None, False)):
        async with console(answers(conversation__show=SHOWN | {"of_case": of_case})) as there:
            text = (await there.get(f"/conversations/{CASE}/sheet")).text
        said = text.partition("<dt>Case</dt>")[2].partition("</dd>")[0]
        assert (f'class="case" href="/cases/{OF_CASE["id"]}"' in said, OF_CASE["name"] in said) == (named, named)
        assert (said != "") is named


async def test_a_message_is_read_in_the_language_of_the_reader():
    """Codes in words, an unknown one marked, receipts as a line, files to be stored, what the policy left out."""
    whole = WHOLE | body("referral.request/1", "valid-child-full")
    whole["content"] = whole["content"] | {"referral_kind": "no_such_kind"}
    async with console(answers(message__show=whole)) as there:
        text = (await there.get(f"/messages/{MESSAGE}?way=in")).text
        assert "no_such_kind [unknown code]" in text
        assert f"arrived {load_words('en').time(NOW, 3600)}, opened by a person" in text
        assert f"/messages/{MESSAGE}/files/1?way=in" in text
        assert "Left out by the corridor policy" in text
        there.sign_in.sessions["secret"] = person(language="ar")
        text = (await there.get(f"/messages/{MESSAGE}?way=in")).text
        assert 'dir="rtl"' in text
        assert schemas.labels.load_labels("ar").message("referral.request/1").text in text


def poisoned(value: Any) -> Any:
    """The same with a hostile text in every place of a text."""
    if isinstance(value, dict):
        return {name: poisoned(item) for name, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item) for item in value]
    return HOSTILE[: 200 if value != "" else None] if isinstance(value, str) else value


async def test_a_hold_is_lifted_where_it_was_placed():
    """A conversation that is held by another one of its case leads to what lies on the case, and takes a hold too."""
    here = {"id": CASE, "of_case": None, "at": 1, "lift_wanted": False, "states": ["AL"]}
    place, lift, elsewhere = "Place an asylum hold", "Lift the asylum hold", f"/cases/{OF_CASE['id']}/holds"
    for lies, holds, shown in ((False, [], [place]), (True, [here], [lift]), (True, [], [place, elsewhere])):
        said = ANSWERS["conversation.show"] | {"asylum_hold": lies}
        async with console(answers(conversation__show=said, asylum__list={"holds": holds})) as there:
            text = (await there.get(f"/conversations/{CASE}")).text
            assert [one for one in (place, lift, elsewhere) if one in text] == shown
            assert faults(text) == []


async def test_a_failed_message_says_when_a_file_is_gone():
    """What can not be sent anew, and what to do instead; a message that is not ours or did not fail does not."""
    gone = {"attachments": [one | {"stored": False} for one in ANSWERS["attachment.list"]["attachments"]]}
    async with console(answers(attachment__list=gone)) as there:
        said = "Write it again, and add them again."
        assert said not in (await there.get(f"/messages/{MESSAGE}?way=in")).text
        failed = there.desk.answers["message.show"] | {"direction": "out", "state": "failed", "reason": "expired"}
        there.desk.answers["message.show"] = failed
        assert said in (await there.get(f"/messages/{MESSAGE}?way=out")).text
        there.desk.answers["attachment.list"] = ANSWERS["attachment.list"]
        assert said not in (await there.get(f"/messages/{MESSAGE}?way=out")).text


async def test_a_message_says_how_far_its_files_are():
    """While they go to the peer, of this message alone; before and after there is nothing to wait for."""
    going = {"peer": "AL", "state": "going", "files": 1, "rate": 3 << 20, "since": 1, "last": None}
    moving = [{"id": MESSAGE, "bytes": 90 << 20, "done": 30 << 20}, {"id": "B" * 21 + "A", "bytes": 7 << 20, "done": 0}]
    async with console(answers(attachment__moving={"moving": [going | one for one in moving]})) as there:
        whole = there.desk.answers["message.show"] | {"direction": "out"}
        for state, shown in (("queued", False), ("awaiting_receipt", True), ("awaiting_opening", False)):
            there.desk.answers["message.show"] = whole | {"state": state}
            text = (await there.get(f"/messages/{MESSAGE}?way=out")).text
            assert ("30.0 MiB" in text and "90.0 MiB" in text and "3.0 MiB" in text) is shown, state
            assert "7.0 MiB" not in text and faults(text) == []


async def test_what_a_peer_wrote_is_never_markup():
    """A script, a turned line, invisible signs and very long texts, in every text of every type."""
    async with console(answers()) as there:
        for entry in schemas.load_catalogue().held:
            whole = WHOLE | {"type": entry.body_type} | poisoned(body(entry.body_type, valid(entry.body_type)))
            there.desk.answers["message.show"] = whole
            text = (await there.get(f"/messages/{MESSAGE}")).text
            assert faults(text) == [], entry.body_type
            assert "<script>alert" not in text
            assert not {"\u202e", "\u200b", "\U000e0041"} & set(text)
        there.desk.answers["message.show"]["content"] = {"note": HOSTILE}
        text = (await there.get(f"/messages/{MESSAGE}")).text
        assert "x" * 20_000 in text and faults(text) == []


def valid(body_type: str) -> str:
    """The first valid example of a type."""
    return min(path.stem for path in (EXAMPLES / body_type.replace("/", ".")).glob("valid-*.json"))


KEPT = {"id": CASE, "ground": "restriction_18", "until": "2027-06-30"}
DONE: dict[str, Any] = {
    "message.ack": {"id": MESSAGE, "state": "handed_over"},
    "message.open": {"id": MESSAGE, "state": "opened"},
    "message.cancel": {"id": MESSAGE, "state": "cancelled"},
    "message.erase": {"erased": 1, "messages": []},
    "asylum.hold": {"id": CASE, "held": True, "states": ["AL"], "lost": 0},
    "asylum.lift": {"id": CASE, "held": True},
    "retention.hold": KEPT,
    "retention.release": {"id": CASE},
    "conversation.erase": {"erased": 1, "messages": []},
    "alert.acknowledge": {"id": MESSAGE, "conversation": CASE, "state": "queued"},
    "erasure.follow": {"id": MESSAGE, "erased": 1},
    "erasure.refuse": KEPT,
    "review.settle": {"message": MESSAGE},
    "case.join": {"id": OF_CASE["id"]},
    "consent.confirm": {"case": OF_CASE["id"], "confirmed": 2},
    "statistics.make": ANSWERS["statistics.show"] | {"new": True, "erased": 0},
}


@pytest.mark.parametrize(
    ("path", "fields", "operation", "arguments"),
    [
        (f"/messages/{MESSAGE}/take", {}, "message.ack", {"id": MESSAGE}),
        (f"/messages/{MESSAGE}/open", {}, "message.open", {"id": MESSAGE}),
        (f"/messages/{MESSAGE}/cancel", {}, "message.cancel", {"id": MESSAGE}),
        (
            f"/messages/{MESSAGE}/erase?way=out",
            {"reason": "objection"},
            "message.erase",
            {"id": MESSAGE, "direction": "out", "reason": "objection"},
        ),
        (f"/conversations/{CASE}/asylum-hold", {"state": ""}, "asylum.hold", {"id": CASE}),
        (
            f"/conversations/{CASE}/asylum-hold",
            {"state": "MA"},
            "asylum.hold",
            {"id": CASE, "states": ["MA"]},
        ),
        (
            f"/conversations/{CASE}/asylum-hold",
            {"state": "MA", "lost": "yes"},
            "asylum.hold",
            {"id": CASE, "states": ["MA"], "lost": True},
        ),
        (f"/conversations/{CASE}/asylum-lift", {}, "asylum.lift", {"id": CASE}),
        (
            f"/conversations/{CASE}/hold",
            {"ground": "restriction_18", "until": "2027-06-30"},
            "retention.hold",
            {"id": CASE, "ground": "restriction_18", "until": "2027-06-30"},
        ),
        (f"/conversations/{CASE}/release", {}, "retention.release", {"id": CASE}),
        (
            f"/conversations/{CASE}/erase",
            {"reason": "unlawful"},
            "conversation.erase",
            {"id": CASE, "reason": "unlawful"},
        ),
        (
            f"/alerts/{MESSAGE}/acknowledge",
            [("actions", "visit"), ("actions", "medical"), ("hours", "4")],
            "alert.acknowledge",
            {"id": MESSAGE, "actions": ["visit", "medical"], "hours": "4"},
        ),
        (
            f"/records/erasures/{MESSAGE}/follow",
            {"messages": f"{CASE}\n{CONSENT}"},
            "erasure.follow",
            {"id": MESSAGE, "messages": [CASE, CONSENT]},
        ),
        (
            f"/records/erasures/{MESSAGE}/refuse",
            {"ground": "restriction_18", "until": "2027-06-30"},
            "erasure.refuse",
            {"id": MESSAGE, "ground": "restriction_18", "until": "2027-06-30"},
        ),
        (f"/records/reviews/{MESSAGE}/settle", {}, "review.settle", {"id": MESSAGE}),
        ("/records/statistics", {"period": "2026"}, "statistics.make", {"period": "2026"}),
        (
            f"/conversations/{CASE}/case",
            {"case": OF_CASE["id"]},
            "case.join",
            {"id": OF_CASE["id"], "conversation": CASE},
        ),
        (f"/cases/{OF_CASE['id']}/confirm", {}, "consent.confirm", {"case": OF_CASE["id"]}),
    ],
)
async def test_a_button_asks_the_node_in_the_name_of_the_person(path: str, fields: Any, operation: str, arguments: Any):
    """And leads to where it can be seen; refused, the page says so."""
    done = {operation: DONE[operation]}
    async with console(answers() | done) as there:
        seen = await there.post(path, fields)
        assert (seen.status, asked(there, operation)) == (303, [arguments])
        there.desk.answers[operation] = RefusedError(Code.GATE_G5, "closed")
        seen = await there.post(path, fields)
        assert seen.status == 422
        assert "While asylum is sought or granted" in seen.text and "wait for the decision" in seen.text
        assert faults(seen.text) == []


async def test_advice_about_contact_repeats_nothing():
    """The number that was asked about is in the question only."""
    async with console(answers()) as there:
        seen = await there.post(f"/conversations/{CASE}/contact", {"channel": "call", "address": "+33639980142"})
        assert asked(there, "contact.advise") == [{"id": CASE, "channel": "call", "address": "+33639980142"}]
        assert seen.status == 200 and "No. This must not be done." in seen.text and "980142" not in seen.text
        assert faults(seen.text) == []


async def test_an_alert_that_was_taken_says_so():
    """And one that others have to take has no form."""
    async with console(answers(alert__list={"alerts": []})) as there:
        assert "A person has taken it." in (await there.get(f"/alerts/{MESSAGE}")).text
        there.desk.answers["alert.list"] = {"alerts": [ALERT | {"owes": "them", "woken": [], "next": None}]}
        text = (await there.get(f"/alerts/{MESSAGE}")).text
        assert "acknowledge" not in text and asked(there, "message.show")[-1]["direction"] == "out"


async def test_evidence_is_a_file():
    """With the content only if that was wanted."""
    async with console(answers(evidence__export={"format": "x"})) as there:
        seen = await there.post(f"/conversations/{CASE}/evidence", {})
        assert seen.headers["Content-Disposition"] == 'attachment; filename="evidence.json"'
        assert json.loads(seen.text) == {"format": "x"}
        await there.post(f"/conversations/{CASE}/evidence", {"disclose": "yes", "peer": "AL"})
        assert asked(there, "evidence.export") == [
            {"id": CASE, "disclose": False},
            {"id": CASE, "disclose": True, "peer": "AL"},
        ]


async def test_single_fields_are_chosen_by_their_names():
    """None is chosen at first and no value is there; what is ticked is asked for, and nothing ticked shows nothing."""
    path = f"/conversations/{CASE}/evidence"
    async with console(answers(evidence__export={"format": "x"})) as there:
        page = (await there.get(f"{path}?peer=AL")).text
        for pointer in ("/content/person/age_group", "/content/exploitation/0", "/header/sender_unit"):
            assert f'value="{MESSAGE}{pointer}"' in page
        assert "checked" not in page
        empty = await there.post(path, {"choosing": "yes", "peer": "AL"})
        assert (empty.status, "Choose at least one field." in empty.text) == (422, True)
        assert asked(there, "evidence.export") == []
        chosen = [f"{MESSAGE}/content/exploitation/0", f"{MESSAGE}/header/sender_unit"]
        seen = await there.post(path, {"choosing": "yes", "peer": "AL", "field": chosen})
        assert json.loads(seen.text) == {"format": "x"}
        assert asked(there, "evidence.export") == [
            {"id": CASE, "disclose": False, "peer": "AL", "fields": " ".join(chosen)}
        ]


async def test_a_file_is_stored_and_never_shown(monkeypatch: pytest.MonkeyPatch):
    """Whatever it is, the browser is told to keep it, and by a name that we chose."""

    async def chunks():
        yield b"<script>"
        yield b"alert(1)"

    async with console(answers()) as there:

        async def attached(arguments: Any, **about: Any) -> File:
            assert arguments == {"id": MESSAGE, "direction": "in", "part": "1"}
            return File(name="1.pdf", media="text/html", size=16, sha256=b"", chunks=chunks())

        monkeypatch.setattr(there.desk, "attached", attached)
        seen = await there.get(f"/messages/{MESSAGE}/files/1?way=in")
        assert (seen.status, seen.text) == (200, "<script>alert(1)")
        assert seen.headers["Content-Disposition"] == 'attachment; filename="1.pdf"'
        assert seen.headers["Content-Type"] == "application/octet-stream"
        assert seen.headers["X-Content-Type-Options"] == "nosniff"
        assert seen.headers["Content-Security-Policy"].startswith("default-src 'none'")


async def test_the_day_until_which_something_is_kept_is_written_as_the_reader_does():
    """Not as a computer does."""
    async with console(answers()) as there:
        for path in (f"/conversations/{CASE}", "/records/holds"):
            text = (await there.get(path)).text
            assert "30 Jun 2027" in text and "2027-06-30" not in text


@pytest.mark.parametrize(
    ("kind", "of_case", "offered"), [("enquiry", None, 1), ("enquiry", OF_CASE, 0), ("standing", None, 0)]
)
async def test_an_enquiry_about_nobody_can_be_given_to_a_case(kind: str, of_case: Any, offered: int):
    """Its page offers the cases, or a new one; chosen neither, it says so, and nothing is asked of the node."""
    standing = SHOWN["standing"][0] | {"kind": kind, "state": "asked", "procedure": None}
    found = SHOWN | {"of_case": of_case, "standing": [standing]}
    async with console(answers(conversation__show=found)) as there:
        page = read((await there.get(f"/conversations/{CASE}")).text)
        assert [form.action for form in page.forms].count(f"/conversations/{CASE}/case") == offered
        if offered:
            seen = await there.post(f"/conversations/{CASE}/case", {"case": "", "case_label": ""})
            assert seen.status == 422 and "Choose the case, or say what a new one is called." in seen.text
            assert not asked(there, "case.join")


async def test_the_desk_says_that_consents_wait_after_a_restore():
    """With the way to the list of their cases, and from there to what has to be looked at."""
    async with console(answers()) as there:
        desk = read((await there.get("/cases")).text)
        assert "3 consents wait to be confirmed" in desk.said and "/consents/unconfirmed" in desk.links
        waiting = read((await there.get("/consents/unconfirmed")).text)
        (page,) = [link for link in waiting.links if link.endswith("/confirm")]
        one = read((await there.get(page)).text)
        assert "Ask the person" in one.said and [form.action for form in one.forms if page in form.action] == [page]
        there.desk.answers["consent.unconfirmed"] = {"cases": [], "consents": 0}
        assert "/consents/unconfirmed" not in read((await there.get("/cases")).text).links
        one = read((await there.get(page)).text)
        assert "No consent of this case waits" in one.said and page not in [form.action for form in one.forms]


async def test_a_message_under_a_revoked_key_names_its_case():
    """Whoever has to call the other country knows whom it is about."""
    async with console(answers()) as there:
        assert OF_CASE["name"] in read((await there.get("/records/reviews")).text).said
