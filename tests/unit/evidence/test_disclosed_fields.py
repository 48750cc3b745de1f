"""Evidence that shows single fields of a message: both verifiers take the true ones and tell nothing of the others."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.bundle_reports import CASE, REFERRAL
from support.endpoints import edited
from support.exhibits import Case
from support.first_form import first_conversation
from support.nodes import refused
from support.stranger import told, verify
from support.tables import table

from gateway.errors import Code, RefusedError
from gateway.evidence.build import Exhibit
from keys.primitives.commitment import cut_fields, disclose
from keys.primitives.encoding import b64u, unb64u

BODY = CASE.exhibits[0].disclosure[1] if CASE.exhibits[0].disclosure else b""
POINTERS = sorted(cut_fields(BODY))
CHOSEN = tuple(POINTERS[1:4])


def showing(*pointers: str, case: Case = CASE) -> Exhibit:
    """The referral with these fields alone."""
    fields = disclose(REFERRAL.secret, BODY, pointers)
    return replace(case.exhibits[0], disclosure=None, fields=fields)


DATA = CASE.build(exhibits=(showing(*CHOSEN), CASE.exhibits[1]))


def spoilt(change: Any) -> bytes:
    """The bundle with `change` applied to what is disclosed of the referral."""
    return edited(DATA, lambda value: change(value["messages"][0]["disclosure"]))


def test_single_fields_are_proven() -> None:
    """The report names the fields, says that others are not there, and no value is in it."""
    report = verify(DATA, CASE.anchors)
    first, second = report.messages
    assert (first.disclosed, first.fields, second.disclosed, second.fields) == (False, CHOSEN, True, ())
    assert first.proven[-1] == f"single fields disclosed, each as it was signed: {', '.join(CHOSEN)}"
    assert "what its other fields say, or how many there are: they are not in this file" in first.not_proven
    written: Any = report.to_json()
    assert written["messages"][0]["fields"] == [*CHOSEN]
    lines = told(DATA, CASE.anchors)
    assert lines is not None
    assert "  not proven: what its other fields say, or how many there are" in lines


def test_nothing_else_of_the_content_is_in_the_bundle() -> None:
    """Neither the secret nor the body, nor a value of another field, nor how many there are."""
    value = json.loads(DATA)["messages"][0]["disclosure"]
    assert value.keys() == {"fields"}
    assert [field["pointer"] for field in value["fields"]] == [*CHOSEN]
    assert b64u(REFERRAL.secret).encode() not in DATA
    hidden = [pointer for pointer in POINTERS if pointer not in CHOSEN]
    assert not any(json.dumps(pointer).encode() in DATA for pointer in hidden)
    one = json.loads(CASE.build(exhibits=(showing(POINTERS[0]),)))["messages"][0]["disclosure"]["fields"]
    assert {len(field["path"]) for field in (*one, *value["fields"])} == {6}


def test_every_field_alone() -> None:
    """Each field of the referral makes a true bundle."""
    for pointer in POINTERS:
        report = verify(CASE.build(exhibits=(showing(pointer),)), CASE.anchors)
        assert report.messages[0].fields == (pointer,)


def flip(text: str) -> str:
    """Base64url of the same bytes with one bit changed."""
    data = unb64u(text)
    return b64u(bytes([data[0] ^ 1]) + data[1:])


@table(
    "change,code",
    [
        (lambda d: d["fields"][0].update(value="other"), Code.BAD_COMMITMENT),
        (lambda d: d["fields"][0].update(pointer=POINTERS[0]), Code.BAD_COMMITMENT),
        (lambda d: d["fields"][0].update(salt=flip(d["fields"][0]["salt"])), Code.BAD_COMMITMENT),
        (lambda d: d["fields"][0].update(salt=d["fields"][1]["salt"]), Code.BAD_COMMITMENT),
        (lambda d: d["fields"][0].update(index=d["fields"][0]["index"] ^ 1), Code.BAD_COMMITMENT),
        (lambda d: d["fields"][0].update(index=d["fields"][0]["index"] + 64), Code.BAD_COMMITMENT),
        (lambda d: d["fields"][0]["path"].reverse(), Code.BAD_COMMITMENT),
        (lambda d: d["fields"][0]["path"].append("A" * 43), Code.BAD_COMMITMENT),
        (lambda d: d["fields"][0]["path"].pop(), Code.MALFORMED),
        (lambda d: d["fields"].reverse(), Code.MALFORMED),
        (lambda d: d["fields"].insert(0, d["fields"][0]), Code.MALFORMED),
        (lambda d: d["fields"].clear(), Code.MALFORMED),
        (lambda d: d["fields"][0].update(value={"a": 1}), Code.MALFORMED),
        (lambda d: d["fields"][0].update(pointer="content"), Code.MALFORMED),
        (lambda d: d["fields"][0].update(more=1), Code.MALFORMED),
        (lambda d: d["fields"][0].pop("salt"), Code.MALFORMED),
        (lambda d: d.update(body=b64u(BODY)), Code.MALFORMED),
        (lambda d: d.update(fields="x"), Code.MALFORMED),
    ],
    ids=[
        "value",
        "moved",
        "salt",
        "salt of another",
        "index",
        "index beyond",
        "path turned",
        "path longer",
        "path cut",
        "order",
        "twice",
        "none",
        "not a field",
        "not a pointer",
        "a member more",
        "a member less",
        "body beside it",
        "no list",
    ],
)
def test_row_201_fields_that_were_tampered_with(change: Any, code: Code) -> None:
    """Changed, moved, cut, doubled: both verifiers refuse."""
    with refused(code):
        verify(spoilt(change), CASE.anchors)


def test_a_field_of_another_message() -> None:
    """A true field of the answer is none of the referral."""
    answer = CASE.exhibits[1]
    assert answer.disclosure is not None
    fields = disclose(*answer.disclosure, [sorted(cut_fields(answer.disclosure[1]))[0]])
    with pytest.raises(RefusedError, match="bad_commitment"):
        CASE.build(exhibits=(replace(CASE.exhibits[0], disclosure=None, fields=fields),))


def test_the_first_form_shows_no_single_fields() -> None:
    """Its commitment is to the whole: no field of it can be proven alone."""
    case = first_conversation()
    with pytest.raises(RefusedError, match="bad_commitment"):
        case.build(exhibits=(showing(CHOSEN[0], case=case),))
