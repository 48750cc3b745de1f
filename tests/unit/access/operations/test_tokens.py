"""Tokens as they are made, listed and ended: of whom each is, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.federation import Rand
from support.signing_in import ANA, Desk, refused

from gateway.access import token_store
from gateway.access.operations.tokens import (
    USUAL_DAYS,
    EndToken,
    MakeToken,
    TokenOperations,
    actor_of,
    check_unit,
)
from gateway.access.token_store import TokenRow
from gateway.database.engine import Store
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.ids import UnitId
from gateway.foundation.workers import Workers
from gateway.operations.models import Nothing
from gateway.operations.roles import OWNER, Caller, Role
from keys.primitives.encoding import DAY

CALLER = Caller(roles=frozenset({Role.TRUST_ADMIN}), person=ANA)


def actor(name: bytes) -> bytes:
    """What stands for a name in the log here."""
    return b"hash of " + name


ACTOR = actor_of(actor, CALLER)


@pytest.fixture
def desk(store: Store) -> Iterator[Desk]:
    """Nobody works here yet."""
    workers = Workers()
    yield Desk(store, workers)
    workers.shutdown()


@pytest.fixture
def tokens(desk: Desk) -> TokenOperations:
    """What is asked about tokens."""
    return TokenOperations(
        store=desk.store, tokens=desk.tokens, config=desk.config, clock=desk.clock, rand=Rand("tokens"), actor=actor
    )


def test_the_log_names_who_acts_by_a_hash():
    """Of the person, or of the owner of the node."""
    assert bytes.fromhex(ACTOR) == b"hash of " + CALLER.actor.encode()
    assert actor_of(actor, OWNER) != ACTOR


def test_a_unit_is_one_of_this_node(desk: Desk):
    """Or none is named."""
    check_unit(desk.config, None)
    check_unit(desk.config, desk.config.units[0].id)
    with pytest.raises(RefusedError, match="nothing was changed") as caught:
        check_unit(desk.config, UnitId("elsewhere"))
    assert caught.value.code is Code.INVALID
    assert [*caught.value.findings] == [Finding(place="/unit", rule="enum", hint="a unit of this node's node.toml")]


async def test_a_token_is_made_listed_and_ended(desk: Desk, tokens: TokenOperations):
    """Its text is shown once; its end is for ever, and each is in the log."""
    now = desk.clock.now()
    made: Any = (await tokens.new(MakeToken(role="adapter", unit="focal-point", label="case system"), CALLER)).value
    text = made.pop("token")
    assert desk.tokens.admit(text).roles == {Role.ADAPTER}
    assert made == {
        "id": made["id"],
        "role": "adapter",
        "person": None,
        "name": None,
        "unit": "focal-point",
        "label": "case system",
        "state": "valid",
        "made": now,
        "expires": now + USUAL_DAYS * DAY,
        "revoked": None,
    }
    assert (await tokens.list_tokens(Nothing())).value == {"tokens": [made]}
    ended = await tokens.revoke(EndToken(id=made["id"]), CALLER)
    assert ended.value == {"id": made["id"], "state": "revoked"}
    (listed,) = desk.tokens.all()
    assert listed.revoked == now
    await refused(tokens.revoke(EndToken(id=made["id"]), CALLER), Code.NOT_FOUND)
    assert await desk.leaves() == [
        {"ev": "token.made", "id": made["id"], "role": "adapter", "actor": ACTOR},
        {"ev": "token.revoked", "id": made["id"], "actor": ACTOR},
    ]


@pytest.mark.parametrize(
    ("expires", "revoked", "state"),
    [(1, None, "valid"), (0, None, "expired"), (1, 5, "revoked"), (0, 5, "revoked")],
    ids=["a second more", "over now", "revoked", "revoked before it was over"],
)
async def test_the_state_of_a_token(desk: Desk, tokens: TokenOperations, expires: int, revoked: int | None, state: str):
    """A personal one is shown with the name of its person, and with no role."""
    await desk.add(ANA, "Ana B.")
    row = TokenRow(
        id="1" * 16,
        hash="hash",
        role=None,
        person=ANA,
        unit=None,
        label="a shell",
        made=3,
        expires=desk.clock.now() + expires,
        revoked=revoked,
    )
    await desk.store.move(lambda c: token_store.add(c, row))
    await desk.tokens.refresh()
    listed: Any = (await tokens.list_tokens(Nothing())).value
    (shown,) = listed["tokens"]
    assert shown == {
        "id": row.id,
        "role": None,
        "person": ANA,
        "name": "Ana B.",
        "unit": None,
        "label": "a shell",
        "state": state,
        "made": 3,
        "expires": row.expires,
        "revoked": revoked,
    }
