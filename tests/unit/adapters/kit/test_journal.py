"""What the journal of an adapter remembers."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.kit.contract import a_notice
from adapters.kit.journal import Journal
from gateway.errors import RefusedError
from gateway.ports import Erasure, NoticeKind


def test_what_is_forgotten_is_nowhere_in_the_file(tmp_path: Path) -> None:
    """Not even where a later outcome stands in the place of an earlier one; all else is as it was."""
    path = tmp_path / "journal.db"
    journal = Journal(path)
    for ref in ("case-1", "case-2"):
        journal.settle(ref, a_notice(ref, NoticeKind.REFUSED), "1")
        journal.settle(ref, a_notice(ref, NoticeKind.DRAFTED), "2")
        journal.note(f"sent/{ref}", [ref, True])
        journal.hand(f"key of {ref}", f"news/{ref}")
    journal.erase("news/case-1", Erasure.ERASED)
    journal.erase("news/case-2", Erasure.NOT_SUPPORTED)
    assert b"case-1" in path.read_bytes()
    journal.forget(refs=["case-1"], facts=["sent/case-1"], keys=["key of case-1", "never given"])
    assert b"case-1" not in path.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["journal.db"]
    again = Journal(path)
    assert [again.is_settled(ref) for ref in ("case-1", "case-2")] == [False, True]
    assert [again.is_drafted(ref) for ref in ("case-1", "case-2")] == [False, True]
    assert [again.fact(f"sent/{ref}") for ref in ("case-1", "case-2")] == [None, ["case-2", True]]
    assert again.handed_under("news/") == {"key of case-2": "news/case-2"}
    assert again.answer_to_erasing("news/case-1") is None
    assert again.answer_to_erasing("news/case-2") is Erasure.NOT_SUPPORTED


def test_when_a_record_is_due(tmp_path: Path) -> None:
    """Never settled, or refused at another version; a draft stays one."""
    journal = Journal(tmp_path / "journal.db")
    assert journal.is_due("a", "1")
    journal.settle("a", a_notice("a", NoticeKind.REFUSED), "1")
    assert (journal.is_due("a", "1"), journal.is_due("a", "2")) == (False, True)
    journal.settle("a", a_notice("a", NoticeKind.DRAFTED), "2")
    assert not journal.is_due("a", "3")


def test_an_item_is_found_by_its_id_and_by_its_key(tmp_path: Path) -> None:
    """What was never handed over is refused."""
    journal = Journal(tmp_path / "journal.db")
    journal.hand("key", "id")
    assert (journal.id_of("key"), journal.key_of("id"), journal.find("key"), journal.find("id")) == (
        "id",
        "key",
        "id",
        "id",
    )
    assert (journal.id_of("id"), journal.key_of("key")) == (None, None)
    with pytest.raises(RefusedError, match="nothing with this local id"):
        journal.find("other")
