"""Who acts: a person by the credential that they came with, or a user of a case system whom its token attests.

A typed name is never a proof, so no operation takes one. What leaves the node, and what the audit log has, is a
pseudonym: a keyed hash of who acted, of which the key service has the key. The `author_ref` of a header is always that
of whoever releases the message, whatever a draft says there.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from gateway.database.audit_entries import Actor
from gateway.errors import Code, Finding, RefusedError
from gateway.operations.models import ONE_LINE, Asked
from gateway.operations.roles import Caller

UserRef = Annotated[
    str,
    Field(min_length=1, max_length=64, description="what the case system calls its user; kept as a keyed hash"),
    ONE_LINE,
]


class AttestedUser(Asked):
    """The user of a case system who does it, as the holder of the token attests."""

    by: UserRef


class AttestedUsers(AttestedUser):
    """The users of a case system who release a message: two where it needs two."""

    second_by: Annotated[UserRef, Field(description="a second, different user")] | None = None


ATTESTED: Any = Field(default=None, description="which user of the case system does it; for its token alone")
"""The default of the member `attested`."""


def pseudonym(actor: str, keyed: Actor) -> str:
    """The keyed hash of who acted: for the audit log, and for the header of what leaves (nrm1 13.9)."""
    return keyed(actor.encode()).hex()


def name_actor(caller: Caller, attested: AttestedUser | None, *, required: bool = True) -> str:
    """Who acts, as text for a pseudonym: the person who calls, or the user whom a case system's token attests; the
    token itself where nobody has to be named.

    Raises:
        RefusedError: invalid; a token names no user, or a person names another one.
    """
    if caller.person is not None:
        if attested is not None:
            raise _wrong("a person acts in their own name", "leave it out: who acts is who is signed in")
        return caller.actor
    if attested is not None:
        return user_of(caller, attested.by)
    if required:
        raise _wrong("nobody is named who does this", "name the user of the case system who does it, as `by`")
    return caller.actor


def user_of(caller: Caller, user: str) -> str:
    """A user of a case system, as text for a pseudonym: another one for each token."""
    return f"{caller.actor}/{user}"


def person_of(caller: Caller) -> str:
    """The person who calls; the row of the operation says that only a person does it (`registry.check_person`)."""
    if caller.person is None:
        raise RuntimeError("only a person does this")
    return caller.person


def _wrong(what: str, hint: str) -> RefusedError:
    return RefusedError(
        Code.INVALID,
        f"{what}; nothing was changed",
        hint=hint,
        findings=[Finding(place="/attested", rule="required", hint=hint)],
    )
