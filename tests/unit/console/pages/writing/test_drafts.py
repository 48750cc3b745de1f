"""The pages for writing: a draft with its faults, two people in one draft, what leaves, and files as a stream."""

from __future__ import annotations

import pytest
from support.browsing import read
from support.consoles import console
from support.played_cases import CASE, CONSENT, COVERED, SHOWN
from support.shapes import misfits
from support.written import HERE, ID, KNOWN, OTHER, PREVIEW, SCRIPT, WHOLE, draft

from gateway.console.words import load_words
from gateway.errors import Code, Finding, RefusedError
from gateway.operations.ports import Person
from gateway.operations.roles import Caller, Role


def test_what_the_desk_is_played_to_say_is_what_it_says():
    """The answers of this file have the shapes of the API."""
    for operation, answer in (KNOWN | {"draft.preview": PREVIEW}).items():
        assert misfits(operation, answer) == []


async def test_faults_stand_at_their_fields_and_nothing_is_lost():
    """It is saved all the same; the summary leads to each field."""
    async with console(KNOWN) as there:
        page = read((await there.get(WHOLE)).text)
        fields = page.form(WHOLE).filled({"/content/note": SCRIPT, "/content/age_group": "adult"}, act="check")
        seen = await there.post(WHOLE, fields)
        page = read(seen.text)
        assert seen.status == 422 and "Services" in page.wrong and "#/content/services" in page.links
        assert page.form(WHOLE).sent()["/content/note"] == (SCRIPT,) and SCRIPT not in seen.text
        assert page.form(WHOLE).sent()["version"] == ("v2",)
        saved = next(arguments for operation, arguments, _ in there.desk.calls if operation == "draft.change")
        assert saved["draft"]["content"] == {"note": SCRIPT, "age_group": "adult"} and saved["if_match"] == "v1"


async def test_rows_come_and_go_without_being_saved():
    """By buttons that send the form."""
    async with console(KNOWN | {"draft.show": draft("referral.request/1")}) as there:
        page = read((await there.get(WHOLE)).text)
        fields = page.form(WHOLE).filled({"/content/person/pseudonym": "Mali"}, act="add:/content/household")
        page = read((await there.post(WHOLE, fields)).text)
        assert page.form(WHOLE).sent()["/content/person/pseudonym"] == ("Mali",)
        given = {"/content/household/0/relation": "child"}
        page = read((await there.post(WHOLE, page.form(WHOLE).filled(given, act="add:/content/household"))).text)
        assert page.form(WHOLE).sent()["/content/household/0/relation"] == ("child",)
        page = read((await there.post(WHOLE, page.form(WHOLE).filled({}, act="remove:/content/household/0"))).text)
        assert "/content/household/0/relation" not in page.form(WHOLE).sent()
        assert "draft.change" not in [call[0] for call in there.desk.calls]


async def test_two_people_in_one_draft_see_both():
    """What the other one saved, and what was written here; saving again takes the place of it."""
    theirs = draft(version="v9", draft={"content": {"note": f"theirs {SCRIPT}"}})
    changed = RefusedError(Code.CHANGED_MEANWHILE, "the draft is not the one you have seen")
    async with console(KNOWN | {"draft.show": theirs, "draft.change": changed}) as there:
        seen = await there.post(WHOLE, {"version": "v1", "/content/note": "mine"})
        page = read(seen.text)
        assert seen.status == 409 and "theirs" in page.said and SCRIPT not in seen.text
        assert {name: value for name, value in page.form(WHOLE).sent().items() if name != "case_key"} == {
            "/content/note": ("mine",),
            "version": ("v9",),
            "type": ("enquiry.capacity/1",),
            **dict.fromkeys(("/header/sender_unit", "/header/recipient_unit"), ("fp",)),  # each the only one there is
        }


@pytest.mark.parametrize("state", ["released", "discarded", "replaced"])
async def test_a_draft_that_does_not_wait_has_no_form(state):
    """It is said so."""
    async with console(KNOWN | {"draft.show": draft(state=state)}) as there:
        assert (await there.get(WHOLE)).status == 409
        assert (await there.post(WHOLE, {})).status == 409


