"""What stands before every page of the console, and the way in and out."""

from __future__ import annotations

import io
import json
from itertools import product

import pytest
from aiohttp import FormData
from support.browsing import read
from support.casework import DUTY, PEER, WHERE
from support.consoles import NOW, OWN_UNITS, READY, Console, Seen, console, person
from support.played_cases import FOUND
from support.tables import Faults

from gateway.console import assets
from gateway.console.app import PAGES
from gateway.console.cookies import SESSION
from gateway.console.refusals import SAID
from gateway.console.visit import OPEN, Page
from gateway.console.words import load_words
from gateway.errors import Code, Finding, RefusedError, TransientError
from gateway.node.rows import ROWS
from gateway.operations.roles import Role

MORNING = {
    "alert.list": {"alerts": []},
    "conversation.due": {"due": [], "next": None, "unsettled": False},
    "consent.unconfirmed": {"cases": [], "consents": 0},
    "peer.list": {"peers": []},
    "inbox.list": {"messages": [], "next": None},
    "draft.list": {"drafts": [], "next": None},
    "directory.list": OWN_UNITS,
    "node.ready": READY,
    "case.find": FOUND,
}


async def test_a_page_keeps_nothing_and_lets_nothing_in():
    """No script but ours, no other host, no frame, no cache, on every answer."""
    async with console(MORNING) as there:
        for path in ("/cases", "/sign-in", "/nowhere"):
            seen = await there.get(path)
            policy = seen.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "http" not in policy
            assert seen.headers["Cache-Control"] == "no-store"
            assert seen.headers["X-Frame-Options"] == "DENY"
            assert seen.headers["Referrer-Policy"] == "no-referrer"


async def opened(there: Console, page: Page, session: str | None = "secret") -> Seen:
    """Open a page, or send its form."""
    path = page.path.replace("{", "").replace("}", "")
    return await (there.get if page.method == "GET" else there.post)(path, session=session)


async def test_a_page_is_for_who_is_signed_in():
    """Without a session, and with one that has ended, each page leads to the door; the desk is not asked."""
    async with console() as there:
        with Faults() as wrong:
            for page, session in product((page for page in PAGES if page.operation != OPEN), (None, "", "ended")):
                with wrong.row(page.method, page.path, repr(session)):
                    there.desk.calls.clear()
                    seen = await opened(there, page, session)
                    assert (seen.status, seen.headers["Location"]) == (303, "/sign-in")
                    assert there.desk.calls == []


async def test_a_page_is_closed_to_other_roles():
    """By the row of its operation in the matrix; the desk is not asked."""
    async with console() as there:
        with Faults() as wrong:
            for page in (page for page in PAGES if page.operation):
                for role in set(Role) - ROWS[page.operation].roles:
                    with wrong.row(page.method, page.path, role):
                        there.desk.calls.clear()
                        there.sign_in.sessions["secret"] = person(role)
                        assert (await opened(there, page)).status == 403
                        assert there.desk.calls == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "", "Origin": "http://desk.test"},
    ],
)
async def test_a_form_of_another_site_is_refused(headers):
    """Fetch Metadata decides where there is any."""
    async with console() as there:
        seen = await there.post("/sign-out", **headers)
        assert seen.status == 403 and "secret" in there.sign_in.sessions


@pytest.mark.parametrize(("origin", "status"), [("http://desk.test", 303), ("http://evil.test", 403), ("null", 403)])
async def test_an_older_browser_is_known_by_its_origin(origin, status):
    """Without Fetch Metadata the Origin header decides."""
    async with console() as there:
        seen = await there._ask("POST", "/sign-out", "secret", {}, {"Origin": origin})
        assert seen.status == status
        bare = await there._ask("POST", "/sign-out", "secret", {}, {})
        assert bare.status == 403


async def test_another_host_is_refused():
    """A foreign name that leads to this machine finds no page."""
    async with console(MORNING) as there:
        assert (await there.get("/cases", Host="evil.test")).status == 421


async def test_who_shows_a_passkey_is_signed_in():
    """With a new session in a cookie for this host only."""
    async with console() as there:
        page = await there.get("/sign-in", session=None)
        assert "&#34;challenge&#34;" in page.text
        seen = await there.post("/sign-in", {"ceremony": "c2", "credential": '{"id": "k"}'}, session="fixed")
        assert (seen.status, seen.headers["Location"]) == (303, "/")
        cookie = seen.cookies[SESSION]
        assert cookie.startswith(f"{SESSION}=new;")
        for word in ("Path=/", "Secure", "HttpOnly", "SameSite=Lax"):
            assert word in cookie
        assert "Domain" not in cookie


@pytest.mark.parametrize("credential", ["", "x", "[]", "[" * 50_000, '{"id": "other"}'])
async def test_what_is_no_passkey_is_refused(credential):
    """And nobody is signed in."""
    async with console() as there:
        seen = await there.post("/sign-in", {"ceremony": "c2", "credential": credential[:19_000]}, session=None)
        assert seen.status == 403 and SESSION not in seen.cookies


