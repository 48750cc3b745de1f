"""The local API asked what its own description makes up, with a token of each role, by a generator that is not ours.

No fault of the node, no answer that is not described, and nothing for a role that the matrix does not allow.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support import desks, pages
from support.ceremony import play
from support.desks import served
from support.enrolled import enrolling
from support.ports import free_port
from support.shapes import document
from support.tables import Faults

from gateway.access.rules import PERSONAL
from gateway.node.rows import ROWS
from gateway.operations.roles import Role

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
DESCRIBED: Any = schemathesis.openapi.from_dict(
    {name: part for name, part in document().items() if name != "security"}  # each token is given by the test
)
OPERATIONS = {found.ok().definition.raw["operationId"]: found.ok() for found in DESCRIBED.get_all_operations()}
SUBJECTS = sorted({name.partition(".")[0] for name in OPERATIONS})
PATIENCE = 60


@dataclass(frozen=True)
class Door:
    """The loopback door of a served node; for each role a token of a program, and one of a person who has it."""

    base: str
    tokens: dict[Role, str]
    people: dict[Role, str]
    session: requests.Session


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One node for everything: whatever is made up must leave it running."""
    desk, port = desks.make(tmp_path_factory.mktemp("described"), "FR"), free_port()
    with (desk.folder / "node.toml").open("a") as settings:
        settings.write(f'\n[local]\nlisten = "127.0.0.1:{port}"\n')
    with served(desk), requests.Session() as session:
        tokens = {role: desk.ask("token.new", role=str(role), label="described")["token"] for role in Role}
        people = {role: play(enrolling(f"a person, {role}", role), desk.ask).token for role in PERSONAL}
        yield Door(base=f"http://127.0.0.1:{port}", tokens=tokens, people=people, session=session)
        assert desk.ask("node.show")["name"] == "FR"


def ask(door: Door, role: Role, operation: str, case: Case) -> None:
    """One made-up request, and what has to be so of its answer."""
    if isinstance(case.body, dict) and "url" in case.body:
        case.body.pop("url")  # a node goes where it is told, and a test goes nowhere
    if case.query and "wait" in case.query:
        case.query["wait"] = 0
    token = door.people[role] if ROWS[operation].by_person and role in door.people else door.tokens[role]
    headers = {"Authorization": f"Bearer {token}"}
    response = case.call(base_url=door.base, headers=headers, session=door.session, timeout=PATIENCE)
    assert response.status_code != 401
    case.validate_response(response, checks=CHECKS)
    if role not in ROWS[operation].roles:
        assert response.status_code == 403, f"{role} was let in to {operation}"


def _asker(door: Door, role: Role, operation: str) -> Callable[[Case], None]:
    def one(case: Case) -> None:
        ask(door, role, operation, case)

    return one


def tried(door: Door, operation: str, roles: Iterable[Role], *, may: int, may_not: int, seed: int) -> int:
    """So many requests with each of `roles` that may, and with each that may not; as described and, where arguments are
    described, also as they are not. Returns how many at most.
    """
    modes = [GenerationMode.POSITIVE, *([GenerationMode.NEGATIVE] if pages.arguments(operation) else [])]
    made_up = {mode: OPERATIONS[operation].as_strategy(mode) for mode in modes}
    asked = 0
    for role in roles:
        for mode in modes if role in ROWS[operation].roles else modes[:1]:
            settings = hypothesis.settings(
                max_examples=may if role in ROWS[operation].roles else may_not,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            given(case=made_up[mode])(hypothesis.seed(seed)(settings(_asker(door, role, operation))))()
            asked += settings.max_examples
    return asked


def two_of(operation: str) -> list[Role]:
    """A role that may and one that may not, other ones for other operations: who may what is asked of all roles in
    `integration/api/test_matrix.py`.
    """
    rand, allowed = random.Random(operation), ROWS[operation].roles
    groups = [[role for role in Role if (role in allowed) is may] for may in (True, False)]
    return [rand.choice(group) for group in groups if group]


def each_tried(
    door: Door, subject: str, *, may: int, may_not: int, roles: Callable[[str], Iterable[Role]], seed: int = 0
) -> int:
    """All operations about a subject, such as `peer`; how many requests at most."""
    asked = 0
    with Faults() as faults:
        for operation in (name for name in OPERATIONS if name.partition(".")[0] == subject):
            with faults.row(operation):
                asked += tried(door, operation, roles(operation), may=may, may_not=may_not, seed=seed)
    return asked


@pytest.mark.parametrize("subject", SUBJECTS)
def test_an_operation_is_as_described(door: Door, subject: str):
    """A few requests of each kind, with two roles."""
    each_tried(door, subject, may=2, may_not=1, roles=two_of)


@pytest.mark.deep
@pytest.mark.parametrize("subject", SUBJECTS)
def test_an_operation_is_as_described_at_length(
    door: Door, subject: str, run_seed: int, record_property: Callable[[str, object], None]
):
    """Many of them with every role, others for each seed."""
    record_property(
        "examples", each_tried(door, subject, may=100, may_not=5, roles=lambda operation: Role, seed=run_seed)
    )
