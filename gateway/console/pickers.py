"""Messages to choose from where a form wants the id of one: those of the conversation, or the offers of the country."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.console.forms.parts import Options
from gateway.console.visit import Visit

NEWEST = 200
"""Of the messages that can be chosen from, the newest."""
ENQUIRY_REPLY = "enquiry.reply/1"
IN_CONVERSATION: Mapping[str, Mapping[str, Sequence[str]]] = {
    "bid.report/1": {"/content/family_report_id": ("family.report/1",)},
    "risk.assessment/1": {"/content/based_on/*": ("risk.assessment/1",)},
    "data.correction/1": {"/content/target_message": ()},
    "erasure.request/1": {"/content/targets/*": ()},
}
"""Places that name a message of the same conversation, and of which types it can be (none: of any)."""
OFFER = ("referral.request/1", "/content/enquiry_id")
TALKS = ("breach.notice/1", "/content/conversations/*")


async def list_named_messages(visit: Visit, draft: Mapping[str, Any]) -> dict[str, Options]:
    """List what can be chosen at each place of a draft that names a message or a conversation; empty for most types."""
    body_type, talk = str(draft.get("type")), draft.get("conversation")
    if not visit.allows("message.list"):
        return {}
    if body_type in IN_CONVERSATION:
        said = [] if not isinstance(talk, str) else await _list(visit, {"conversation": talk})
        return {
            place: [(one["id"], _name(visit, one)) for one in said if one["type"] in types or not types]
            for place, types in IN_CONVERSATION[body_type].items()
        }
    if body_type == OFFER[0]:
        said = await _list(visit, {"peer": str(draft.get("to")), "direction": "in"})
        offers = [one for one in said if one["type"] == ENQUIRY_REPLY and one["in_reply_to"] is not None]
        return {OFFER[1]: [(one["in_reply_to"], _name(visit, one)) for one in offers]}
    if body_type == TALKS[0]:
        said = await _list(visit, {"peer": str(draft.get("to"))})
        newest = {one["conversation"]: one for one in reversed(said) if one["conversation"] is not None}
        return {TALKS[1]: [(id, _name(visit, one)) for id, one in newest.items()]}
    return {}


async def _list(visit: Visit, asked: Mapping[str, Any]) -> list[Any]:
    """List the newest messages that still have their content."""
    found = (await visit.ask("message.list", {**asked, "limit": NEWEST}))["messages"]
    return [one for one in found if one["type"] is not None]


def _name(visit: Visit, one: Mapping[str, Any]) -> str:
    """Name a message by what it is, when it came or went, and whom it is about."""
    of_case = one["of_case"]["name"] if one["of_case"] else None
    return visit.words.comma.join(filter(None, (visit.words.message(one["type"]), visit.at(one["at"]), of_case)))