async def test_an_invitation_ends_in_a_session():
    """The code, then the passkey."""
    async with console() as there:
        assert (await there.post("/enrol", {"code": "other"}, session=None)).status == 403
        there.sign_in.invitation = person(name="Ana D.")
        seen = await there.post("/enrol", {"code": "code"}, session=None)
        assert "<bdi>Ana D</bdi>. If that" in seen.text  # one full stop
        fields = {"code": "code", "ceremony": "c1", "credential": '{"id": "k"}'}
        assert (await there.post("/enrol/passkey", fields, session=None)).status == 303


@pytest.mark.parametrize(("method", "path", "to"), [("post", "/sign-out", "/sign-in"), ("get", "/leave", "https://")])
async def test_going_ends_the_session(method, path, to):
    """The cookie goes, and with it what the browser kept."""
    async with console() as there:
        seen = await getattr(there, method)(path)
        assert seen.headers["Location"].startswith(to)
        assert there.sign_in.sessions == {}
        assert "Max-Age=0" in seen.cookies[SESSION] and seen.headers["Clear-Site-Data"]


@pytest.mark.parametrize(
    ("back", "to"),
    [
        ("/desk", "/desk"),
        ("/desk?peer=AL", "/desk?peer=AL"),
        ("//evil.test", "/"),
        ("/\\evil", "/"),
        ("x:y", "/"),
        ("/\t/evil.test", "/"),
        ("/desk\r\nX: y", "/"),
    ],
)
async def test_a_language_is_chosen_and_remembered(back, to):
    """And the way back stays here."""
    async with console(MORNING) as there:
        seen = await there.post("/language", {"language": "ar", "back": back})
        assert seen.headers["Location"] == to
        assert there.sign_in.spoken == [("p1", "ar")]
        assert (await there.post("/language", {"language": "xx", "back": back})).status == 422
        there.sign_in.sessions["secret"] = person(language="ar")
        assert '<html lang="ar" dir="rtl">' in (await there.get("/cases")).text


async def test_the_page_in_another_language_is_the_same_page():
    """Also where its address says more than the path."""
    async with console(MORNING) as there:
        page = read((await there.get("/sign-in?x=1", session=None)).text)
        assert page.form("/language").sent()["back"] == ("/sign-in?x=1",)
        assert read((await there.get("/menu")).text).form("/language").sent()["back"] == ("/menu",)


async def test_a_browser_says_its_language():
    """Until a person has chosen."""
    async with console() as there:
        seen = await there.get("/sign-in", session=None, **{"Accept-Language": "xx, pl;q=0.5, el;q=0.8"})
        assert '<html lang="el"' in seen.text


@pytest.mark.parametrize(
    ("roles", "home"),
    [
        ((), "/cases"),
        ((Role.CASE_WORKER,), "/cases"),
        ((Role.FOCAL_POINT, Role.TRUST_ADMIN), "/cases"),
        ((Role.TRUST_ADMIN,), "/trust"),
        ((Role.OPERATOR,), "/operations"),
        ((Role.AUDITOR,), "/audit"),
        ((Role.DATA_PROTECTION_OFFICER,), "/protection"),
        ((Role.DATA_PROTECTION_OFFICER, Role.AUDITOR), "/protection"),
        ((Role.OPERATOR, Role.TRUST_ADMIN), "/operations"),
    ],
)
async def test_everybody_begins_where_their_work_is(roles, home):
    """At the cases, or at the section of the role."""
    async with console() as there:
        there.sign_in.sessions["secret"] = person(*roles)
        assert (await there.get("/")).headers["Location"] == home


async def test_a_role_without_pages_is_told_so():
    """Or led to a page that it may see."""
    async with console() as there:
        there.sign_in.sessions["secret"] = person(Role.ADAPTER)
        assert (await there.get("/")).status in (200, 303)


@pytest.mark.parametrize(("states", "alone"), [((), 1), (("proposed", "verified"), 1), (("verified", "active"), 0)])
async def test_the_desk_of_the_first_day_says_why_nothing_can_be_sent(states, alone):
    """Until a country is connected; and where one begins to write."""
    peers = [PEER | {"state": state, "name": name} for state, name in zip(states, ("AL", "MA"), strict=False)]
    async with console(MORNING | {"peer.list": {"peers": peers}}) as there:
        text = (await there.get("/cases")).text
    assert text.count("No country is connected yet") == alone
    assert 'href="/cases/new"' in text


@pytest.mark.parametrize(("size", "status"), [(30_000, 303), (1_000_001, 413)])
async def test_a_pairing_file_is_longer_than_other_fields(size, status):
    """That of a node with three roots has 26 000 characters; without a bound it is not."""
    chain = json.dumps([{"x": "A" * (size - 11)}])
    async with console({"peer.add": {"node": "n1b"}}) as there:
        seen = await there.post("/trust/new", {"chain": chain})
        assert seen.status == status
        assert (await there.post("/trust/new", uploaded(chain.encode()))).status == status
        proposed = [json.dumps(asked["chain"]) for name, asked, _ in there.desk.calls if name == "peer.add"]
        assert proposed == [chain] * (2 if status == 303 else 0)


