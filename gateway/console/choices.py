"""What can be chosen in a form because the node knows it: units of the directory, languages, consents, files.

Nothing is chosen for anybody, with one exception that leaves no choice: where there is only one, it is that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.console.forms.parts import Options
from gateway.console.units import load_units
from gateway.console.visit import Visit
from gateway.console.words import Words

MORE_LANGUAGES = ("ckb", "rom", "zgh", "kab", "rif", "prs")
"""Languages without a code of two letters that people in these corridors speak."""


async def list_choices(visit: Visit, draft: Mapping[str, Any]) -> dict[str, Options]:
    """List the choices for a draft, by place or by leaf type (see `gateway.console.forms.build_form`)."""
    units = await load_units(visit)
    found: dict[str, Options] = {
        "/header/sender_unit": units.of(),
        "/header/recipient_unit": units.of(str(draft.get("to"))),
        "type:unit_ref": units.references(),
        "type:language": list_languages(visit.words),
    }
    consents = await _consents(visit, draft)
    if consents:
        found["/header/consent_ref"] = consents
    if isinstance(draft.get("message"), str):
        files = (await visit.ask("attachment.waiting", {"id": draft["message"]}))["attachments"]
        found["type:part"] = [(str(file["part"]), name_file(file)) for file in files]
    return found


def list_languages(words: Words) -> Options:
    """List the languages of the world by their names in the reader's language."""
    names = {str(code): str(name) for code, name in words.locale.languages.items()}
    codes = [code for code in names if (len(code) == 2 and code.isalpha()) or code in MORE_LANGUAGES]
    return [(code, names[code]) for code in codes]


def name_file(file: Mapping[str, Any]) -> str:
    """Name a file by its number and its kind."""
    return f"{file['part'] + 1}: {file['media_type']}, {-(-file['size'] // 1024)} kB"


async def _consents(visit: Visit, draft: Mapping[str, Any]) -> Options:
    """List the consents of the conversation, or, for a new one, all that are active here; by day, since none has a
    name.
    """
    if not visit.allows("consent.list"):
        return []
    listed = (await visit.ask("consent.list", {"limit": 100}))["consents"]
    return [
        (one["id"], f"{visit.at(one['at'])} ({one['id'][:6]})")
        for one in listed
        if one["id"] is not None and one["state"] in ("active", "withdrawn_in_part")
    ]
