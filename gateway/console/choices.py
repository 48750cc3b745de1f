"""What can be chosen in a form because the node knows it: units of the directory, languages, consents, files.

Nothing is chosen for anybody, with one exception that leaves no choice: where there is only one, it is that one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.console.forms import Options
from gateway.console.visit import Visit
from gateway.console.words import Words
from gateway.ports import Json

MORE_LANGUAGES = ("ckb", "rom", "zgh", "kab", "rif", "prs")
"""Languages without a code of two letters that people in these corridors speak."""


async def choices(visit: Visit, draft: Mapping[str, Any]) -> dict[str, Options]:
    """For a draft, by place or by leaf type (`gateway.console.forms.form`)."""
    units = await directory(visit)
    peer = str(draft.get("to"))
    found: dict[str, Options] = {
        "/header/sender_unit": [(unit["unit"], unit["name"]) for unit in units if unit["state"] == "own"],
        "/header/recipient_unit": [(unit["unit"], unit["name"]) for unit in units if unit["peer"] == peer],
        "type:unit_ref": await references(visit, units),
        "type:language": spoken(visit.words),
    }
    consents = await _consents(visit, draft)
    if consents:
        found["/header/consent_ref"] = consents
    if isinstance(draft.get("message"), str):
        files = (await visit.ask("attachment.waiting", {"id": draft["message"]}))["attachments"]
        found["type:part"] = [(str(file["part"]), file_name(file)) for file in files]
    return found


async def directory(visit: Visit) -> Sequence[Mapping[str, Any]]:
    """All units of this node and of its peers."""
    units: Sequence[Mapping[str, Any]] = (await visit.ask("directory.list"))["units"]
    return units


async def references(visit: Visit, units: Sequence[Mapping[str, Any]], spoken: Words | None = None) -> Options:
    """Units of all countries as messages name them, node id and unit, with their names in a language."""
    own = await visit.ask("node.show")
    known = [own, *(await visit.ask("peer.list"))["peers"]]
    nodes = {one["name"]: one["node"] for one in known}
    return [
        (f"{nodes[unit['peer']]}/{unit['unit']}", unit_name(unit, spoken or visit.words))
        for unit in units
        if unit["peer"] in nodes
    ]  # fmt: skip


def unit_name(unit: Mapping[str, Any], words: Words) -> str:
    """A unit with its country, as people say it."""
    return f"{words.country(unit['country'])}: {unit['name']}"


def only_role(units: Sequence[Mapping[str, Any]], peer: str | None, unit: Json) -> str | None:
    """The role of a unit that has one; ``peer`` is None for units of this node."""
    for one in units:
        mine = one["state"] == "own" if peer is None else one["peer"] == peer
        if mine and one["unit"] == unit and len(one["roles"]) == 1:
            return str(one["roles"][0])
    return None


def spoken(words: Words) -> Options:
    """The languages of the world by their names in the language of the reader."""
    names = {str(code): str(name) for code, name in words.locale.languages.items()}
    codes = [code for code in names if (len(code) == 2 and code.isalpha()) or code in MORE_LANGUAGES]
    return sorted(((code, names[code]) for code in codes), key=lambda pair: pair[1].casefold())


def file_name(file: Mapping[str, Any]) -> str:
    """A file by its number and what it is."""
    return f"{file['part'] + 1}: {file['media_type']}, {-(-file['size'] // 1024)} kB"


async def _consents(visit: Visit, draft: Mapping[str, Any]) -> Options:
    """Those of the conversation, or where it is new all that are active here: by the day, since a name is nowhere."""
    if not visit.allows("consent.list"):
        return []
    listed = (await visit.ask("consent.list", {"limit": 100}))["consents"]
    return [
        (one["id"], f"{visit.at(one['at'])} ({one['id'][:6]})")
        for one in listed
        if one["id"] is not None and one["state"] in ("active", "withdrawn_in_part")
    ]
