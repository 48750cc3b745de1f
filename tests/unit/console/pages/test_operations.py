"""Operations at the console: how the node stands in words, alarms with what to do, messages sent anew, the way."""

from __future__ import annotations

from itertools import product
from typing import Any

from support import pages as documented
from support.consoles import NOW, Console, console, person
from support.operated import HELD, ID, OTHER, PATHS, SOME, STATUS, alarm, answers
from support.pagelook import faults
from support.tables import Faults

from gateway.administration import status_metrics
from gateway.console import operating
from gateway.console.operating import Tells
from gateway.console.pages import network, operations
from gateway.console.pages.operations import PAGE
from gateway.console.words import load_words
from gateway.errors import Code, RefusedError
from gateway.messages.probe import Leg
from gateway.node.rows import ROWS
from gateway.operations.roles import Role
from gateway.trust import ping

PROOF = {"node": "n1" + "a" * 32, "version": 2, "proof": {"d": 3, "c": []}}


def right(path: str) -> str:
    """The operation whose right opens a page."""
    places = path.partition("?")[0].split("/")
    for page in (*network.PAGES, *operations.PAGES):
        wanted = page.path.split("/")
        same = (one.startswith("{") or one == other for one, other in zip(wanted, places, strict=False))
        if page.method == "GET" and len(wanted) == len(places) and all(same):
            return str(page.operation)
    raise AssertionError(path)


def asked(there: Console, operation: str) -> list[Any]:
    """With what the operation was asked."""
    return [arguments for name, arguments, _ in there.desk.calls if name == operation]


def test_every_alarm_has_its_words():
    """Every kind that the node raises, and no other, with what to do."""
    made = {f"{subject}.ends_{days}" for subject in operating.ENDINGS for days in operating.BEFORE}
    assert set(operating.ALARMS) | made == documented.alarms()
    tells = Tells(load_words("en"))
    for kind in documented.alarms():
        assert "[no label]" not in tells.alarm(kind) and tells.remedy(kind)
    assert tells.alarm("own.sig.ends_30") == "The last signing key of this node expires in 30 days"
    assert tells.alarm("zzz") == "zzz [no label]"


def test_every_name_has_its_words():
    """Steps of a ping, parts of the way, what is counted; reasons are codes of the node."""
    assert set(operating.STEPS) == set(ping._FIXES)
    assert set(operating.LEGS) == {str(leg) for leg in Leg}
    assert {f"message.{name}" for name in operating.TROUBLES} == set(status_metrics.FAILED)
    assert set(operating.REASONS) | set(operating.HALTS) <= {str(code) for code in Code}
    tells = Tells(load_words("en"))
    assert tells.reason("gate_g2").startswith("G2: Personal data go only")
    assert tells.reason("expired") != "expired" and tells.reason("zzz") == "zzz"


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
                    assert "<b>" not in seen.text
                    if language == "en":
                        assert "[no label]" not in seen.text


async def test_a_page_is_opened_by_its_right_alone():
    """Whoever may open a page gets the whole of it; nobody else does."""
    async with console(answers()) as there:
        with Faults() as wrong:
            for path, role in product(PATHS, Role):
                with wrong.row(path, role):
                    there.sign_in.sessions["secret"] = person(role)
                    assert (await there.get(path)).status == (200 if role in ROWS[right(path)].roles else 403)


async def test_the_overview_says_how_it_stands():
    """Who does not answer since when, what waits, what failed and why, what is late, what does not open."""
    async with console(answers()) as there:
        text = (await there.get("/operations")).text
        for word in (
            "Nothing is sent",
            "Failed, a person must look",
            "The agreement with a country (<bdi>UA &lt;b&gt;</bdi>)",
            "A legal hold",
            "One of our messages",
            load_words("en").code("wire_code", "expired"),
            "3, since",
            "low",
            "being changed",
            "overdue: 1",
            "4, ",
            "(2 attempts)",
            "folder",
            "signs messages",
            "chores, send AL",
            "-75 s",
            "away",
            load_words("en").code("erasure_ground", "objection"),
        ):
            assert word in text, word
        for word in ("Files on their way", "640.0 MiB", "320.0 MiB", "48.0 MiB", "7.0 MiB", "0.0 MiB"):
            assert word in text, word
        assert "900.0" not in text  # it waits for its message, and is on no way
        there.desk.answers["attachment.moving"] = {"moving": []}
        assert "Files on their way" not in (await there.get("/operations")).text
        calm = STATUS | {"alarms": [], "failed": [], "peers": [], "backup": None}
        there.desk.answers["node.status"] = calm
        text = (await there.get("/operations")).text
        assert "No alarm is open." in text and "none was made here" in text