async def test_what_is_written_into_a_draft_that_is_gone_is_shown():
    """A colleague has sent it meanwhile: the page that was left open loses nothing."""
    async with console(KNOWN) as there:
        page = read((await there.get(WHOLE)).text)
        there.desk.answers["draft.show"] = draft(state="released") | {"draft": {}, "type": None, "to": None}
        given = {"/content/note": f"first {SCRIPT}", "/content/age_group": "adult"}
        seen = await there.post(WHOLE, page.form(WHOLE).filled(given, act="save"))
        shown = read(seen.text)
        assert (
            seen.status == 409
            and f"first {SCRIPT}" in shown.said
            and load_words("en").code("age_group", "adult") in shown.said
        )
        assert SCRIPT not in seen.text and "draft.change" not in [call[0] for call in there.desk.calls]


async def test_a_draft_without_a_known_type_can_be_discarded():
    """And nothing else."""
    shown = draft(draft={"type": "x/1"}) | {"type": "x/1"}
    async with console(KNOWN | {"draft.show": shown, "draft.discard": {"id": ID, "state": "discarded"}}) as there:
        assert (await there.get(WHOLE)).status == 422
        read((await there.get(f"{HERE}/discard")).text)
        assert (await there.post(f"{HERE}/discard")).headers["Location"] == "/drafts"


async def test_the_list_says_who_waits_for_whom():
    """To be finished, released by oneself, released by somebody else."""
    listed = [
        draft(),
        draft(state="waiting_second", first_by="Ana Doe", first_by_caller=True),
        draft(state="waiting_second", first_by=SCRIPT),
    ]
    lines = [{name: value for name, value in one.items() if name != "draft"} for one in listed]
    async with console(KNOWN | {"draft.list": {"drafts": lines, "next": "7"}}) as there:
        seen = await there.get("/drafts")
        page = read(seen.text)
        assert "You released it" in page.said and f"Released by {SCRIPT}" in page.said and SCRIPT not in seen.text
        assert "/drafts?cursor=7" in page.links


async def test_a_draft_of_no_case_asks_whose_it_is():
    """Chosen from the cases, or begun with it; only what rests on that person's consents is offered afterwards."""
    async with console(KNOWN | {"draft.show": draft("referral.request/1")}) as there:
        page = read((await there.get(WHOLE)).text)
        assert page.form(WHOLE).choices("/header/consent_ref") == [""]
        kept = page.form(WHOLE).filled({"case": CASE}, act="add:/content/household")
        assert read((await there.post(WHOLE, kept)).text).form(WHOLE).sent()["case"] == (CASE,)
        await there.post(WHOLE, page.form(WHOLE).filled({"case": CASE}, act="save"))
        await there.post(WHOLE, page.form(WHOLE).filled({"case_label": "Blue 8"}, act="save"))
        calls = {operation: arguments for operation, arguments, _ in there.desk.calls}
        saved = [arguments["draft"] for operation, arguments, _ in there.desk.calls if operation == "draft.change"]
        assert [one["case"] for one in saved] == [CASE, CASE] and calls["case.open"]["label"] == "Blue 8"
        there.desk.answers["draft.show"] = draft("referral.request/1", of_case={"id": CASE, "name": "Blue 7"})
        page = read((await there.get(WHOLE)).text)
        assert "case" not in page.form(WHOLE).sent() and f"/cases/{CASE}" in page.links
        assert page.form(WHOLE).choices("/header/consent_ref") == ["", CONSENT]


# --- what leaves --------------------------------------------------------------------------------------------------


async def test_what_leaves_and_what_does_not():
    """In the labels of the reader; a button that releases exactly what was shown."""
    found = PREVIEW | {
        "leaves": {"header": {}, "content": {"note": f"leaves {SCRIPT}"}},
        "dropped": [{"place": "/content/languages/0", "group": "x", "title": "Some group"}],
    }
    done = {"id": OTHER, "conversation": OTHER, "state": "queued"}
    async with console(KNOWN | {"draft.preview": found, "draft.release": done}) as there:
        seen = await there.get(f"{HERE}/preview")
        page = read(seen.text)
        assert "leaves" in page.said and SCRIPT not in seen.text and "Some group" in page.said
        seen = await there.post(f"{HERE}/release", page.form(f"{HERE}/release").filled({}))
        assert seen.headers["Location"] == f"/conversations/{OTHER}"
        assert there.desk.calls[-1][:2] == ("draft.release", {"id": ID, "if_match": "v1"})


