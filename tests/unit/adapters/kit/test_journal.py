"""The pieces that adapters are made of."""

from __future__ import annotations

from pathlib import Path

from adapters.kit.contract import a_notice
from adapters.kit.journal import Journal
from gateway.ports import Erasure, NoticeKind

# --- items ---------------------------------------------------------------------------------------------------------


# --- the journal ---------------------------------------------------------------------------------------------------


def test_what_is_forgotten_is_in_no_line(tmp_path: Path) -> None:
    """Not even in one that a later line replaced; all else is as it was, also when the file is read anew."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    for ref in ("case-1", "case-2"):
        journal.settle(ref, a_notice(ref, NoticeKind.REFUSED), "1")
        journal.settle(ref, a_notice(ref, NoticeKind.DRAFTED), "2")
        journal.note(f"sent/{ref}", True)
        journal.hand(f"key of {ref}", f"news/{ref}")
    journal.erase("news/case-1", Erasure.ERASED)
    journal.erase("news/case-2", Erasure.NOT_SUPPORTED)
    journal.forget(refs=["case-1"], facts=["sent/case-1"], keys=["key of case-1", "never given"])
    assert "case-1" not in path.read_text()
    again = Journal(path)
    again.load()
    for known in (journal, again):
        assert known.settled == {"case-2": ("drafted", "2")}
        assert known.facts == {"sent/case-2": True}
        assert known.handed == {"key of case-2": "news/case-2"}
        assert known.erased == {"news/case-2": Erasure.NOT_SUPPORTED}
