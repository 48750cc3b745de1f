"""keys.primitives.encoding: one spelling for each value (nrm1 1; threats 21, 23, 24, 25, 55)."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest
from support.nodes import refused

from gateway.errors import Code, RefusedError
from keys.primitives import encoding as e


def test_canon_sorts_and_leaves_no_space() -> None:
    """Members are sorted by name, there is no white space and text stays raw UTF-8."""
    assert e.canon({"b": [1, True, None], "a": "é\n"}) == '{"a":"é\\n","b":[1,true,null]}'.encode()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1.0, "float"),
        (float("nan"), "float"),
        (2**53, "out of range"),
        (-(2**53), "out of range"),
        ({"é": 1}, "member name"),
        ({"": 1}, "member name"),
        ({"a" * 65: 1}, "member name"),
        ({"a\n": 1}, "member name"),
        ({1: 1}, "member name"),
        ({"a": 1, "": 1}, "member name"),
        ({"a": 1, "b" * 65: 1}, "member name"),
        ({"a": 1, "b": [{"c": 1, "\x7f": 1}]}, "member name"),
        ((1, 2), "tuple"),
        (b"x", "bytes"),
        ("\ud800", "unicode"),
    ],
    ids=repr,
)
def test_canon_refuses_what_the_profile_forbids(value: Any, words: str) -> None:
    """Each value outside of the profile is refused as our own fault and named by its rule."""
    with pytest.raises(RefusedError, match=words) as caught:
        e.canon(value)
    assert caught.value.code is Code.INVALID


def test_largest_integers() -> None:
    """Integers up to 2^53 - 1 of either sign are in the profile."""
    data = b"[-9007199254740991,9007199254740991]"
    assert e.canon(e.parse(data, limit=100)) == data


def test_names_of_64_characters_are_in_the_profile() -> None:
    """The limit is that of each name, however many there are."""
    value: Any = {"a" * 64: 1, "b" * 64: {"~ ": 1}, "c": {}}
    assert e.parse(e.canon(value), limit=1_000) == value


def nested(depth: int) -> Any:
    """Arrays in arrays, `depth` of them."""
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_depth_24_is_allowed_and_25_is_not() -> None:
    """The limit of nesting is 24 when writing and when reading."""
    assert e.parse(b"[" * 24 + b"]" * 24, limit=100) == nested(24)
    with pytest.raises(RefusedError, match="nested deeper than 24"):
        e.canon(nested(25))
    with refused(Code.MALFORMED, "nested deeper than 24"):
        e.parse(b"[" * 25 + b"]" * 25, limit=100)


@pytest.mark.parametrize("bomb", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 50_000 + b"]" * 50_000])
def test_nesting_bomb_is_refused_before_the_parser(bomb: bytes) -> None:
    """Threat 23: 100 000 levels are refused by a byte scan, in no time."""
    started = time.thread_time()
    with refused(Code.MALFORMED, "nested deeper"):
        e.parse(bomb, limit=1_000_000)
    assert time.thread_time() - started < 1


@pytest.mark.parametrize("attack", [b'"' + b'\\"' * 700_000, b'"\\' * 700_000, b'"' * 1_400_000, b"[]," * 460_000])
def test_scan_takes_linear_time(attack: bytes) -> None:
    """A document of the largest size that is made of quotes and backslashes does not stall the scan."""
    started = time.thread_time()
    with refused(Code.MALFORMED):
        e.parse(attack, limit=1_500_000)
    assert time.thread_time() - started < 2


def test_brackets_in_strings_do_not_count() -> None:
    """Text may hold any number of brackets and escaped quotes."""
    value = {"a": '[{"' * 100, "b": ["\\", '"', "]"]}
    assert e.parse(e.canon(value), limit=10_000) == value


def test_too_large_is_told_before_anything_else() -> None:
    """Threat 21: size is the first check, even for bytes that are no JSON."""
    with refused(Code.TOO_LARGE, "more than 3 bytes"):
        e.parse(b"\xff" * 4, limit=3)


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":1}',
        b'{"\\u0061":1}',
        b'{"b":1,"a":1}',
        b'{"a": 1}',
        b'{"a":1}\n',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"1.0",
        b"1e2",
        b"-0",
        b"NaN",
        b"Infinity",
        b"[9007199254740992]",
        b"[1180591620717411303424]",
        b'"\\/"',
        b'"\\ud800"',
        b'"\xff"',
        b"[1,]",
        b"01",
        b"",
        b"{",
        b"[}",
        b'"',
    ],
    ids=repr,
)
def test_second_spellings_are_refused(data: bytes) -> None:
    """Threats 23 and 24: duplicate keys, escapes, order, white space, BOM, UTF-16, floats, NaN, huge integers."""
    with refused(Code.MALFORMED):
        e.parse(data, limit=1000)


def test_base64url_has_one_spelling() -> None:
    """Threat 25: trailing bits, padding, other alphabets and white space are refused."""
    assert e.unb64u(e.b64u(b"\x00\xff"), 2) == b"\x00\xff"
    for text in ("AB", "AA==", "AA=", "+/", "A A", "A", "AA\n", "é"):
        with refused(Code.MALFORMED):
            e.unb64u(text)
    with refused(Code.MALFORMED, "expected 3 bytes, got 2"):
        e.unb64u("AAA", 3)
    with refused(Code.MALFORMED, "not text"):
        e.unb64u(1)


def test_labels_are_a_closed_set() -> None:
    """A hash without a label of the list is a bug of ours; two labels give two hashes."""
    with pytest.raises(RuntimeError, match="unknown hash label"):
        e.h("anything", b"")
    assert e.h("node", b"x") == e.sha256(b"nrm1/node\0x") != e.h("desc", b"x")
    with pytest.raises(RuntimeError, match="unknown hash label"):
        e.expand("anything", b"", 1)
    assert e.expand("salt", b"x", 40) == hashlib.shake_256(b"nrm1/salt\0x").digest(40)
    assert e.sha256_hex(b"") == e.sha256(b"").hex()


def test_frames() -> None:
    """Frames are read back as written; a frame too few, too many, too long or cut short is malformed."""
    joined = e.lp_join(b"", b"abc")
    assert e.lp_split(joined, 2, 3) == (b"", b"abc") == e.lp_split(joined, None, 3, most=2)
    assert e.lp_split(e.lp_join(b"abc", b""), 2, 3) == (b"abc", b"")
    for data, count, limit, most in [
        (joined, 1, 10, 9),
        (joined, 3, 10, 9),
        (joined, 2, 2, 9),
        (joined, None, 10, 1),
        (joined[:-1], 2, 10, 9),
        (joined + b"\0", None, 10, 9),
        (b"", None, 10, 9),
        (b"\xff\xff\xff\xff", None, 10, 9),
    ]:
        with refused(Code.MALFORMED, "frame"):
            e.lp_split(data, count, limit, most=most)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "thing is not an object"),
        ({"a": 1}, "thing lacks b"),
        ({"a": 1, "b": "x", "secret name": 1}, "thing has an unknown member"),
        ({"a": True, "b": "x"}, r"thing\.a is malformed"),
    ],
)
def test_exact_names_the_member_and_nothing_else(value: Any, words: str) -> None:
    """Threat 55: an unknown member is refused, and neither its name nor any value is told."""
    with refused(Code.MALFORMED, words) as caught:
        e.exact(value, {"a": e.is_int(), "b": e.is_str("[a-z]")}, what="thing")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (e.is_int(1, 3), [1, 3], [0, 4, True, "1", None]),
        (e.is_str("[a-z]+", 3), ["a", "abc"], ["", "abcd", "A", "a\n", 1]),
        (e.is_line(1, 4), ["Zoé", "می‌خ"], ["", "abcde", "a\nb", "a\u202eb", "a\u200bb", "\ufeffa", 1]),
        (e.is_id, ["A" * 22], ["A" * 21, "A" * 23, "A" * 21 + "B", 1]),
        (e.is_hash, ["A" * 43], ["A" * 42, None]),
        (e.nullable(e.is_int()), [None, 1], ["1"]),
        (e.one_of("x", "y"), ["x"], ["z", 1, None]),
        (e.list_of(e.is_int(), 1, 2, distinct=True), [[1], [1, 2]], [[], [1, 1], [1, 2, 3], ["1"], {}]),
        (e.is_node, ["n1" + "a" * 32], ["n1" + "a" * 31, "N1" + "a" * 32, "n1" + "1" * 32]),
        (e.is_object, [{}], [[], None]),
    ],
)
def test_checks(check: e.Check, good: list[Any], bad: list[Any]) -> None:
    """Each check accepts its kind and nothing else; a boolean is no integer."""
    assert all(check(value) for value in good)
    assert not any(check(value) for value in bad)


def test_takers_refuse_what_was_not_checked() -> None:
    """Taking a member as another type than its check proved is a bug of ours, never a wrong value."""
    assert (e.text("a"), e.number(1), e.texts(["a"]), e.numbers([1]), e.maybe_text(None)) == (
        "a",
        1,
        ("a",),
        (1,),
        None,
    )
    for taker, value in [(e.text, 1), (e.number, True), (e.items, {})]:
        with pytest.raises(TypeError, match="was not checked"):
            taker(value)  # type: ignore[operator]


def test_payload_is_never_larger_than_a_document() -> None:
    """A frame or payload beyond 200 KB is malformed: the envelope around it was not too large."""
    data = e.canon("x" * 199_998)
    assert e.parse_payload(data) == "x" * 199_998
    with refused(Code.MALFORMED, "larger than a document"):
        e.parse_payload(e.canon("x" * 199_999))
