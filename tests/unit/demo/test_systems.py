"""Case systems of the demonstration: what they answer becomes drafts that match their schema."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import schemas
from adapters.kit.kind import find
from gateway.demo import database, places
from gateway.demo.processes import Processes
from gateway.demo.systems import Systems
from gateway.mapping.case_system import read_mapping
from gateway.mapping.to_message import map_record

DAY = date(2026, 11, 25)
REPLY = {"id": "AAAAAAAAAAAAAAAAAAAAAA", "conversation": "BBBBBBBBBBBBBBBBBBBBBA"}


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
        for country in (federation.home, federation.full):
            settings = systems.of[country.code].settings
            kind = find(country.adapter)
            adapter = kind.make(kind.settings.model_validate(settings))
            assert list(await adapter.check()) == []
            (record,) = await adapter.pull()
            draft = map_record(read_mapping(Path(settings["mapping"])), record)
            assert isinstance(draft, dict), draft
            content = {"header": {**draft["header"], "seen": 1, "author_ref": "al-04"}, "content": draft["content"]}
            assert schemas.validate(draft["type"], content) == ()
            assert (draft["in_reply_to"], draft["conversation"]) == (REPLY["id"], REPLY["conversation"])
            answers.add(draft["content"]["answer"])
        assert answers == {"yes", "no"}
    finally:
        processes.stop()
