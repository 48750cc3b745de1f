"""Who acts: a person, or a user of a case system whom its token attests; never a typed name."""

from __future__ import annotations

import pytest
from support.tables import table

from gateway.errors import Code, RefusedError
from gateway.operations.actors import (
    AttestedUser,
    name_actor,
    person_of,
    pseudonym,
    user_of,
)
from gateway.operations.roles import CASES, OWNER, Caller, Role
from keys.primitives.encoding import sha256

EVA = Caller(roles=CASES, person="eva")
SHELL = Caller(roles=CASES, owner=True, person="eva", token="t0")
SYSTEM = Caller(roles=frozenset({Role.ADAPTER}), token="t1")
OTHER = Caller(roles=frozenset({Role.ADAPTER}), token="t2")
ANA = AttestedUser(by="u-7")


def test_what_stands_for_an_actor_is_a_keyed_hash():
    """Whatever the text is, also a word that could be a reference: only its hash leaves the node."""
    assert pseudonym("Besnik", sha256) == sha256(b"Besnik").hex()


def test_a_person_is_one_by_whatever_door_they_come():
    """At the console and at a shell with a personal token the same person has the same pseudonym."""
    assert name_actor(EVA, None) == name_actor(SHELL, None) == "person/eva"
    assert person_of(SHELL) == "eva"


def test_a_user_is_of_one_token():
    """The user of a case system is attested by its token; another token's user of that name is somebody else."""
    assert name_actor(SYSTEM, ANA) == user_of(SYSTEM, "u-7") == "token/t1/u-7"
    assert name_actor(OTHER, ANA) != name_actor(SYSTEM, ANA)
    assert name_actor(SYSTEM, None, required=False) == "token/t1"


@table(
    ("who", "attested"),
    [
        (SYSTEM, None),
        (OWNER, None),
        (EVA, ANA),
        (SHELL, ANA),
    ],
    ids=["a token names nobody", "the owner names nobody", "a person names another", "a person at a shell does"],
)
def test_nobody_acts_for_somebody_else(who, attested):
    """A token names who acts, a person acts in their own name; the place is told."""
    with pytest.raises(RefusedError) as refused:
        name_actor(who, attested)
    assert refused.value.code is Code.INVALID
    assert [finding.place for finding in refused.value.findings] == ["/attested"]


def test_only_a_person_has_an_id():
    """Where only a person acts a token, or the owner, has come through a door that was open."""
    for caller in (SYSTEM, OWNER):
        with pytest.raises(RuntimeError):
            person_of(caller)
