"""The ledger of a sheet: what release 0.1.0 wrote is taken over, and what is no line of it changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters.kit.contract import a_delivery, a_notice
from adapters.kit.items import item_to_json
from adapters.sheet.results.ledger import Journal
from gateway.errors import Finding, RefusedError
from gateway.ports import Json, NoticeKind

FINDING = Finding(place="sheet Cases, row 7, column D", rule="unknown_code")
REFUSED = a_notice("s1:a", NoticeKind.REFUSED, findings=(FINDING,))
PUT_ASIDE = a_notice("s1:b", NoticeKind.DISCARDED, key="n2")
BEFORE: list[Json] = [
    {"op": "settle", "ref": "s1:a", "state": "x", "notice": item_to_json(REFUSED), "columns": {FINDING.place: "Sex"}},
    {
        "op": "settle",
        "ref": "s1:b",
        "state": "y",
        "notice": item_to_json(a_notice("s1:b", NoticeKind.DRAFTED)),
        "columns": {},
    },
    {"op": "push", "item": item_to_json(a_delivery(key="d1", text="a summary"))},
    {"op": "push", "item": item_to_json(a_delivery(key="d2"))},
    {"op": "push", "item": item_to_json(PUT_ASIDE)},
    {"op": "erased", "key": "d2", "message_id": "m2"},
]
"""A line of each kind."""


def _write(path: Path, lines: list[Json]) -> None:
    path.write_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in lines))


def test_the_file_of_before_is_taken_over(tmp_path: Path) -> None:
    """With what was read, told, received, put aside and erased."""
    _write(tmp_path / "trm-results.jsonl", BEFORE)
    for _ in range(2):
        with Journal(tmp_path / "trm-results.db").open() as ledger:
            assert ledger.settled("s1:a") is not None and ledger.settled("s1:c") is None
            assert (ledger.is_closed("s1:a"), ledger.is_closed("s1:b")) == (False, True)
            assert ledger.columns() == {FINDING.place: "Sex"}
            assert [item.content["summary"] for item in ledger.deliveries()] == ["a summary"]
            assert {notice.ref: notice.kind for notice in ledger.notices()} == {
                "s1:a": NoticeKind.REFUSED,
                "s1:b": NoticeKind.DISCARDED,
            }
            assert (ledger.has("d2"), ledger.knows("d2"), ledger.erased_messages()) == (False, True, ["m2"])
    assert [path.name for path in tmp_path.iterdir()] == ["trm-results.db"]


@pytest.mark.parametrize(
    "line",
    [
        None,
        [],
        {},
        {"op": "push"},
        {"op": "settle", "ref": 1},
        {"op": "drop", "key": "a"},
        {"op": "settle", "ref": "a", "state": "b", "notice": item_to_json(a_delivery()), "columns": {}},
    ],
)
def test_bad_lines(line: Json, tmp_path: Path) -> None:
    """What is no line of a journal stops the sheet, and what stood before it is not taken over alone."""
    old = tmp_path / "trm-results.jsonl"
    _write(old, [*BEFORE, line])
    before = old.read_bytes()
    with pytest.raises(RefusedError, match="line 7 of the adapter's journal is damaged"), Journal(old).open():
        pass
    assert old.read_bytes() == before


def test_only_what_changes_counts(tmp_path: Path) -> None:
    """The workbook is written anew for a change, and not for what was known."""
    with Journal(tmp_path / "trm-results.db").open() as ledger:
        for _ in range(2):
            ledger.settle("s1:a", "x", REFUSED, {})
            ledger.add(PUT_ASIDE)
        assert ledger.changes() == 2
        assert (ledger.forget("s1:b"), ledger.forget("s1:b"), ledger.changes()) == (True, False, 3)
