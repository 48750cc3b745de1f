"""A correction is judged as strictly as the message that it corrects (domain 3.19).

    1  the message that it corrects has reached the other side, and can be read here
    2  the place is a field of that message's schema that says something about the person
    3  the new value counts under the category of that field
    4  the message as it would be with the new value is valid
    5  the gates that were asked about the message are asked about it as it would be

Behind a gap the receiver may not know the message yet: then the place has to be such a field in some message, and what
is left of the steps is for the sender, whose node has taken them.
"""

from __future__ import annotations

from dataclasses import replace

import schemas
from gateway.errors import Code, RefusedError
from gateway.foundation.json import Json
from gateway.policy.gates.facts import GateFacts, Refuse

NAME = "data.correction"


def judge_correction(facts: GateFacts) -> GateFacts | Refuse | None:
    """Take steps 1 to 4; returns the facts about the corrected message for step 5, None where they are not known."""
    named = facts.content.get("target_message")
    if facts.history.told is None:
        raise RuntimeError("a correction is judged by what it corrects, so its conversation is opened whole")
    target = facts.history.told.get(named) if isinstance(named, str) else None
    if target is None:
        return _judge_unknown(facts)
    if target.schema is None or target.body_type.startswith(f"{NAME}/"):
        return _refuse("target_message", "a correction is not corrected: correct the first message once more")
    value: Json = facts.content.get("new_value")
    try:
        found = schemas.correct_content(target.schema, target.sent, _place(facts), value)
    except RefusedError:  # the schema by which it was written is not held any more
        return _refuse("target_message", "its schema is no longer held here: send a new message")
    if found is None:
        return _refuse("path", "the message that is corrected has no such field, or nothing there")
    if not found.categories:
        return _refuse("path", "this field says nothing about the person: send a new message")
    if value is not None and facts.content.get("data_category") not in found.categories:
        return _miscalled(found.categories)
    if schemas.validate(target.schema, {"header": dict(target.header), "content": dict(found.content)}):
        return _refuse("new_value", "the message would not be valid with it: trm schema show says what the field takes")
    return replace(facts, body_type=target.body_type, content=found.content, findings=())


def place_refusal(refusal: Refuse) -> Refuse:
    """A gate that is closed to the message as it would be, told at the value that would make it so."""
    return replace(refusal, place="/content/new_value", hint=f"with this value: {refusal.hint}")


def _judge_unknown(facts: GateFacts) -> Refuse | None:
    if not facts.history.partial:
        return _refuse("target_message", "no such message of this conversation has arrived: nothing is to be corrected")
    possible = schemas.categories_at(_place(facts))
    if not possible:
        return _refuse("path", "no message has a field there that says one thing about the person")
    if facts.content.get("new_value") is not None and facts.content.get("data_category") not in possible:
        return _miscalled(possible)
    return None


def _place(facts: GateFacts) -> str:
    named = facts.content.get("path")
    return named if isinstance(named, str) else ""


def _miscalled(meant: frozenset[str]) -> Refuse:
    return _refuse("data_category", f"the field that is corrected is {' or '.join(sorted(meant))}: name that")


def _refuse(member: str, hint: str) -> Refuse:
    return Refuse(gate=Code.GATE_G2, place=f"/content/{member}", hint=hint)
