"""Types of the names that travel and are stored as text, so that one cannot be passed where another is meant.

They cost nothing at run time. Raw text becomes one of them in two places only: in the parser that proved its form, and
at the api, the console and the command line, where a person or program names what exists.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

NodeId = NewType("NodeId", str)
"""A node: ``n1`` and 32 characters, derived from its first root keys."""

KeyId = NewType("KeyId", str)
"""A key: base64url of 16 bytes of the hash of its public half."""

MessageId = NewType("MessageId", str)
"""A message: base64url of 16 random bytes; unique per sender only."""

ConversationId = NewType("ConversationId", str)
"""A conversation: base64url of 16 random bytes, chosen by who begins it."""

UnitId = NewType("UnitId", str)
"""An organisation at a node, as its descriptor lists it."""


class UnitKind(StrEnum):
    """The kind of an organisation (nrm1 2.11): settings say it, descriptors sign it, and the gates ask for it."""

    PUBLIC_AUTHORITY = "public_authority"
    INTERNATIONAL_ORGANISATION = "international_organisation"
    NGO = "ngo"
    SERVICE_PROVIDER = "service_provider"
    HEALTH = "health"


UnitAddress = NewType("UnitAddress", str)
"""An organisation of any node, as a consent names it: the node, a slash, and the unit."""

CaseId = NewType("CaseId", str)
"""A case: base64url of 16 random bytes, chosen by this node; it never leaves it."""

Reference = NewType("Reference", str)
"""What stands in a message for something kept elsewhere: a consent, or a case towards one peer."""
