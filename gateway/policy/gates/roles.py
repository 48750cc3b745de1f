"""Who gets a message, at gate G14: newer roles are signed and meant for it, and a complaint goes past whom it is about.
Pure.
"""

from __future__ import annotations

from gateway.errors import Code
from gateway.policy.gates.facts import GateFacts, Refuse
from schemas.catalogue import load_catalogue
from schemas.roles import new_roles


def find_role_fault(facts: GateFacts) -> Refuse | None:
    """Refuse a message in a newer role that its node did not sign for the unit, or that its type does not name (domain
    6.16).

    Of the roles of the first edition of the list nothing is asked here: nodes of before sign and use them freely.
    """
    listed = None if facts.recipient is None else facts.recipient.roles
    for member, signed in (("sender_role", facts.sender_roles), ("recipient_role", listed)):
        role = facts.text(member)
        if role not in new_roles():
            continue
        if signed is None or role not in signed:
            return _refuse(member, "the signed descriptor does not give the unit this role: choose one that it has")
        entry = load_catalogue().get(facts.body_type)
        if role not in (entry.senders if member == "sender_role" else entry.receivers):
            return _refuse(member, "this role has no part in this message: choose another role or another message")
    return None


def find_complained_of(facts: GateFacts) -> Refuse | None:
    """Refuse a complaint that goes to the unit that it is about (domain 2.53)."""
    if facts.name != "service.complaint" or facts.content.get("about_unit") != facts.recipient_unit:
        return None
    return _refuse("recipient_unit", "a complaint never goes to the unit that it is about: choose another body")


def _refuse(member: str, hint: str) -> Refuse:
    return Refuse(gate=Code.GATE_G14, place=f"/header/{member}", hint=hint)