async def test_queues_and_endings_are_pictures_and_words():
    """How many, and the oldest in words; too old is a word of its own colour; holds are for who may read them."""
    for role, holds in ((Role.FOCAL_POINT, True), (Role.OPERATOR, False)):
        async with console(answers()) as there:
            there.sign_in.sessions["secret"] = person(role)
            text = (await there.get("/operations")).text
        assert 'aria-label="To be sent: 3, 19 hours"' in text and 'aria-label="Arrived there, not taken up: 0"' in text
        assert '<span class="chip late"><svg' in text and ("A legal hold" in text) is holds
        assert f'aria-label="{2 + holds} things end in the next 13 weeks"' in text
        assert text.index("The signing key of this node") < text.index("The agreement with a country")
        assert "The descriptor of this node" not in text  # it ends long after these weeks


async def test_an_alarm_says_its_case_only_to_who_may_read():
    """The node leaves the case out for an operator, and the page is there all the same."""
    unnamed = {name: value for name, value in alarm(1).items() if name != "of_case"}
    for shown, said in ((alarm(1), True), (unnamed, False)):
        async with console(answers(alarm__list={"alarms": [shown], "next": None, "open": 1})) as there:
            seen = await there.get("/operations/alarms/message.failed")
            assert (seen.status, "Blue 7" in seen.text) == (200, said)


async def test_alarms_come_in_pages():
    """A page of them has no more than 200 KB, in any script, says how many there are, and leads to the next."""
    many = {"alarms": [alarm(seq, message=ID) for seq in range(1, PAGE + 1)], "next": "100", "open": 2_000}
    path = "/operations/alarms/message.failed"
    async with console(answers(alarm__list=many)) as there:
        there.sign_in.sessions["secret"] = person(Role.OPERATOR, language="ar")
        text = (await there.get(path)).text
        assert len(text.encode()) < 200_000
        assert text.count('name="alarm"') == PAGE and f'rel="next" href="{path}?cursor=100"' in text
        there.desk.answers["alarm.list"] = many | {"next": None}
        assert 'rel="next"' not in (await there.get(f"{path}?cursor=100")).text
        wanted = {"kind": "message.failed", "limit": PAGE}
        assert asked(there, "alarm.list") == [wanted, wanted | {"cursor": "100"}]
        there.sign_in.sessions["secret"] = person(Role.OPERATOR)
        assert "2000 open" in (await there.get(path)).text


async def test_alarms_are_dismissed_one_by_one():
    """One by its button, several that are ticked; what is not there any more is passed over."""
    path = "/operations/alarms/message.failed"
    async with console(answers()) as there:
        assert (await there.post(path, {"dismiss": "1"})).headers["Location"] == path
        there.desk.answers["alarm.dismiss"] = RefusedError(Code.NOT_FOUND, "no such open alarm")
        assert (await there.post(path, [("alarm", "1"), ("alarm", "2"), ("act", "ticked")])).status == 303
        assert asked(there, "alarm.dismiss") == [{"id": "1"}, {"id": "1"}, {"id": "2"}]
        there.desk.answers["alarm.dismiss"] = RefusedError(Code.INVALID, "no number")
        assert (await there.post(path, {"dismiss": "x"})).status == 422


async def test_the_proof_behind_an_alarm_is_exported():
    """Of two messages by who may give evidence, of two descriptors by who looks after keys; each from its own row."""
    path, kind = "/operations/alarms/peer.equivocation", "peer.equivocation"
    listed = {"alarms": [alarm(1, kind), alarm(2, kind, message=None)], "next": None, "open": 2}
    found = answers(alarm__list=listed, evidence__contradiction={"b": 1, "a": 2}, keys__proof=PROOF)
    async with console(found) as there:
        text = (await there.get(path)).text
        assert 'name="proof" value="messages:1"' in text and 'name="proof" value="descriptors:2"' in text
        for of, id, operation, body in (
            ("messages", "1", "evidence.contradiction", '{"a":2,"b":1}'),
            ("descriptors", "2", "keys.proof", '{"c":[],"d":3}'),
        ):
            seen = await there.post(path, {"proof": f"{of}:{id}"})
            assert (seen.status, seen.text, asked(there, operation)) == (200, body, [{"id": id}])
            assert seen.headers["Content-Disposition"] == 'attachment; filename="proof.json"'
        assert (await there.post(path, {"proof": "people:1"})).status == 422
        assert 'name="proof"' not in (await there.get("/operations/alarms/message.failed")).text
        there.sign_in.sessions["secret"] = person(Role.OPERATOR)
        assert 'name="proof" value="messages:1"' not in (await there.get(path)).text


