"""Plain values of a mapping file: every fault is noted with its place, and reading goes on."""

from __future__ import annotations

import re

from gateway.mapping.plain_reader import PlainReader, under
from gateway.mapping.types import Direction


def test_good_values_leave_no_fault() -> None:
    """Text, lists, words, flags and tables come as they are."""
    reader = PlainReader()
    assert reader.members({"a": 1, "b": 2}, "", {"a": True, "b": False, "c": False}) == {"a": 1, "b": 2}
    assert reader.text("ab", "a", re.compile("[a-z]+")) == "ab"
    assert reader.texts(["a", "b"], "a") == ("a", "b")
    assert reader.one_of(Direction, "both", "a") is Direction.BOTH
    assert reader.flag(True, "a") is True
    assert reader.path("content.person.gender", "a") is not None
    assert reader.faults == []


def test_each_fault_has_its_place_and_rule() -> None:
    """A default is refused by a rule of its own: a mapping never guesses."""
    reader = PlainReader()
    reader.members([], "one")
    reader.members({1: 2, "x": 3, "*": 4}, "two", {"needed": True})
    reader.text(" ", "three")
    reader.text("A", "four", re.compile("[a-z]+"))
    reader.texts([], "five")
    reader.texts(["a", 7], "six")
    reader.one_of(Direction, "sideways", "seven")
    reader.flag("true", "eight")
    reader.path("content.a[].b[]", "nine")
    assert [(fault.place, fault.rule) for fault in reader.faults] == [
        ("one", "wrong_type"),
        ("two", "wrong_type"),
        ("two.x", "unknown_key"),
        ("two.*", "default_refused"),
        ("two", "missing_key"),
        ("three", "wrong_type"),
        ("four", "wrong_type"),
        ("five", "wrong_type"),
        ("six", "wrong_type"),
        ("seven", "wrong_type"),
        ("eight", "wrong_type"),
        ("nine", "bad_path"),
    ]
    assert under("", "a") == "a"
