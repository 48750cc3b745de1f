"""gateway.strict_json: each thing that a lenient reader passes over is a flaw with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.strict_json import DEPTH, LARGEST, Flaw, Rule, read_json

FLAWS: list[tuple[bytes, list[Flaw]]] = [
    (b"", [Flaw(Rule.MALFORMED, at=(1, 1))]),
    (b'{\n"a": ', [Flaw(Rule.MALFORMED, at=(2, 6))]),
    (b"[1] [2]", [Flaw(Rule.MALFORMED, at=(1, 5))]),
    (b'["\x01"]', [Flaw(Rule.MALFORMED, at=(1, 3))]),
    (b'{"a": \xff}', [Flaw(Rule.NOT_UTF8, at=(6,))]),
    (json.dumps({"a": 1}).encode("utf-16"), [Flaw(Rule.NOT_UTF8, at=(0,))]),
    (b"\xef\xbb\xbf[1]", [Flaw(Rule.BYTE_ORDER_MARK, at=(1, 1))]),
    (b'{"a": [1, 1.5]}', [Flaw(Rule.NUMBER_NOT_WHOLE, "/a/1")]),
    (b"[1.0, 1e3]", [Flaw(Rule.NUMBER_NOT_WHOLE, "/0"), Flaw(Rule.NUMBER_NOT_WHOLE, "/1")]),
    (b"[NaN, -Infinity]", [Flaw(Rule.NUMBER_NOT_FINITE, "/0"), Flaw(Rule.NUMBER_NOT_FINITE, "/1")]),
    (b"[9007199254740992]", [Flaw(Rule.NUMBER_TOO_LARGE, "/0")]),
    (b"[" + b"9" * 5_000 + b"]", [Flaw(Rule.NUMBER_TOO_LARGE, "/0")]),
    (b'{"a": {"b": 1, "b": 2, "c": 3, "b": 4}}', [Flaw(Rule.DUPLICATE_MEMBER, "/a/b")]),
    (b'{"a": "\\ud800"}', [Flaw(Rule.BAD_TEXT, "/a")]),
    (b'{"a": {"\\udfff": 1}}', [Flaw(Rule.BAD_NAME, "/a")]),
    (b'{"Maria P": 1.5}', [Flaw(Rule.NUMBER_NOT_WHOLE, "/?")]),
    (b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1), [Flaw(Rule.TOO_DEEP)]),
    (b"[1.5, " + b"[" * DEPTH + b"]" * DEPTH + b"]", [Flaw(Rule.TOO_DEEP)]),
    (b"[" * 100_000, [Flaw(Rule.TOO_DEEP)]),
    (b'{"a":' * 100_000, [Flaw(Rule.TOO_DEEP)]),
]


@pytest.mark.parametrize(("text", "flaws"), FLAWS, ids=[str(number) for number in range(len(FLAWS))])
def test_a_flaw_has_its_rule_and_place(text: bytes, flaws: list[Flaw]) -> None:
    """Nothing of the document comes out, and no name in a place that could be content."""
    assert read_json(text) == (None, tuple(flaws))


@pytest.mark.parametrize(
    "value",
    [None, True, "", {}, [], LARGEST, -LARGEST, 0, "Žofja 𝔘 مرحبا", {"a": [{"b": "["}]}, "[" * 100],
    ids=repr,
)
def test_what_is_sound_comes_out(value: Any) -> None:
    """A sound document is read as the standard library reads it, escaped or not."""
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert read_json(text.encode()) == (value, ())


def test_limits() -> None:
    """A document over the limit is not parsed; the deepest nesting is allowed; a mark is passed over when told so."""
    assert read_json(b"[1]", limit=3) == ([1], ())
    assert read_json(b"[1.", limit=2) == (None, (Flaw(Rule.TOO_LARGE),))
    assert read_json(b"[" * DEPTH + b"]" * DEPTH)[1] == ()
    assert read_json(b"[[]]", depth=1) == (None, (Flaw(Rule.TOO_DEEP),))
    assert read_json(b"\xef\xbb\xbf[1]", mark=True) == ([1], ())


def test_numbers_that_are_judged_later() -> None:
    """A caller that judges numbers place by place gets them all, but for those that Python itself refuses."""
    assert read_json(b"[1.5, 9007199254740992]", whole=False) == ([1.5, 9007199254740992], ())
    assert read_json(b"[" + b"9" * 5_000 + b"]", whole=False) == (None, (Flaw(Rule.NUMBER_TOO_LARGE, "/0"),))
    assert read_json(b'{"a": 1.5, "a": 1}', whole=False) == (None, (Flaw(Rule.DUPLICATE_MEMBER, "/a"),))


def test_many_members_take_little_time() -> None:
    """A hundred thousand members with one twice are judged in one pass, not in one pass for each."""
    members = ",".join(f'"m{number}": 1' for number in range(100_000))
    assert read_json(f'{{{members}, "m7": 2}}'.encode()) == (None, (Flaw(Rule.DUPLICATE_MEMBER, "/m7"),))
