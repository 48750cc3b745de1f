"""Lines of the journal of a sheet: what is none changes nothing."""

from __future__ import annotations

import pytest

from adapters.kit.contract import a_delivery, a_notice
from adapters.sheet.ledger import Ledger, push_line, settle_line
from gateway.ports import Json, NoticeKind


@pytest.mark.parametrize("line", [None, [], {}, {"op": "push"}, {"op": "settle", "ref": 1}, {"op": "drop", "key": "a"}])
def test_bad_lines(line: Json) -> None:
    """What is no line of a journal changes nothing."""
    ledger = Ledger()
    with pytest.raises(ValueError, match=r"not a line|expected|neither"):
        ledger.apply(line)
    assert ledger == Ledger()


def test_settling_with_a_delivery() -> None:
    """A line that settles a row with something else than a notice is none."""
    line = settle_line("a", "b", a_notice("a", NoticeKind.DRAFTED), {})
    assert isinstance(line, dict)
    with pytest.raises(ValueError, match="not a notice"):
        Ledger().apply({**line, "notice": push_line(a_delivery())["item"]})  # type: ignore[index,call-overload]
