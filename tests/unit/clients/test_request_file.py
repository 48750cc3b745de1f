"""The file of requests: whole, as the description says, and without a secret."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from support.shapes import described, document, unfit
from support.tables import table

from clients.request_file import EXAMPLES, SAVE, write_environment, write_requests
from gateway.messages.draft_form import form_faults, schema_faults
from gateway.node.rows import ROWS
from gateway.operations.roles import Role

DEFINED = re.compile(r"^@([a-z_]+) = (\S+)$", re.MULTILINE)
USED = re.compile(r"{{([a-z_]+)}}")


@dataclass(frozen=True)
class Asked:
    """One request of the file, with its variables filled in."""

    operation: str
    method: str
    address: str
    headers: dict[str, str]
    body: str


@cache
def text() -> str:
    """The file, made once."""
    return write_requests(document())


def filled(part: str) -> str:
    """A part of the file with the values of its head."""
    values = {**dict(DEFINED.findall(text())), "url": "http://127.0.0.1:8080", "token": "t"}
    return USED.sub(lambda found: values[found[1]], part)


@cache
def requests() -> tuple[Asked, ...]:
    """The requests, read as an editor does: a line of three hashes begins one, an empty line its body."""
    return tuple(_read(part) for part in filled(text()).split("\n### ")[1:])


def _read(part: str) -> Asked:
    head, _, body = part.partition("\n\n")
    name, *lines = [line for line in head.splitlines() if not line.startswith("#")]
    method, _, address = lines[0].partition(" ")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return Asked(name.partition(":")[0], method, address.removeprefix("http://127.0.0.1:8080"), headers, body.strip())


def bodies(operation: str) -> list[Any]:
    """The bodies of the requests of an operation."""
    return [json.loads(one.body) for one in requests() if one.operation == operation]


def test_each_operation_has_its_request() -> None:
    """Each once, but the one that keeps drafts: for each type of message once more."""
    names = [one.operation for one in requests()]
    assert set(names) == set(described())
    types = [folder.name for folder in EXAMPLES.iterdir()]
    assert (len(names) - len(set(names)), names.count(SAVE)) == (len(types), len(types) + 1)


def test_a_request_goes_where_the_description_says() -> None:
    """Method and path, with nothing left to be filled in."""
    for one in requests():
        paths = {re.compile(re.sub(r"{[a-z]+}", "[^/{}]+", path)): item for path, item in document()["paths"].items()}
        found = [
            item[one.method.lower()]["operationId"]
            for path, item in paths.items()
            if path.fullmatch(one.address) and one.method.lower() in item
        ]
        assert one.operation in found, one.operation


def test_a_request_has_what_it_needs() -> None:
    """The token, and the headers without which it is refused; no key is that of another operation."""
    for one in requests():
        needed = {
            each["name"]
            for each in described()[one.operation]["parameters"]
            if each["in"] == "header" and each["required"]
        }
        assert needed <= set(one.headers), one.operation
        assert one.headers["Authorization"] == "Bearer t"
        assert one.operation in one.headers.get("Idempotency-Key", one.operation)
        assert bool(one.body) == ("Content-Type" in one.headers) == ("requestBody" in described()[one.operation])


@table("operation", sorted({one.operation for one in requests() if one.body.startswith("{")}))
def test_a_body_is_as_described(operation: str) -> None:
    """What a person sends by a click is not refused for its form."""
    assert [fault for body in bodies(operation) for fault in unfit(operation, body)] == []


def test_a_draft_of_each_type_is_valid() -> None:
    """By the form of drafts and by the schema of its type."""
    drafts = [body["draft"] for body in bodies(SAVE)]
    assert len({draft["type"] for draft in drafts}) == len([*EXAMPLES.iterdir()])
    for draft in drafts:
        assert form_faults(draft) == [], draft["type"]
        assert schema_faults(draft["type"], draft["header"], draft["content"]) == [], draft["type"]


def test_no_token_stands_in_it() -> None:
    """Nor in the environment beside it: each person keeps their own."""
    environment = json.loads(write_environment())
    assert environment == {"node": {"url": "http://127.0.0.1:8080"}}
    assert "token" not in dict(DEFINED.findall(text()))
    lines = [line for line in text().splitlines() if "{{token}}" in line]
    assert set(lines) == {"Authorization: Bearer {{token}}"} and len(lines) == len(requests())


def test_each_variable_has_a_value() -> None:
    """At the head of the file or, for where and who, in the environment; and none stands there for nothing."""
    defined, used = set(dict(DEFINED.findall(text()))), set(USED.findall(text()))
    assert used - defined == {"url", "token"} and defined <= used


def test_a_variable_is_no_word_of_an_editor() -> None:
    """httpYac has `request` for itself, with the token in it, and `case` is no name in JavaScript."""
    own = {"draft_version", "part", "their_unit", "token", "unit", "url"}
    assert [name for name in set(USED.findall(text())) - own if not name.endswith("_id")] == []


def test_an_act_of_a_person_names_the_user_of_the_case_system() -> None:
    """Where a case system may attest who does it; nobody else is asked for a name."""
    naming = {one.operation for one in requests() if '"attested"' in one.body}
    may = {name for name, row in ROWS.items() if row.attested and Role.ADAPTER in row.allowed}
    assert naming == may and "message.submit" in may
