"""Who gets a message, at gate G14: newer roles are signed and meant for it, and a complaint goes past whom it is about.
Pure.
"""

from __future__ import annotations

from gateway.errors import Code
from gateway.policy.gates.facts import GateFacts, Refuse
from schemas.catalogue import load_catalogue
from schemas.roles import new_roles, older_roles


def find_role_fault(facts: GateFacts) -> Refuse | None:
    """Refuse a message in a newer role that its node did not sign for the unit, or that its type does not name (domain
    6.16), and one in the older role of which a newer one of the sending unit is a part, where its type does not name
    that either (domain 6.2).

    Of units that sign the roles of the first edition alone nothing is asked here: nodes of before use them freely.
    """
    listed = None if facts.recipient is None else facts.recipient.roles
    for member, signed in (("sender_role", facts.sender_roles), ("recipient_role", listed)):
        role = facts.text(member)
        if role not in new_roles():
            if member == "sender_role" and _hides_newer_role(facts, role):
                return _refuse(member, "this unit has a newer role, and the older one has no part in this message")
            continue
        if signed is None or role not in signed:
            return _refuse(member, "the signed descriptor does not give the unit this role: choose one that it has")
        entry = load_catalogue().get(facts.body_type)
        if role not in (entry.senders if member == "sender_role" else entry.receivers):
            return _refuse(member, "this role has no part in this message: choose another role or another message")
    return None


def _hides_newer_role(facts: GateFacts, role: str | None) -> bool:
    """Whether the sending unit speaks in an older role in which it could not speak as what its node signs it to be."""
    parts = {newer for newer, older in older_roles().items() if older == role}
    if facts.sender_roles is None or facts.personal is None or parts.isdisjoint(facts.sender_roles):
        return False
    return role not in load_catalogue().get(facts.body_type).senders


def find_complained_of(facts: GateFacts) -> Refuse | None:
    """Refuse a complaint that goes to the unit that it is about (domain 2.53)."""
    if facts.name != "service.complaint" or facts.content.get("about_unit") != facts.recipient_unit:
        return None
    return _refuse("recipient_unit", "a complaint never goes to the unit that it is about: choose another body")


def _refuse(member: str, hint: str) -> Refuse:
    return Refuse(gate=Code.GATE_G14, place=f"/header/{member}", hint=hint)
