"""What can be chosen in a form because the node knows it: units of the directory, languages, consents, files.

Nothing is chosen for anybody, with one exception that leaves no choice: where there is only one, it is that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.console.forms.parts import Options
from gateway.console.pickers import list_named_messages
from gateway.console.units import Units, load_units
from gateway.console.visit import Form, Visit
from gateway.console.words import Words
from gateway.errors import Code, RefusedError
from schemas.render import replace_controls

MORE_LANGUAGES = ("ckb", "rom", "zgh", "kab", "rif", "prs")
"""Languages without a code of two letters that people in these corridors speak."""


MOST_CASES = 500
"""Of the cases that can be chosen from, the newest."""
DIRECTORY, ENQUIRY = "directory.update/1", "enquiry.capacity/1"
IN_FORCE = ("active", "withdrawn_in_part")
"""States of a consent that something may rely on."""


async def list_choices(visit: Visit, draft: Mapping[str, Any], of_case: str | None) -> dict[str, Options]:
    """List the choices for a draft of a case, by place or by leaf type (see `gateway.console.forms.build_form`)."""
    units = await load_units(visit)
    found: dict[str, Options] = {
        "/header/sender_unit": units.of(),
        "/header/recipient_unit": units.of(str(draft.get("to"))),
        "type:unit_ref": units.references(),
        "type:language": list_languages(visit.words),
        **await list_named_messages(visit, draft),
    }
    if draft.get("type") != DIRECTORY:  # which says what units there are
        found["type:unit"] = units.of()
    if draft.get("type") == ENQUIRY:
        regions = await _list_regions(visit, units, str(draft.get("to")))
        found |= dict.fromkeys(("/content/region_preferred", "/content/region_excluded/*"), regions)
    found["/header/consent_ref"] = [] if of_case is None else await _consents(visit, of_case)
    if isinstance(draft.get("message"), str):
        files = await list_files(visit, draft["message"])
        found["type:part"] = [(str(file["part"]), name_file(file)) for file in files]
    return found


async def _list_regions(visit: Visit, units: Units, peer: str) -> Options:
    """List the regions in which a peer has offices, by their codes and the offices that are there."""
    words, offices = visit.words, dict[str, list[str]]()
    for country in sorted({unit["country"] for unit in units.listed if unit["peer"] == peer}):
        try:
            told = await visit.ask("directory.show", {"id": country, "language": words.language.code})
        except RefusedError as error:
            if error.code is not Code.NOT_FOUND:
                raise
            continue  # it has published nothing yet
        for office in (office for entry in told["entries"] for office in entry["units"]):
            if office["region"] is not None:
                offices.setdefault(office["region"], []).append(replace_controls(office["name"]))
    return [
        (code, f"{code}{words.colon}{words.comma.join(dict.fromkeys(names))}")
        for code, names in sorted(offices.items())
    ]


async def list_files(visit: Visit, message: str) -> list[Any]:
    """List the files that wait for a message; none where all of them have gone."""
    try:
        return [*(await visit.ask("attachment.waiting", {"id": message}))["attachments"]]
    except RefusedError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        return []


def list_languages(words: Words) -> Options:
    """List the languages of the world by their names in the reader's language."""
    names = {str(code): str(name) for code, name in words.locale.languages.items()}
    codes = [code for code in names if (len(code) == 2 and code.isalpha()) or code in MORE_LANGUAGES]
    return [(code, names[code]) for code in codes]


def name_file(file: Mapping[str, Any]) -> str:
    """Name a file by its number and its kind."""
    return f"{file['part'] + 1}: {file['media_type']}, {-(-file['size'] // 1024)} kB"


async def list_cases(visit: Visit) -> list[tuple[str, str]]:
    """List the newest cases as (id, what people call it); none for somebody who may not see them."""
    if not visit.allows("case.list"):
        return []
    listed = (await visit.ask("case.list", {"limit": MOST_CASES}))["cases"]
    return [(one["id"], name_case(one)) for one in listed]


async def choose_case(visit: Visit, form: Form) -> str | None:
    """Return the case that a form names (`ui.whose`); one that it only says the name of begins. None without either."""
    if "case" in form:
        return form.one("case")
    if "case_label" not in form:
        return None
    done = await visit.act("case.open", {"label": form.one("case_label")}, key=form.one("case_key") or None)
    return str(done["id"])


def name_case(case: Mapping[str, Any]) -> str:
    """Name a case as lists do: by what people call it, else by the beginning of its id."""
    return replace_controls(str(case["name"] or case["id"][:6]))


async def _consents(visit: Visit, case: str) -> Options:
    """List the consents of the case that are in force, by what each covers and until when. Those of other people are
    not offered, and would be refused (gate G2).
    """
    listed = (await visit.ask("case.show", {"id": case}))["consents"]
    return [
        (one["id"], name_consent(visit, one)) for one in listed if one["id"] is not None and one["state"] in IN_FORCE
    ]


def name_consent(visit: Visit, consent: Mapping[str, Any]) -> str:
    """Name a consent of a case by each purpose with what it covers and until when, and by when it was recorded; by that
    alone where nothing of it is left, or for somebody who may not read it.
    """
    words = visit.words
    grants = [
        words(
            "%(purpose)s, until %(day)s (kinds of data: %(n)s)",
            purpose=words.code("purpose", grant["purpose"]),
            day=words.date(grant["until"] or "–"),
            n=len(grant["categories"]),
        )
        for grant in consent.get("covers", ())
    ]
    return words.semicolon.join((*grants, words("recorded %(at)s", at=visit.at(consent["at"]))))