async def test_what_leaves_says_on_which_consent_it_rests():
    """By kind of data and until when, for the purpose and the unit that the message names."""
    shown = draft("referral.request/1", of_case={"id": CASE, "name": "Blue 7"})
    content = {"person": {"name_given": "Merle"}, "legal_status": "residence_art14"}
    leaves = {"header": {"consent_ref": CONSENT, "recipient_unit": "fp"}, "content": content}
    found = PREVIEW | {"type": "referral.request/1", "purpose": "referral", "leaves": leaves}
    covered = SHOWN["consents"][0] | {"covers": [COVERED | {"units": [f"n1{'b' * 32}/fp"]}]}
    case = SHOWN | {"consents": [covered]}
    async with console(KNOWN | {"draft.show": shown, "draft.preview": found, "case.show": case}) as there:
        seen = await there.get(f"{HERE}/preview")
        page, english = read(seen.text), load_words("en")
        said, fields = page.said, seen.text.partition('<ul class="read">')[2].partition("</section>")[0]
        named, status = fields.index("Merle"), fields.index(english.code("legal_status", "residence_art14"))
        assert 'class="chip ok"' in fields[named:status] and 'class="chip soon"' not in fields[:status], "at the field"
        assert 'class="chip soon"' in fields[status:] and f"/consents/{CONSENT}" in page.links
        assert "The consent of Blue 7, recorded" in said
        assert f"covered by the consent to “{english.code('purpose', 'referral')}”, until 24 May 2027" in said
        assert "covered by no consent that is known here" in said, "the residence status is not among what it covers"
        there.desk.answers["draft.preview"] = found | {"goes": False, "code": "gate_g2"}
        assert "covered by" not in read((await there.get(f"{HERE}/preview")).text).said


async def test_a_draft_that_changed_is_not_released():
    """What was shown is what goes: the node is told which version that was, and refuses another one."""
    refused = RefusedError(Code.CHANGED_MEANWHILE, "the draft is not the one you have seen")
    async with console(KNOWN | {"draft.preview": PREVIEW, "draft.release": refused}) as there:
        seen = await there.post(f"{HERE}/release", {"version": "v0"})
        assert seen.status == 409 and "Somebody else has changed this" in seen.text
        asked = [arguments for operation, arguments, _ in there.desk.calls if operation == "draft.release"]
        assert asked == [{"id": ID, "if_match": "v0"}]


async def test_a_message_to_a_feared_state_says_so_and_can_be_released():
    """Nothing holds it back: the warning stands above what leaves, and the button is there."""
    for warnings, said in (([], False), (["tells_feared_state"], True)):
        async with console(KNOWN | {"draft.preview": PREVIEW | {"warnings": warnings}}) as there:
            seen = await there.get(f"{HERE}/preview")
            assert ("This tells a State that the person fears" in seen.text) is said
            assert "Release it: send it" in seen.text


async def test_a_second_person_can_be_asked_for_where_one_is_enough():
    """By a button of its own; where two are needed anyway there is only the one."""
    first = {"id": ID, "state": "waiting_second"}
    async with console(KNOWN | {"draft.preview": PREVIEW, "draft.release": first}) as there:
        page = read((await there.get(f"{HERE}/preview")).text)
        assert page.form(f"{HERE}/release").buttons == [("act", "two")]
        seen = await there.post(f"{HERE}/release", {"version": "v1", "act": "two"})
        assert seen.headers["Location"] == f"{HERE}/preview"
        assert there.desk.calls[-1][:2] == ("draft.release", {"id": ID, "if_match": "v1", "two_people": True})
        there.desk.answers |= {
            "draft.show": draft("referral.request/1"),
            "draft.preview": PREVIEW | {"type": "referral.request/1"},
        }
        assert read((await there.get(f"{HERE}/preview")).text).form(f"{HERE}/release").buttons == []


