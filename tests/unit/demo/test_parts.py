"""The parts of the demonstration that need no node: places, words, waits, and the workbook."""

from __future__ import annotations

import io
import re
import socket
from datetime import date
from pathlib import Path

import pytest
from support.house import ROOT

import schemas
from adapters.kit.kind import find
from adapters.sheet import SheetAdapter, htcds
from gateway.demo import database, places, timeline
from gateway.demo.bodies import Writer
from gateway.demo.cases import FIRST, FOURTH, MARKS, SECOND, THIRD, Workbook
from gateway.demo.chronicle import Chronicle, Event, wait_until
from gateway.demo.nodes import ROLE, UNIT
from gateway.demo.processes import Processes
from gateway.demo.systems import Systems
from gateway.demo.timeline import Timeline, describe_event
from gateway.errors import Code, RefusedError
from gateway.mapping.case_system import read_mapping
from gateway.mapping.to_message import map_record
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.machines.delivery import Outgoing

DAY = date(2026, 11, 25)
REPLY = {"id": "AAAAAAAAAAAAAAAAAAAAAA", "conversation": "BBBBBBBBBBBBBBBBBBBBBA"}
CONSENT = "CCCCCCCCCCCCCCCCCCCCCA"


@pytest.fixture
def federation(tmp_path):
    """Four planned countries; nothing is made yet."""
    return places.plan_federation(tmp_path / "d")


def event(**changes):
    """An event with a few members."""
    values = {"country": "FR", "seq": 1, "kind": "message", "state": "queued", "direction": "out", "peer": "AL"}
    return Event(**{**values, "id": "m", "type": "info.reply/1", **changes})