async def test_messages_are_counted_before_they_go():
    """By country, reason and age: a page that counts, then the act, in the person's name."""
    chosen = {"state": "failed", "peer": "AL", "reason": "expired", "days": "2"}
    async with console(answers()) as there:
        text = (await there.get("/operations/resend?state=failed&peer=AL&reason=expired&days=2")).text
        assert "This concerns 2 messages." in text
        wanted = {"state": "failed", "peer": "AL", "reason": "expired", "before": NOW - 2 * 86_400}
        assert asked(there, "message.resend_many") == [wanted | {"dry_run": True}]
        done = await there.post("/operations/resend", chosen)
        assert asked(there, "message.resend_many")[1:] == [wanted]
        assert "1 messages were tried again." in done.text and "there is no active trust" in done.text
        assert f'<a href="/messages/{ID}">' in done.text
        await there.post("/operations/alarms/message.held", {"again": OTHER})
        assert asked(there, "message.resend_many")[2:] == [{"state": "held", "message": OTHER}]
        there.sign_in.sessions["secret"] = person(Role.TRUST_ADMIN)
        assert (await there.post("/operations/resend", chosen)).status == 403
        assert 'name="again"' not in (await there.get("/operations/alarms/message.failed")).text


async def test_what_a_person_took_back_has_no_button():
    """It was meant to stay: only the other one can be sent anew."""
    failed = {"alarms": [alarm(1), alarm(2, reason="cancelled")], "open": 2, "next": None}
    async with console(answers(alarm__list=failed)) as there:
        text = (await there.get("/operations/alarms/message.failed")).text
        assert text.count('name="again"') == 1 and text.count('name="dismiss"') == 2


async def test_what_may_have_been_taken_back_is_looked_at_one_by_one():
    """What a restore brought back, as what a person took back: the overview resends all of the others only."""
    reasons = ("expired", "cancelled", "restored")
    failed = [SOME | {"kind": "failed", "peer": "AL", "reason": reason} for reason in reasons]
    async with console(answers(node__status=STATUS | {"failed": failed})) as there:
        text = (await there.get("/operations")).text
        assert [reason for reason in reasons if f"reason={reason}" in text] == ["expired"]


async def test_the_way_to_a_country_is_tried():
    """Step by step with the fix of the red one; a test message, followed without a script."""
    async with console(answers()) as there:
        text = (await there.post("/operations/peers/AL/ping")).text
        assert faults(text) == [] and "a fix" in text and "The other 7 steps" in text
        assert "nothing may end TLS there" in text
        sent = await there.post("/operations/peers/AL/probe")
        assert sent.headers["Location"] == f"/operations/probes/{ID}"
        text = (await there.get(f"/operations/probes/{ID}")).text
        assert f"/operations/probes/{ID}?seen=1" in text
        await there.get(f"/operations/probes/{ID}?seen=1")
        assert asked(there, "peer.probed")[-1] == {"id": ID, "seen": 1}
        assert (await there.get("/operations/peers/XX")).status == 404
        assert "people have to agree" in (await there.get("/operations/peers/UA%20%3Cb%3E")).text
        assert HELD["name"] in {peer["name"] for peer in STATUS["peers"]}


async def test_an_operator_finds_a_message_and_nothing_of_what_it_says():
    """By country, state or id; who may read it is led to its own page, which notes that."""
    async with console(answers()) as there:
        there.sign_in.sessions["secret"] = person(Role.OPERATOR)
        text = (await there.get("/operations/messages?peer=AL&state=held&id=")).text
        assert asked(there, "message.list") == [{"limit": 100, "peer": "AL", "state": "held"}]
        assert ID in text and "waits to be sent" in text and "cursor=7" in text
        text += (await there.get(f"/operations/messages?id={ID}")).text
        assert "Tulpe-7391" not in text and "eferral" not in text and OTHER not in text
        there.sign_in.sessions["secret"] = person(Role.FOCAL_POINT)
        assert (await there.get(f"/operations/messages?id={ID}")).headers["Location"] == f"/messages/{ID}"