@pytest.mark.parametrize(("mine", "may"), [(True, False), (False, True)])
async def test_the_second_person_is_a_different_one(mine, may):
    """Who was first is named, and has no button; the node refuses the same person in any case."""
    shown = draft("referral.request/1", state="waiting_second", first_by="Ana Doe", first_by_caller=mine)
    found = PREVIEW | {"type": "referral.request/1"}
    refused = RefusedError(Code.CONFLICT, "the same person released this already")
    async with console(KNOWN | {"draft.show": shown, "draft.preview": found, "draft.release": refused}) as there:
        page = read((await there.get(f"{HERE}/preview")).text)
        assert [form.action for form in page.forms].count(f"{HERE}/release") == may
        assert ("You have released this" in page.said) is not may
        seen = await there.post(f"{HERE}/release", {"version": "v1"})
        assert seen.status == 409 and "not possible" in seen.text


@pytest.mark.parametrize("lang", ["en", "ar"])
async def test_a_gate_says_the_way_forward(lang):
    """With its number, and what it is about; nothing can be released."""
    found = PREVIEW | {
        "type": "referral.request/1",
        "leaves": None,
        "goes": False,
        "warnings": [],
        "code": "gate_g2",
        "findings": [{"place": "/content/person/birth_date", "rule": "g2", "hint": "ask for a consent"}],
    }
    async with console(KNOWN | {"draft.show": draft("referral.request/1"), "draft.preview": found}) as there:
        there.sign_in.sessions["secret"] = Person(
            id="p1", name="Ana Doe", caller=Caller(roles=frozenset({Role.CASE_WORKER}), person="p1"), language=lang
        )
        page = read((await there.get(f"{HERE}/preview")).text)
        assert "G2:" in page.said and "ask for a consent" in page.said
        assert [form for form in page.forms if form.action.endswith("/release")] == []


async def test_what_is_no_message_yet_is_told_too():
    """A finding of the schema, or a refusal of the whole draft."""
    missing = {"place": "/content/services", "rule": "required", "hint": "is missing"}
    found = PREVIEW | {"goes": False, "code": "schema", "findings": [missing]}
    async with console(KNOWN | {"draft.preview": found}) as there:
        page = read((await there.get(f"{HERE}/preview")).text)
        assert "This is missing." in page.said and f"{HERE}/step/purpose" in page.links
        refusal = RefusedError(Code.INVALID, "no draft", findings=[Finding(place="/to", rule="unknown_peer")])
        there.desk.answers["draft.preview"] = refusal
        assert (await there.get(f"{HERE}/preview")).status == 409


# --- files ----------------------------------------------------------------------------------------------------------

FILE = {"part": 0, "media_type": "application/pdf", "size": 5, "sha256": "0" * 64}
BOUNDARY = "----x7391"