def test_ports_are_free_and_differ():
    """Each can be listened on, and no two are one."""
    found = places.find_free_ports(6)
    assert len(set(found)) == 6
    for port in found:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", port))


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    """The demonstration writes into a new folder only."""
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RefusedError, match="exists and is not empty; nothing was changed"):
        places.plan_federation(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_path_too_long_for_a_socket_is_refused(tmp_path):
    """The kernel would refuse it later, with fewer words."""
    with pytest.raises(RefusedError, match="too long for the sockets"):
        places.plan_federation(tmp_path / ("x" * 100))


def test_the_case_systems_lie_outside_of_what_is_searched(federation):
    """Every folder but theirs is searched, and theirs is in none of those."""
    places.make_folders(federation)
    guarded = federation.guarded
    assert {path.name for path in guarded} == {
        "adapters",
        "admins",
        "evidence",
        "logs",
        "nodes",
        "pairing",
        "roots",
        "secrets",
        "tmp",
    }
    for country in federation.countries:
        assert not any(country.cases.is_relative_to(path) for path in guarded)
        assert any(country.journal.is_relative_to(path) for path in guarded)
        assert any(country.node.is_relative_to(path) for path in guarded)


@pytest.mark.parametrize("state", Outgoing)
def test_every_state_of_an_outgoing_message_has_words(state):
    """Nothing in the timeline is the bare name of a state."""
    assert str(state) in timeline._OUT
    assert "{" not in describe_event(event(state=str(state)))


@pytest.mark.parametrize("state", Incoming)
def test_every_state_of_an_incoming_message_has_words(state):
    """The same for what arrives."""
    assert str(state) in timeline._IN
    assert "{" not in describe_event(event(state=str(state), direction="in"))


def test_where_no_terminal_is_the_timeline_has_plain_lines(federation):
    """One line for each event, with the country, and no codes that steer a terminal."""
    stream = io.StringIO()
    with Timeline(federation.countries, stream) as shown:
        shown.event(event())
        shown.act(federation.albania, "al-04 releases it")
    lines = [line.split(" s  ", 1)[1].rstrip() for line in stream.getvalue().splitlines()]
    assert lines == ["FR  → info.reply: queued for AL", "AL  al-04 releases it"]


def test_a_wait_ends_in_time_and_says_for_what(federation):
    """The deadline passes, and the failure names what did not happen."""
    chronicle = Chronicle(lambda event: None, lambda: None)
    with pytest.raises(RefusedError, match="waited 0 seconds without result: the reply of Albania") as caught:
        chronicle.wait("the reply of Albania", lambda event: True, seconds=0)
    assert caught.value.code is Code.UNREACHABLE
    with pytest.raises(RefusedError, match="without result: a draft"):
        wait_until("a draft", lambda: False, seconds=0)


def test_a_node_that_ended_ends_the_wait(federation):
    """A wait does not go on for what a dead node will never tell."""

    def dead() -> None:
        raise RefusedError(Code.UNREACHABLE, "the node of France ended by itself, exit 1")

    with pytest.raises(RefusedError, match="the node of France ended by itself"):
        Chronicle(lambda event: None, dead).wait("anything", lambda event: False)


def test_what_never_ran_can_be_stopped():
    """A failure before the first start leaves nothing to do."""
    processes = Processes()
    processes.stop()
    assert list(processes.pids) == []


def test_a_program_that_ends_by_itself_is_told(tmp_path):
    """With its name, its exit code and its log."""
    processes = Processes()
    processes.start("the clerk", ["/bin/sh", "-c", "exit 3"], tmp_path / "log")
    with pytest.raises(RefusedError, match="the clerk ended by itself, exit 3"):
        wait_until("the clerk to end", lambda: processes.alive() or False, seconds=10)
    processes.stop()


async def test_marked_rows_become_drafts_that_match_their_schema(federation):
    """What the workbook holds maps to valid messages, and the person is in the referral, not in the enquiry."""
    places.make_folders(federation)
    france, albania, ukraine, morocco = federation.countries
    workbook = Workbook(france, DAY, {FIRST: albania, SECOND: ukraine, THIRD: albania, FOURTH: morocco})
    workbook.mark(FIRST, htcds.READY_TO_ASK)
    workbook.mark(FIRST, htcds.READY_TO_REFER)
    workbook.mark(SECOND, htcds.READY_TO_REFER)
    workbook.mark(THIRD, htcds.READY_TO_ASK)
    workbook.mark(FOURTH, htcds.READY_TO_ASK)
    mappings = {mapping.name: mapping for mapping in map(read_mapping, htcds.MARKS.values())}
    drafts = {}
    for record in await SheetAdapter(workbook.path, marks=htcds.MARKS).pull():
        draft = map_record(mappings[record.mapping], record)
        assert isinstance(draft, dict), draft
        header = {**draft["header"], "seen": 0, "author_ref": "fr-18"}
        if draft["type"].startswith("referral"):
            header["consent_ref"] = CONSENT
        assert schemas.validate(draft["type"], {"header": header, "content": draft["content"]}) == ()
        drafts[record.ref] = draft
    assert {ref.partition(":")[2] for ref in drafts} == {FIRST, SECOND, THIRD, FOURTH}
    referral = next(draft for ref, draft in drafts.items() if ref == f"htcds-2-0:{FIRST}")
    assert referral["content"]["person"]["name_given"] == MARKS["given name"]
    enquiry = next(draft for ref, draft in drafts.items() if ref == f"htcds-2-0-enquiry:{FIRST}")
    assert not any(value in str(enquiry) for value in MARKS.values())


async def test_what_case_systems_answer_becomes_a_draft_that_matches_its_schema(federation, monkeypatch):
    """A row of Albania's table and an item of Morocco's API, by their adapters; without a PostgreSQL it is SQLite, and
    that is said.
    """
    monkeypatch.setattr(database, "find_programs", lambda: None)
    places.make_folders(federation)
    systems, processes = Systems(federation, DAY), Processes()
    try:
        systems.database.start(processes)
        systems.web.start(processes)
        assert systems.database.what.startswith("SQLite, since no PostgreSQL runs here (pip install ")
        systems.database.answer(REPLY, "al-04")
        systems.web.decline(REPLY, "ma-03")
        answers = set()
        for country in (federation.albania, federation.morocco):
            settings = systems.of[country.code].settings
            kind = find(country.adapter)
            adapter = kind.make(kind.settings.model_validate(settings))
            assert list(await adapter.check()) == []
            (record,) = await adapter.pull()
            draft = map_record(read_mapping(Path(settings["mapping"])), record)
            assert isinstance(draft, dict), draft
            content = {"header": {**draft["header"], "seen": 1}, "content": draft["content"]}
            assert schemas.validate(draft["type"], content) == ()
            assert (draft["in_reply_to"], draft["conversation"]) == (REPLY["id"], REPLY["conversation"])
            answers.add(draft["content"]["answer"])
        assert answers == {"yes", "no"}
    finally:
        processes.stop()


@pytest.mark.parametrize("kind", ["question", "answer", "acceptance", "decline", "stopped"])
def test_what_people_write_matches_its_schema(federation, kind):
    """Each message of the story is valid, and sent between units that the nodes have."""
    writer = Writer(federation.albania, DAY)
    more = (1_789_000_000,) if kind == "stopped" else (CONSENT,)
    named = {"number": "AL-CASE-55102"} if kind == "acceptance" else {}
    draft = getattr(writer, kind)(federation.france, REPLY, *more, **named)
    assert (
        schemas.validate(draft["type"], {"header": {**draft["header"], "seen": 1}, "content": draft["content"]}) == ()
    )
    assert (draft["header"]["sender_unit"], draft["header"]["sender_role"]) == (UNIT, ROLE)


def test_the_page_about_the_demonstration_names_its_steps():
    """docs/demo.md has every heading that the program prints."""
    page = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")
    source = (ROOT / "gateway" / "demo" / "play.py").read_text(encoding="utf-8")
    steps = re.findall(r'\bstep\("([^"]+)"\)', source)
    assert len(steps) >= 10
    assert [step for step in steps if step not in page] == []
