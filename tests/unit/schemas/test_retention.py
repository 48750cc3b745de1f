"""The table of retention: what breaks a rule of it is refused, whoever wrote it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from schemas import resources
from schemas.retention import From, load_retention, parse_retention


def test_the_table_is_read_whole() -> None:
    """Every rule of the file, in its order, and the hours before a request to erase is executed."""
    table, source = load_retention(), resources.read_json("retention.json")
    assert [rule.name for rule in table.rules] == [entry["name"] for entry in source["rules"]]
    assert table.wait_hours == source["wait_hours"]
    assert all(bool(rule.states) is (rule.start is From.END) for rule in table.rules)


FAULTS: dict[str, Any] = {
    "two of one name": lambda value: value["rules"].append(value["rules"][0]),
    "an unknown member": lambda value: value["rules"][0].update(until="ever"),
    "a missing member": lambda value: value["rules"][0].pop("source"),
    "half a day": lambda value: value["rules"][0].update(days=0.5),
    "a day less than none": lambda value: value["rules"][0].update(days=-1),
    "a truth for a number": lambda value: value["rules"][0].update(days=True),
    "an unknown class": lambda value: value["rules"][0].update(classes=["secret"]),
    "an unknown event": lambda value: value["rules"][0].update({"from": "birth"}),
    "an end without states": lambda value: value["rules"][0].update({"from": "end", "states": []}),
    "no hours of one kind": lambda value: value["wait_hours"].pop("misdirected"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_stops_the_table(fault: str) -> None:
    """One fault each, in a table that is good but for it."""
    value = deepcopy(resources.read_json("retention.json"))
    FAULTS[fault](value)
    with pytest.raises(ValueError, match=r"retention|From"):
        parse_retention(value)
