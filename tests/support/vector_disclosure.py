"""Vectors of the commitment to the fields of a body, and of single fields shown (nrm1 3.11, 3.12)."""

from __future__ import annotations

from typing import Any

from support.vector_judges import code_of
from support.vector_parties import seed

from keys.documents.statement import Secret
from keys.primitives.commitment import ShownField, check_fields, compute_commitment, cut_fields, disclose
from keys.primitives.encoding import b64u, canon, unb64u

Case = dict[str, Any]

SECRET = Secret(salt=seed("disclosure")).encode()
BODY = canon(
    {
        "content": {
            "a/b": 1,
            "c~d": True,
            "language": "uk",
            "none": None,
            "notes": ["one", "two", {"deep": ""}],
            "nothing": [],
        },
        "header": {"seen": 0, "units": {}},
    }
)
POINTERS = ["/content/a~1b", "/content/language", "/content/notes/2/deep", "/header/units"]


def disclosure() -> Case:
    """A body with its fields and commitment, one with more than 64 fields, and what is refused."""
    large = canon({"content": {f"f{place}": place for place in range(100)}})
    return {
        "secret": b64u(SECRET),
        "bodies": [
            _body("fields in their order", BODY, None),
            _body("more fields than 64", large, None),
            _body("an array", b"[1]", "malformed"),
            _body("an object without members", b"{}", "malformed"),
            _body("white space", b'{"a": 1}', "malformed"),
            _body("a member name of digits", b'{"a":{"0":1}}', "malformed"),
        ],
        "commit": compute_commitment(SECRET, BODY),
        "shown": _shown(),
    }


def _body(name: str, body: bytes, code: str | None) -> Case:
    found: Case = {"name": name, "body": b64u(body), "code": code}
    if code is None:
        found |= {"pointers": [*cut_fields(body)], "commit": compute_commitment(SECRET, body)}
    return found


def _shown() -> list[Case]:
    first, second, third, fourth = (dict(_object(field)) for field in disclose(SECRET, BODY, POINTERS))
    (other,) = (
        dict(_object(field)) for field in disclose(SECRET, canon({"content": {"language": "uk"}}), [POINTERS[1]])
    )

    def case(name: str, code: str | None, *fields: Case) -> Case:
        return {"name": name, "fields": [*fields], "code": code}

    return [
        case("several fields", None, first, second, third, fourth),
        case("one field", None, second),
        case("no field", None),
        case("another value", "bad_commitment", second | {"value": "ru"}),
        case("another pointer", "bad_commitment", second | {"pointer": "/content/languagf"}),
        case(
            "the value of one field at the pointer of another", "bad_commitment", second | {"pointer": "/header/units"}
        ),
        case("the block of another field", "bad_commitment", second | {"salt": first["salt"]}),
        case("another index", "bad_commitment", second | {"index": second["index"] ^ 1}),
        case("an index beyond the tree", "bad_commitment", second | {"index": second["index"] + 64}),
        case("a path that was cut and extended", "bad_commitment", second | {"path": [*second["path"][1:], "A" * 43]}),
        case("a path with one step more", "bad_commitment", second | {"path": [*second["path"], "A" * 43]}),
        case("a field of another body under the same secret", "bad_commitment", other),
        case("a path that is too short", "malformed", second | {"path": second["path"][:5]}),
        case("an object with members as a value", "malformed", second | {"value": {"a": 1}}),
        case("a pointer that is not escaped", "malformed", second | {"pointer": "/content/c~d"}),
        case("a pointer with an empty token", "malformed", second | {"pointer": "/content//language"}),
        case("a field twice", "malformed", second, second),
        case("another order", "malformed", second, first),
        case("a member more", "malformed", second | {"note": ""}),
    ]


def _object(field: ShownField) -> Case:
    value = field.to_json()
    if not isinstance(value, dict):
        raise TypeError("a field is an object")
    return value


def judge_body(case: Case) -> str | None:
    """Whether a body can be cut, and into what is stated."""
    code = code_of(lambda: cut_fields(unb64u(case["body"])))
    if code is None and [*cut_fields(unb64u(case["body"]))] != case["pointers"]:
        return "other fields"
    return code


def judge_fields(file: Case, case: Case) -> str | None:
    """Whether fields are proven under the commitment of the file."""
    return code_of(lambda: check_fields(file["commit"], [ShownField.from_json(field) for field in case["fields"]]))
