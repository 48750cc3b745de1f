"""Strict JSON from an office: what a lenient reader passes over is a finding."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from support.item_values import JSON

from adapters.kit import strict_json
from gateway.ports import Json


@given(JSON)
def test_json_comes_back(value: Json) -> None:
    """What has none of the faults is read as it was written."""
    assert (value, ()) == strict_json.read_json(strict_json.write_json(value))


@pytest.mark.parametrize(
    ("text", "place", "rule"),
    [
        (b'{"a": [1, 1.5]}', "/a/1", "number_not_whole"),
        (b'{"a": 1e3}', "/a", "number_not_whole"),
        (b'{"a": NaN}', "/a", "number_not_finite"),
        (b'{"a": -Infinity}', "/a", "number_not_finite"),
        (b'{"a": 9007199254740992}', "/a", "number_too_large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "/a", "number_too_large"),
        (b'{"a": {"b": 1, "b": 2}}', "/a/b", "duplicate_member"),
        (b'{"a": "\\ud800"}', "/a", "bad_text"),
        (b'{"Maria P": 1.5}', "/?", "number_not_whole"),
        (b'{"a": \xff}', "", "not_utf8"),
        (b'{"a": ', "line 1, column 7", "malformed"),
        (b"", "line 1, column 1", "malformed"),
        (b"[" * 25 + b"]" * 25, "", "too_deep"),
        (b"[" * 100_000, "", "too_deep"),
        (b'"' + b'\\"' * 100_000, "line 1, column 1", "malformed"),
    ],
)
def test_bad_json(text: bytes, place: str, rule: str) -> None:
    """Each thing that a lenient reader passes over is a finding at its place, without the value."""
    value, findings = strict_json.read_json(text)
    assert value is None
    assert [(place, rule)] == [(finding.place, finding.rule) for finding in findings]


def test_json_limits() -> None:
    """A document over the limit is not parsed; brackets in text are no depth; a byte order mark is fine."""
    assert strict_json.read_json(b"[1]", limit=2)[1][0].rule == "too_large"
    assert strict_json.read_json(json.dumps("[" * 100).encode()) == ("[" * 100, ())
    assert strict_json.read_json(b"\xef\xbb\xbf[1]") == ([1], ())
