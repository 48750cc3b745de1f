"""Messages to choose from where a form wants the id of one, or something that one of them says: a version, a member.
They are those of the conversation, or the offers of the country.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.console.forms.known import ITEM, PROPOSAL, VERSION, VERSIONED
from gateway.console.forms.parts import Options, label_place
from gateway.console.forms.prefill import INFO_REPLY
from gateway.console.visit import Visit
from schemas.render import replace_controls

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
CORRECTION, PATH = "data.correction/1", "/content/path"
OF_MESSAGES = frozenset({*IN_CONVERSATION, *VERSIONED})
"""Types that name a message of their conversation, or a version of one."""
OFFER = ("referral.request/1", "/content/enquiry_id")
TALKS = ("breach.notice/1", "/content/conversations/*")


async def list_named_messages(visit: Visit, draft: Mapping[str, Any]) -> dict[str, Options]:
    """List what can be chosen at each place of a draft that names a message or a conversation, or something of one;
    empty for most types.
    """
    body_type, talk = str(draft.get("type")), draft.get("conversation")
    if not visit.allows("message.list"):
        return {}
    said = await _list(visit, {"conversation": talk}) if body_type in OF_MESSAGES and isinstance(talk, str) else []
    if body_type in IN_CONVERSATION:
        found = {
            place: [(one["id"], _name(visit, one)) for one in said if one["type"] in types or not types]
            for place, types in IN_CONVERSATION[body_type].items()
        }
        return found | ({PATH: await _list_fields(visit, draft, said)} if body_type == CORRECTION else {})
    if body_type in VERSIONED:
        known = "version" in (draft.get("content") or {})
        return {} if known else {VERSION: await _list_versions(visit, body_type, said)}
    if body_type == INFO_REPLY:
        return {ITEM: await _list_questions(visit, draft)}
    if body_type == OFFER[0]:
        return {OFFER[1]: await _list_offers(visit, draft)}
    if body_type == TALKS[0]:
        said = await _list(visit, {"peer": str(draft.get("to"))})
        newest = {one["conversation"]: one for one in reversed(said) if one["conversation"] is not None}
        return {TALKS[1]: [(id, _name(visit, one)) for id, one in newest.items()]}
    return {}


async def find_version(visit: Visit, body_type: str, conversation: str) -> int | None:
    """Find the version that a message about an arrangement names; None where there is no arrangement to name."""
    if body_type not in VERSIONED or not visit.allows("message.list"):
        return None
    found = await _list_versions(visit, body_type, await _list(visit, {"conversation": conversation}))
    return int(found[0][0]) if found else None


async def _list_versions(visit: Visit, body_type: str, said: Sequence[Any]) -> Options:
    """List the one version that can be named: that of the newest arrangement, or the next one for a new arrangement."""
    newest = max((one for one in said if one["type"] == PROPOSAL), key=lambda one: one["at"], default=None)
    if newest is None:
        return [("1", "1")] if body_type == PROPOSAL else []
    version = (await _content(visit, newest)).get("version")
    if not isinstance(version, int):
        return []
    return (
        [(str(version + 1),) * 2] if body_type == PROPOSAL else [(str(version), f"{version}: {_name(visit, newest)}")]
    )


async def _list_questions(visit: Visit, draft: Mapping[str, Any]) -> Options:
    """List the questions that a reply answers, each in its own words."""
    asked = draft.get("in_reply_to")
    items = (await _content(visit, {"id": asked, "direction": "in"})).get("items") if isinstance(asked, str) else None
    rows = [one for one in items if isinstance(one, dict) and "item_id" in one] if isinstance(items, list) else []
    return [(str(one["item_id"]), replace_controls(str(one.get("question", one["item_id"])))) for one in rows]


async def _list_offers(visit: Visit, draft: Mapping[str, Any]) -> Options:
    """List the enquiries that the country answered: those of the case of the draft, and those of no case."""
    said = await _list(visit, {"peer": str(draft.get("to")), "direction": "in"})
    case = draft.get("case")
    return [
        (one["in_reply_to"], _name(visit, one))
        for one in said
        if one["type"] == ENQUIRY_REPLY and one["in_reply_to"] is not None and _is_of(one, case)
    ]


def _is_of(one: Mapping[str, Any], case: object) -> bool:
    return case is None or one["of_case"] is None or one["of_case"]["id"] == case


async def _list_fields(visit: Visit, draft: Mapping[str, Any], said: Sequence[Any]) -> Options:
    """List what the message that is corrected says, each by the labels above it; nothing before it is chosen."""
    target = (draft.get("content") or {}).get("target_message")
    one = next((one for one in said if one["id"] == target), None)
    if one is None:
        return []
    content = await _content(visit, one)
    return [(place, _label(visit, str(one["type"]), place)) for place in list_leaves(content, "/content")]


def list_leaves(value: Any, place: str) -> Iterator[str]:
    """List the place of each single value of a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inner is None:
        yield place
    else:
        for name, below in inner:
            yield from list_leaves(below, f"{place}/{name}")


def _label(visit: Visit, body_type: str, place: str) -> str:
    steps = place.split("/")
    above = ["/".join(steps[:n]) for n in range(3, len(steps) + 1)]
    return " – ".join(dict.fromkeys(label_place(body_type, one, visit.words) for one in above))


async def _content(visit: Visit, one: Mapping[str, Any]) -> Mapping[str, Any]:
    shown = await visit.ask("message.show", {"id": one["id"], "direction": one["direction"]})
    content = shown.get("content")
    return content if isinstance(content, dict) else {}


async def _list(visit: Visit, asked: Mapping[str, Any]) -> list[Any]:
    """List the newest messages that still have their content."""
    found = (await visit.ask("message.list", {**asked, "limit": NEWEST}))["messages"]
    return [one for one in found if one["type"] is not None]


def _name(visit: Visit, one: Mapping[str, Any]) -> str:
    """Name a message by what it is, when it came or went, and whom it is about."""
    of_case = one["of_case"]["name"] if one["of_case"] else None
    return visit.words.comma.join(filter(None, (visit.words.message(one["type"]), visit.at(one["at"]), of_case)))
