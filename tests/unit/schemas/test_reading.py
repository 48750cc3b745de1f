"""Files that people edit are read to their end: every fault with its place, and never a value."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import Code, RefusedError
from schemas.reading import Log, Wording, open_json, parse_json, pick_label, raise_faults


def test_all_faults_are_told_at_once() -> None:
    """An unknown member, one that is missing, one of another form: three places, and reading went on."""
    log: Log = []
    spot = parse_json(b'{"name": 7, "more": "Zana"}', "a.json#", log)
    members = spot.members(("name", "days"))
    members["name"].text(10)
    assert {found.place for found in log} >= {"a.json#/name", "a.json#/days"}
    assert "Zana" not in repr(log)
    with pytest.raises(RefusedError) as caught:
        raise_faults(log, "the pack")
    assert (caught.value.code, caught.value.findings) == (Code.INVALID, tuple(log))


def test_a_file_that_cannot_be_read_is_one_fault(tmp_path: Path) -> None:
    """What would lie inside adds no other."""
    for name, data, rule in (("a.json", None, "missing_file"), ("b.json", b'{"x": 1, "x": 2}', "not_json")):
        if data is not None:
            (tmp_path / name).write_bytes(data)
        log: Log = []
        open_json(tmp_path, name, log).members(("name",))["name"].text(10)
        assert [found.rule for found in log] == [rule]


def test_nothing_is_raised_for_nothing() -> None:
    """A good file has no fault."""
    raise_faults([], "the pack")


def test_a_missing_translation_is_english_and_says_so() -> None:
    """A translation of a text that was reworded is never used."""
    assert pick_label({"en": "Agree", "fr": "Convenir"}, "fr") == "Convenir"
    assert pick_label({"en": "Agree"}, "fr") == "Agree [en]"
    wording = Wording(languages=("en", "fr"), texts={"fr": {"Agree": "Convenir"}})
    assert wording.others("Agree") == {"fr": "Convenir"}
    assert wording.others("Agree on it") == {}
