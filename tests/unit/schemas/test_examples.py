"""The published examples: every valid one passes, every invalid one breaks exactly the rule that its name says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.tables import table

from schemas import load_catalogue, text_findings, validate

EXAMPLES = Path(__file__).resolve().parents[3] / "schemas" / "examples"
VALID = sorted(EXAMPLES.glob("*/valid-*.json"))
INVALID = sorted(EXAMPLES.glob("*/invalid-*.json"))


def name_of(path: Path) -> str:
    """The body type that an example belongs to."""
    return "/".join(path.parent.name.rsplit(".", 1))


def short(path: Path) -> str:
    """How an example is called in the test report."""
    return f"{path.parent.name}/{path.stem}"


def read(path: Path) -> Any:
    """The body."""
    return json.loads(path.read_bytes())


@table("path", VALID, ids=short)
def test_valid_example_passes(path: Path) -> None:
    """A valid example has no finding, neither by its schema nor by the text policy."""
    body = read(path)
    assert validate(name_of(path), body) == ()
    assert text_findings(body) == ()


@table("path", INVALID, ids=short)
def test_invalid_example_breaks_the_one_rule_it_names(path: Path) -> None:
    """An invalid example has one finding, and its rule is the one in the file name."""
    findings = validate(name_of(path), read(path))
    assert [path.stem.split("-")[1]] == [finding.rule for finding in findings]


@table("path", INVALID, ids=short)
def test_refusal_names_an_existing_place_or_a_missing_member(path: Path) -> None:
    """The place of a finding can be found in the body, or is the member that its parent lacks."""
    body = read(path)
    for finding in validate(name_of(path), body):
        *parents, last = finding.place.split("/")[1:]
        node: Any = body
        for step in parents:
            node = node[int(step)] if isinstance(node, list) else node[step]
        present = int(last) < len(node) if isinstance(node, list) else last in node
        assert present != (finding.rule == "required")


@table("path", VALID, ids=short)
def test_valid_example_goes_between_the_roles_of_its_type(path: Path) -> None:
    """Sender and receiver of a valid example have roles that the type names."""
    entry, header = load_catalogue().get(name_of(path)), read(path)["header"]
    if entry.senders:
        assert header["sender_role"] in entry.senders
        assert header["recipient_role"] in entry.receivers


def test_every_type_has_enough_examples() -> None:
    """At least two valid and four invalid examples for each message type, and none for a type that does not exist."""
    types = {entry.body_type for entry in load_catalogue().types}
    assert types == {name_of(path) for path in VALID} == {name_of(path) for path in INVALID}
    for body_type in types:
        assert len([path for path in VALID if name_of(path) == body_type]) >= 2
        assert len([path for path in INVALID if name_of(path) == body_type]) >= 4
