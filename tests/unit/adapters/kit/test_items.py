"""Items as lines: read back as they were written, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from support.item_values import DELIVERIES, NOTICES

from adapters.kit import items, strict_json
from adapters.kit.contract import a_delivery, a_notice
from gateway.ports import Delivery, Json, Notice, NoticeKind


@given(NOTICES | DELIVERIES)
def test_items_come_back(item: Delivery | Notice) -> None:
    """An item is the same after it was written as a line and read."""
    value, findings = strict_json.read_json(strict_json.write_json(items.item_to_json(item)))
    assert findings == ()
    assert item == items.item_from_json(value)


@pytest.mark.parametrize("fault", [None, {}, {"format": "trm-delivery/1"}, {"format": "trm-notice/1"}, [1]])
def test_bad_items(fault: Json) -> None:
    """A document of another shape is refused without a word of it."""
    with pytest.raises(ValueError, match=r"expected|neither|not a"):
        items.item_from_json(fault)


def test_only_notices() -> None:
    """Where a notice is needed, a delivery is refused."""
    with pytest.raises(ValueError, match="not a notice"):
        items.notice_from_json(items.item_to_json(a_delivery()))
    assert items.notice_from_json(items.item_to_json(a_notice("a", NoticeKind.QUEUED))).ref == "a"