async def test_a_page_without_a_chosen_file_reads_the_other_fields():
    """A browser sends the empty file along; what is no text proposes nothing."""
    async with console({"peer.add": {"node": "n1b"}}) as there:
        form = uploaded(b"", name="")
        form.add_field("url", "https://al.test:8443")
        assert (await there.post("/trust/new", form)).status == 303
        assert there.desk.calls[-1][1]["url"] == "https://al.test:8443"
        assert (await there.post("/trust/new", uploaded(b"\xff\x00"))).status == 422
        assert len(there.desk.calls) == 1


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/x-www-form-urlencoded", b"a=%ff\xff", 422),
        ("multipart/form-data", b"a", 422),
        ("application/x-www-form-urlencoded; charset=none", b"a=b", 422),
        ("multipart/form-data; boundary=x", b"a", 422),
        ("application/x-www-form-urlencoded", b"a=" + b"x" * 2_000_000, 413),
    ],
)
async def test_what_is_no_form_is_refused_by_a_page(kind, body, status):
    """Not by a fault of ours, and not by a text without the headers of a page."""
    async with console() as there:
        for path in ("/sign-in", "/drafts/new"):
            seen = await there.post(path, io.BytesIO(body), **{"Content-Type": kind})
            assert seen.status == status and read(seen.text).said
            assert seen.headers["Cache-Control"] == "no-store"


def uploaded(data: bytes, name: str = "AL.pairing") -> FormData:
    """A form with one file, as a browser sends it."""
    form = FormData()
    form.add_field("file", data, filename=name, content_type="application/octet-stream")
    return form


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (RefusedError(Code.NOT_FOUND, "no such", hint="look"), 404, "This does not exist here"),
        (RefusedError(Code.GATE_G3, "closed", findings=[Finding(place="/content/x", rule="g3")]), 422, "gate G3"),
        (TransientError(Code.LOCKED, "busy"), 503, "try again"),
        (RuntimeError("Tulpe-7391"), 500, "try again"),
    ],
)
async def test_a_refusal_is_a_page(error, status, said):
    """In the words of the reader; a fault of ours shows nothing of itself."""
    async with console({"alert.list": error}) as there:
        seen = await there.get("/alerts")
        assert seen.status == status and said in seen.text
        assert "Tulpe" not in seen.text


async def test_what_others_wrote_is_shown_safely():
    """Escaped, in its own direction, and what is invisible can be seen."""
    hostile = "<script>alert(1)</script>\u202eAL\u200b"
    about = {"conversation": "A" * 22, "of_case": None, "type": "referral.request/1", "unit": None}
    due = WHERE | DUTY | about | {"peer": hostile}
    async with console(MORNING | {"conversation.due": {"due": [due], "next": None, "unsettled": False}}) as there:
        text = (await there.get("/desk/owed")).text
    assert "<script>alert" not in text
    assert "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;\ufffdAL\ufffd</bdi>" in text


async def test_the_desk_says_that_the_roots_have_to_meet():
    """In the language of the reader, with what to do about what cannot wait; a node that does its work says nothing."""
    stopped = READY | {"ready": False, "why": [str(Code.ROOTS_DUE)]}
    for answer, told in ((stopped, True), (READY, False)):
        async with console(MORNING | {"node.ready": answer}) as there:
            page = read((await there.get("/cases", **{"Accept-Language": "it"})).text)
            assert (load_words("it")("Nothing is taken in or sent") in page.said) is told
            assert (load_words("it")(SAID[Code.ROOTS_DUE]) in page.said) is told


async def test_the_desk_says_until_when_people_work_on_the_node():
    """What cannot be done meanwhile is a page in the reader's language, with a time for a program that asks."""
    stopped = READY | {"ready": False, "why": [str(Code.MAINTENANCE)], "maintenance": NOW + 1_800}
    away = TransientError(Code.MAINTENANCE, "people work on this node", again_in=1_800)
    async with console(MORNING | {"node.ready": stopped}) as there:
        page = read((await there.get("/cases", **{"Accept-Language": "it"})).text)
        assert load_words("it")(SAID[Code.MAINTENANCE]) in page.said
        assert load_words("it").time(NOW + 1_800, 3_600) in page.said
    async with console(MORNING | {"case.find": away}) as there:
        seen = await there.get("/cases", **{"Accept-Language": "it"})
        assert (seen.status, seen.headers["Retry-After"]) == (503, "1800")
        assert load_words("it")(SAID[Code.MAINTENANCE]) in read(seen.text).said


async def test_the_files_of_a_page_are_kept_for_ever():
    """Under an address that holds their hash; another one has nothing."""
    async with console() as there:
        for name in assets.MEDIA:
            seen = await there.get(assets.find_address(name), session=None)
            assert seen.status == 200 and "immutable" in seen.headers["Cache-Control"]
        assert (await there.get("/static/0000/console.css", session=None)).status == 404
        assert (await there.get("/static/0000/..%2fapp.py", session=None)).status == 404
