"""By which schema the next message of a conversation is written (nrm1 12.13, docs/adr/0002)."""

from __future__ import annotations

from dataclasses import replace

import pytest

import schemas
from gateway.delivery.outbound.steps import schema_for
from gateway.errors import Code, RefusedError
from schemas.catalogue import Catalogue

ASK, REPLY = (schemas.load_catalogue().get(name) for name in ("info.request/1", "info.reply/1"))
SECOND = replace(ASK, revision=2, schema="sha256:second")
THIRD = replace(ASK, revision=3, schema="sha256:third")
NEXT = replace(ASK, body_type="info.request/2", schema="sha256:next")


@pytest.fixture(autouse=True)
def _grown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that was upgraded twice and gave up the first revision."""
    grown = Catalogue(held=(SECOND, THIRD, NEXT, REPLY))
    monkeypatch.setattr(schemas, "load_catalogue", lambda: grown)


@pytest.mark.parametrize(
    ("begun", "theirs", "expected"),
    [
        ([], None, THIRD),
        ([], {ASK.schema, SECOND.schema}, SECOND),
        ([], {SECOND.schema, THIRD.schema, "sha256:of a still newer node"}, THIRD),
        ([], set(), THIRD),
        ([], {ASK.schema}, THIRD),
        ([("info.request/1", SECOND.schema), ("info.request/1", THIRD.schema)], {THIRD.schema}, SECOND),
        ([("info.reply/1", REPLY.schema)], {SECOND.schema}, SECOND),
    ],
    ids=["never asked", "an older peer", "a newer peer", "nothing told", "nothing in common", "begun", "another type"],
)
def test_the_schema_of_a_message(begun, theirs, expected):
    """What began is kept; else the newest in common; departure has the last word where there is none."""
    assert schema_for("info.request/1", begun=begun, theirs=theirs) == expected.schema


def test_a_type_that_nothing_may_block_is_not_fixed(monkeypatch: pytest.MonkeyPatch):
    """A withdrawal goes in the newest revision that both hold, whatever one said before it in the conversation."""
    first = replace(ASK, body_type="consent.withdrawal/1", schema="sha256:first withdrawal")
    second = replace(first, revision=first.revision + 1, schema="sha256:second withdrawal")
    monkeypatch.setattr(schemas, "load_catalogue", lambda: Catalogue(held=(first, second)))
    begun = [("consent.withdrawal/1", first.schema)]
    assert schema_for("consent.withdrawal/1", begun=begun, theirs={first.schema, second.schema}) == second.schema
    assert schema_for("consent.withdrawal/1", begun=begun, theirs={first.schema}) == first.schema


def test_another_version_than_the_conversation_began_with():
    """It is refused and says as what it can be written; a new conversation may use it."""
    with pytest.raises(RefusedError, match=r"began with info\.request/1 and stays with it") as refused:
        schema_for("info.request/2", begun=[("info.request/1", SECOND.schema)], theirs={NEXT.schema})
    assert (refused.value.code, "write it as info.request/1" in refused.value.hint) == (Code.NO_COMMON_SCHEMA, True)
    assert schema_for("info.request/2", begun=[("info.reply/1", REPLY.schema)], theirs={NEXT.schema}) == NEXT.schema


def test_a_revision_that_this_node_gave_up():
    """A conversation that is older than N-1 does not go on in other words."""
    with pytest.raises(RefusedError) as refused:
        schema_for("info.request/1", begun=[("info.request/1", ASK.schema)], theirs=None)
    assert refused.value.code is Code.NO_COMMON_SCHEMA