def multipart(data: bytes, *, name: str = "file", end: str = "--\r\n") -> bytes:
    """A form with one file, as browsers send it."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="a.pdf"\r\n'
    return f"{head}Content-Type: application/pdf\r\n\r\n".encode() + data + f"\r\n--{BOUNDARY}{end}".encode()


SENT = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.mark.parametrize(
    "data", [b"%PDF-", b"", b"\r\n--" + BOUNDARY.encode() + b"x" * 200_000, bytes(range(256)) * 999]
)
async def test_a_file_comes_as_it_is(data):
    """With its exact size, whatever is in it; the draft knows its message from then on."""
    answers = KNOWN | {"attachment.add": {"message": OTHER, **FILE}, "attachment.waiting": {"attachments": [FILE]}}
    async with console(answers) as there:
        seen = await there.post(f"{HERE}/files", multipart(data), **SENT)
        assert seen.headers["Location"] == f"{HERE}/files" and there.desk.taken == data
        calls = {operation: arguments for operation, arguments, _ in there.desk.calls}
        assert calls["attachment.add"] == {"size": len(data)}
        assert calls["draft.change"]["draft"]["message"] == OTHER


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (multipart(b"x"), {"Content-Type": "text/plain"}),
        (multipart(b"x"), {"Content-Type": "multipart/form-data"}),
        (multipart(b"x"), {"Content-Type": f"multipart/form-data; boundary={'x' * 71}"}),
        (multipart(b"x"), {"Content-Type": "multipart/form-data; boundary=other"}),
        (multipart(b"x", name="other"), SENT),
        (multipart(b"x", end="\r\n--x"), SENT),
        (b"", SENT),
        (b"--" + BOUNDARY.encode() + b"\r\n\r\n", SENT),
        (b"x" * 10_000, SENT),
    ],
    ids=range(9),
)
async def test_what_is_not_one_file_is_refused(body, headers):
    """And the page says so; the draft is not changed."""
    async with console(KNOWN | {"attachment.add": {"message": OTHER, **FILE}}) as there:
        seen = await there.post(f"{HERE}/files", body, **headers)
        assert seen.status == 422 and read(seen.text).wrong
        assert "draft.change" not in [call[0] for call in there.desk.calls]


@pytest.mark.parametrize("code", [Code.TOO_LARGE, Code.WRONG_TYPE])
async def test_why_a_file_is_not_taken_is_told(code):
    """Type and size, by the node."""
    async with console(KNOWN | {"attachment.add": RefusedError(code, "no")}) as there:
        seen = await there.post(f"{HERE}/files", multipart(b"x"), **SENT)
        assert seen.status == 422 and read(seen.text).wrong.strip()


async def test_files_can_be_taken_out_and_go_with_the_draft():
    """All of them at once; the node forgets them with a draft that is discarded, so the page asks for that alone."""
    shown = draft(draft={"message": OTHER})
    answers = KNOWN | {
        "draft.show": shown,
        "attachment.waiting": {"attachments": [FILE]},
        "draft.discard": {"id": ID, "state": "discarded"},
        "attachment.discard": {"message": OTHER, "files": 1},
    }
    async with console(answers) as there:
        assert "application/pdf" in (await there.get(f"{HERE}/files")).text
        await there.post(f"{HERE}/files/clear")
        calls = {operation: arguments for operation, arguments, _ in there.desk.calls}
        assert calls["attachment.discard"] == {"id": OTHER} and "message" not in calls["draft.change"]["draft"]
        there.desk.calls.clear()
        await there.post(f"{HERE}/discard")
        assert [call[0] for call in there.desk.calls] == ["draft.discard"]


async def test_where_nothing_leaves_nothing_is_said_to_be_kept_back():
    """The two would gainsay each other."""
    for leaves, said in ((PREVIEW["leaves"], True), (None, False)):
        found = PREVIEW | {"leaves": leaves, "goes": False, "code": "gate_g2"}
        async with console(KNOWN | {"draft.preview": found}) as there:
            assert ("Nothing is kept back." in (await there.get(f"{HERE}/preview")).text) == said


async def test_a_session_that_ends_over_a_form_takes_nothing_of_it():
    """The page keeps what was filled in, unseen; whoever signs in looks at it before anything is done with it."""
    async with console(KNOWN) as there:
        page = read((await there.get(WHOLE)).text)
        note = f"first\nsecond {SCRIPT}"
        fields = page.form(WHOLE).filled({"/content/note": note, "/content/services": ["x", "y"]}, act="check")
        there.desk.calls.clear()
        seen = await there.post(WHOLE, fields, session="ended")
        kept = read(seen.text)
        assert seen.status == 403 and "Your session has ended" in kept.said and SCRIPT not in kept.said
        assert "/sign-in" in kept.links and there.desk.calls == []
        again = await there.post(WHOLE, kept.form(WHOLE).filled({}, act="again"), session="ended")
        assert read(again.text).form(WHOLE).fields == kept.form(WHOLE).fields

        page = read((await there.post(WHOLE, kept.form(WHOLE).filled({}, act="again"))).text)
        assert page.form(WHOLE).sent()["/content/note"] == (note,)
        assert "draft.change" not in [call[0] for call in there.desk.calls]
