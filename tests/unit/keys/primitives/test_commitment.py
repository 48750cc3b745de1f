"""A commitment to the fields of a body: what is cut, what is bound, what is hidden, what a shown field proves."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from support.shared import ROOT
from support.tables import table

from gateway.errors import Code, RemoteError
from keys.documents.statement import Secret
from keys.primitives.commitment import (
    FEWEST_LEAVES,
    MOST_LEAVES,
    ShownField,
    check_fields,
    compute_commitment,
    cut_fields,
    disclose,
)
from keys.primitives.encoding import MAX_DEPTH, canon

SECRET = Secret(salt=bytes(range(32))).encode()
CONTENT: dict[str, Any] = {
    "a/b": 1,
    "c~d": True,
    "empty": {},
    "list": [],
    "name": "Ana",
    "names": ["x", {"deep": None}],
    "~1": "",
}
BODY = canon({"content": CONTENT, "header": {"v": -1}})
FIELDS = {
    "/content/a~1b": 1,
    "/content/c~0d": True,
    "/content/empty": {},
    "/content/list": [],
    "/content/name": "Ana",
    "/content/names/0": "x",
    "/content/names/1/deep": None,
    "/content/~01": "",
    "/header/v": -1,
}


def shown(pointer: str = "/content/name") -> ShownField:
    """One field of the body with its proof."""
    (field,) = disclose(SECRET, BODY, [pointer])
    return field


COMMIT = compute_commitment(SECRET, BODY)


def refusal(*fields: ShownField) -> Code | None:
    """The code that these fields are refused with under the commitment to the body, None if they are proven."""
    try:
        check_fields(COMMIT, fields)
    except RemoteError as error:
        return error.code
    return None


def test_fields_of_a_body() -> None:
    """Scalars and empty containers, under escaped pointers, in the order of the body."""
    assert list(cut_fields(BODY).items()) == list(FIELDS.items())


def nested(levels: int) -> Any:
    """An array in an array, so many of them."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@table(
    "body",
    [
        b"[1]",
        b'"x"',
        b"{}",
        b'{"a": 1}',
        b'{"a":1,"a":1}',
        b'{"a":{"0":1}}',
        b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}",
        canon({"a": [0] * (MOST_LEAVES + 1)}),
        b'{"a":',
    ],
    ids=["array", "text", "empty", "spaced", "twice", "digits", "deep", "many", "cut"],
)
def test_bodies_that_are_not_cut(body: bytes) -> None:
    """What is no object, has no field or too many, two readings or another spelling is refused."""
    with pytest.raises(RemoteError) as refused:
        cut_fields(body)
    assert refused.value.code is Code.MALFORMED


def test_the_largest_bodies() -> None:
    """As many fields as a tree has leaves, as deep as a document nests."""
    assert len(cut_fields(canon({"a": [0] * MOST_LEAVES}))) == MOST_LEAVES
    assert list(cut_fields(canon({"a": nested(MAX_DEPTH - 1)}))) == ["/a" + "/0" * (MAX_DEPTH - 1)]


def test_every_valid_body_can_be_committed_to() -> None:
    """No schema allows more fields than a tree has leaves, nor a name of digits."""
    files = sorted((ROOT / "schemas" / "published").glob("*.json"))
    assert len(files) > 20
    for file in files:
        schema = json.loads(file.read_text())
        assert most_fields(schema, schema) <= MOST_LEAVES, file.name


def most_fields(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> int:
    """The most fields that a value of a schema can have; alternatives that extend each other are added up."""
    if "$ref" in schema:
        found: Any = whole
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return most_fields(found, whole)
    count = 0
    for name, below in schema.get("properties", {}).items():
        assert not name.isdigit()
        count += most_fields(below, whole)
    if "items" in schema:
        count += schema["maxItems"] * most_fields(schema["items"], whole)
    return max(1, count)


def test_the_commitment_as_the_specification_says_it() -> None:
    """The same number, computed by hand from nrm1 3.11."""
    stream = hashlib.shake_256(b"nrm1/salt\0" + SECRET).digest(32 * FEWEST_LEAVES)
    leaves = []
    for place, (pointer, value) in enumerate(FIELDS.items()):
        name = pointer.encode()
        data = stream[32 * place :][:32] + len(name).to_bytes(4, "big") + name + json.dumps(value).encode()
        leaves.append(hashlib.sha256(b"nrm1/field\0" + data).digest())
    leaves += [stream[32 * place :][:32] for place in range(len(FIELDS), FEWEST_LEAVES)]
    level = sorted(leaves)
    while len(level) > 1:
        level = [hashlib.sha256(b"\1" + level[i] + level[i + 1]).digest() for i in range(0, len(level), 2)]
    commit = hashlib.sha256(b"nrm1/commit\0" + FEWEST_LEAVES.to_bytes(4, "big") + level[0]).digest()
    assert base64.urlsafe_b64encode(commit).rstrip(b"=").decode() == COMMIT


def test_it_binds_the_body_and_the_secret() -> None:
    """Another value, another place, an array for an object, one field more, or another secret: another commitment."""
    bodies = [
        {"a": {"b": 1}},
        {"a": {"b": 2}},
        {"a": {"c": 1}},
        {"a": [1]},
        {"a": {"b": "1"}},
        {"a": {"b": 1, "c": None}},
        {"a": {"b": {}}},
        {"a": {"b": []}},
        {"a/b": 1},
        {"a~1b": 1},
    ]
    commits = {compute_commitment(SECRET, canon(body)) for body in bodies}
    commits.add(compute_commitment(Secret(salt=bytes(32)).encode(), canon(bodies[0])))
    assert len(commits) == len(bodies) + 1


def test_a_shown_field_is_proven() -> None:
    """Each field alone, and all together, in the order of their pointers; nothing at all proves nothing wrong."""
    for pointer, value in FIELDS.items():
        field = shown(pointer)
        assert (field.pointer, field.value) == (pointer, value)
        assert ShownField.from_json(field.to_json()) == field
        assert refusal(field) is None
    every = disclose(SECRET, BODY, reversed(FIELDS))
    assert [field.pointer for field in every] == sorted(FIELDS)
    assert refusal(*every) is None
    assert refusal() is None


def test_what_is_not_in_the_body_is_not_shown() -> None:
    """An object, an array, a place beyond an array and an unescaped name are no fields."""
    for pointer in ("/content", "/content/names", "/content/names/2", "/content/a/b", "", "content/name"):
        with pytest.raises(RuntimeError, match="cannot be shown"):
            disclose(SECRET, BODY, [pointer])


NAME, VERSION = shown(), shown("/header/v")


@table(
    "fields",
    [
        [replace(NAME, value="Eva")],
        [replace(VERSION, value="-1")],
        [replace(NAME, pointer="/content/name2")],
        [replace(NAME, pointer="/header/v")],
        [replace(NAME, salt=bytes([NAME.salt[0] ^ 1]) + NAME.salt[1:])],
        [replace(NAME, salt=VERSION.salt)],
        [replace(NAME, index=NAME.index ^ 1)],
        [replace(NAME, index=NAME.index + FEWEST_LEAVES)],
        [replace(NAME, index=VERSION.index)],
        [replace(NAME, path=NAME.path[:-1])],
        [replace(NAME, path=(*NAME.path, NAME.path[-1]))],
        [replace(NAME, path=NAME.path[::-1])],
        [NAME, replace(VERSION, value=0)],
    ],
    ids=[
        "value",
        "type of value",
        "pointer",
        "pointer of another",
        "block",
        "block of another",
        "index",
        "index beyond the tree",
        "index of another",
        "path cut",
        "path longer",
        "path turned",
        "one good one bad",
    ],
)
def test_fields_that_are_refused(fields: list[ShownField]) -> None:
    """One that is changed in any member, moved to another pointer, or cut."""
    assert refusal(*fields) is Code.BAD_COMMITMENT


def test_order_of_fields() -> None:
    """There is one order, and no field occurs twice."""
    assert refusal(NAME, VERSION) is None
    assert refusal(VERSION, NAME) is Code.MALFORMED
    assert refusal(NAME, NAME) is Code.MALFORMED


def test_a_field_of_another_message() -> None:
    """A field that is true of another body, under the same secret, is none of this one."""
    (other,) = disclose(SECRET, canon({"content": {"name": "Ana"}}), ["/content/name"])
    assert refusal(other) is Code.BAD_COMMITMENT


def test_a_node_of_the_tree_is_no_field() -> None:
    """An inner hash shown as a block, with the path above it, does not pass for a field."""
    for height in range(1, len(NAME.path)):
        climbed = replace(NAME, salt=NAME.path[height - 1], index=NAME.index >> height, path=NAME.path[height:])
        assert refusal(climbed) is Code.BAD_COMMITMENT


GOOD: Any = NAME.to_json()


@table(
    "member,value",
    [
        *(("pointer", bad) for bad in ("", "name", "/", "/a//b", "/a~", "/a~2", "/\u00e9", "/a\n", 1, "/a" * 2_049)),
        *(("value", bad) for bad in ([1], {"a": 1})),
        *(("salt", bad) for bad in ("", GOOD["salt"][:-1], None)),
        *(("index", bad) for bad in (-1, MOST_LEAVES, True, "1")),
        *(("path", bad) for bad in ([], GOOD["path"][:5], GOOD["path"] * 3, None, [*GOOD["path"][:-1], ""])),
        ("more", 1),
    ],
)
def test_forms_of_a_field_that_are_refused(member: str, value: Any) -> None:
    """A field in a file has exactly its members, a pointer of RFC 6901, and a value with nothing inside."""
    with pytest.raises(RemoteError) as refused:
        ShownField.from_json({**GOOD, member: value})
    assert refused.value.code is Code.MALFORMED


def test_forms_of_a_field() -> None:
    """No member is missing, and every kind of value is read as it is."""
    for missing in GOOD:
        with pytest.raises(RemoteError, match="lacks"):
            ShownField.from_json({name: value for name, value in GOOD.items() if name != missing})
    for value in (None, True, 0, "", [], {}):
        assert ShownField.from_json({**GOOD, "value": value}).value == value


def test_what_a_shown_field_tells_of_the_others() -> None:
    """Nothing but how long the path is: no block of another field, and the same length up to 64 fields; its place in
    the tree is that of a hash.
    """
    sizes = {}
    for count in (1, 2, 63, 64, 65, 128, 129):
        body = canon({"a": list(range(count))})
        (field,) = disclose(SECRET, body, ["/a/0"])
        sizes[count] = 1 << len(field.path)
    assert sizes == {1: 64, 2: 64, 63: 64, 64: 64, 65: 128, 128: 128, 129: 256}
    seen = set()
    for salt in range(200):
        (field,) = disclose(Secret(salt=bytes([salt]) * 32).encode(), BODY, ["/content/a~1b"])
        seen.add(field.index)
    assert len(seen) > FEWEST_LEAVES // 2


def test_a_guess_of_a_hidden_field_cannot_be_tried() -> None:
    """With every other field shown, the right value of the last one proves nothing without its own block."""
    others = disclose(SECRET, BODY, [pointer for pointer in FIELDS if pointer != NAME.pointer])
    assert NAME.salt not in {field.salt for field in others}
    for field in others:
        assert refusal(replace(NAME, salt=field.salt)) is Code.BAD_COMMITMENT


def test_no_value_in_a_representation() -> None:
    """What is shown may be printed by a traceback; its value is not."""
    assert "Ana" not in repr(shown())
