"""Taking a consent with the person in the room: in two languages, question by question, with the signed sheet.

Where it is for one purpose and one receiver, each kind of data that is asked about has a yes and a no, and neither is
chosen beforehand. Of the photo or file of the signed sheet the node keeps the digest; the sheet stays where it lies.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from aiohttp import web

from gateway.console import choices
from gateway.console.forms.build import build_form
from gateway.console.forms.consent import ASK, Asked, choose_categories, list_ends
from gateway.console.forms.faults import Fault, explain_faults, find_faults, group_by_place
from gateway.console.forms.fields import Fields, remove_row, to_document, to_fields
from gateway.console.forms.parts import Field, Options, add_second_language, leave_out
from gateway.console.forms.parts import Part as FormPart
from gateway.console.pages.consent import FREE, RECORD, SHEET, TOLD, say_duties_of
from gateway.console.pages.entry import SIGNED
from gateway.console.refusals import RefusalText
from gateway.console.units import load_units
from gateway.console.visit import Form, Page, Visit
from gateway.console.words import N_, Words, load_words
from gateway.errors import Finding, RefusedError
from gateway.ports import Json
from schemas.codelists import code_list
from schemas.labels import load_languages
from schemas.walk import find_categories

UNSAID = N_("Say whose consent it is: choose a case, say what a new one is called, or give its number.")
BOTH = N_("Say both, what it is for and who may have the data, or neither.")
UNANSWERED = N_("Ask the person, and choose the answer.")
ALL_DENIED = N_("The person said no to everything: there is no consent to record, and nothing of it may be sent.")
HOW_LONG = N_("How long does it hold?")
HASH = "/content/signed_form_sha256"
TOLD_PLACES = {name: f"/content/told/{name}" for name in TOLD}
GRANTED = ("/content/grants", "/content/denials")
"""Members that come from the answers of the person."""
WHOSE = ("case", "case_label", "case_key", "number")
"""Fields that say whose consent it is."""


async def choose_language(visit: Visit) -> web.StreamResponse:
    """Ask in which language the consent is explained, whose it is, what for and for whom: as the case that is named in
    the address, and the draft which needs it, say.
    """
    query = visit.request.query
    chosen, id = query.get("case", ""), query.get("draft", "")
    known = {"case": (chosen,), "draft": (id,)}
    if id:
        shown = await visit.ask("draft.show", {"id": id})
        draft, units = shown["draft"], await load_units(visit)
        if not chosen and shown.get("of_case"):
            known["case"] = (shown["of_case"]["id"],)
        unit = units.address(str((draft.get("header") or {}).get("recipient_unit")), str(shown["to"]))
        known |= {"for_purpose": (str(draft.get("purpose") or ""),), "for_unit": (unit,)}
    return await _language(visit, Form(known))


async def _language(
    visit: Visit, form: Form, *, fault: str = "", unsaid: str = "", both: str = ""
) -> web.StreamResponse:
    entries = [entry for entry in code_list("purpose").codes if not entry.retired]
    return visit.page(
        "consent-language.html",
        form=form,
        known=await choices.list_cases(visit),
        purposes=[(entry.code, visit.words.code("purpose", entry.code)) for entry in entries],
        receivers=(await load_units(visit)).references(),
        fault=fault,
        unsaid=unsaid,
        both=both,
        status=422 if fault or unsaid or both else 200,
    )


async def _whose(visit: Visit, form: Form) -> dict[str, Json]:
    """The case that was chosen or begins, else its number in the case system."""
    if "number" in form and "case" not in form:
        return {"number": form.one("number")}
    return {"case": await choices.choose_case(visit, form)}


async def take_consent(visit: Visit) -> web.StreamResponse:
    """Show the form in both languages; once filled in, record the consent and note it in the draft that needed it."""
    form, digest = await visit.form_with_digest(SIGNED)
    if form.one("with") not in load_languages():
        return await _language(visit, form, fault=visit.words("Choose one."))
    if not any(name in form for name in ("case", "case_label", "number")):
        return await _language(visit, form, unsaid=visit.words(UNSAID))
    if ("for_purpose" in form) != ("for_unit" in form):
        return await _language(visit, form, both=visit.words(BOTH))
    asked = await _choose_asked(visit, form)
    act, _, place = form.one("act").partition(":")
    if act == "begin":
        return await _form(visit, form, {"/content/language": (form.one("with"),)}, asked)
    document = to_document(RECORD, {**form.fields, **({HASH: (digest,)} if digest else {})}, visit.settings.offset)
    if act == "remove":
        changed = remove_row(dict(document), place)
        document = changed if isinstance(changed, dict) else document
    fields = to_fields(RECORD, document, visit.settings.offset)
    if act == "sheet" and asked is not None:
        return await _blank_sheet(visit, form, asked)
    if act in ("add", "remove", "again", "every"):
        return await _form(visit, form, fields, asked, blank=[place])
    return await _record(visit, form, document, asked)


async def _choose_asked(visit: Visit, form: Form) -> Asked | None:
    """Choose what is asked, by the purpose, the country and the draft; None where several grants are written freely."""
    purpose, unit = form.one("for_purpose"), form.one("for_unit")
    if not purpose:
        return None
    peer = next((one["peer"] for one in (await load_units(visit)).listed if f"{one['node']}/{one['unit']}" == unit), "")
    set_for, held = visit.settings.corridors.get(peer), frozenset[str]()
    if form.one("draft"):
        draft = (await visit.ask("draft.show", {"id": form.one("draft")}))["draft"]
        held = find_categories(str(draft["type"]), draft.get("content") or {})
    every = form.one("act") == "every" or form.one("every") == "1"
    country = () if set_for is None else set_for.consent_asks
    return Asked(purpose=purpose, unit=unit, categories=choose_categories(purpose, country, held, every=every))


async def _record(visit: Visit, form: Form, document: Mapping[str, Json], asked: Asked | None) -> web.StreamResponse:
    fields = to_fields(RECORD, document, visit.settings.offset)
    content = document["content"] if isinstance(document["content"], dict) else {}
    missing = [] if asked is None else asked.find_missing(form.fields)
    agreed = asked is None or bool(missing or asked.find_agreed(form.fields))
    if asked is not None and not missing:
        content = {**content, **asked.build_answers(form.fields)}
    found = [one for one in find_faults(RECORD, {**document, "content": content}) if _is_asked(one, asked)]
    if found or missing or not agreed:
        return await _form(visit, form, fields, asked, findings=found, missing=missing, nothing=not agreed)
    try:
        done = await visit.act(
            "consent.record", {"content": content, **await _whose(visit, form)}, key=form.one("key") or None
        )
        if form.one("draft"):
            await _note(visit, form.one("draft"), done["id"])
    except RefusedError as error:
        return await _form(visit, form, fields, asked, findings=error.findings, told=visit.told(error))
    return visit.go(f"/consents/{done['id']}" + (f"?draft={form.one('draft')}" if form.one("draft") else ""))


def _is_asked(finding: Finding, asked: Asked | None) -> bool:
    """Whether the form asks for a member: the node assigns the consent's id, and there is no header yet. Grants are
    none of it where they come from answers.
    """
    left_out = ("/content/consent_id", *(GRANTED if asked is not None else ()))
    return finding.place.startswith("/content") and not finding.place.startswith(left_out)


async def _note(visit: Visit, draft: str, consent: str) -> None:
    """Make the draft that needed the consent rely on it; a draft of no case yet is of the case of the consent."""
    shown = await visit.ask("draft.show", {"id": draft})
    header = {**shown["draft"].get("header", {}), "consent_ref": consent}
    changed = {**shown["draft"], "header": header}
    if not shown.get("of_case") and (of_case := (await visit.ask("consent.show", {"id": consent})).get("of_case")):
        changed["case"] = of_case["id"]
    await visit.ask("draft.change", {"id": draft, "draft": changed, "if_match": shown["version"]})


async def _form(
    visit: Visit,
    form: Form,
    fields: Fields,
    asked: Asked | None,
    *,
    blank: Iterable[str] = (),
    findings: Iterable[Finding] = (),
    missing: Sequence[str] = (),
    nothing: bool = False,
    told: RefusalText | None = None,
) -> web.StreamResponse:
    second, units = load_words(form.one("with")), await load_units(visit)
    offered = {"type:unit_ref": units.references(), "type:language": choices.list_languages(visit.words)}
    near = visit.settings.near
    parts = [_asked(spoken, fields, offered, near, blank, asked) for spoken in (visit.words, second)]
    said = [Field(place=place, label="", look="tick") for place in TOLD_PLACES.values()]
    faults = explain_faults(RECORD, findings, visit.words, (*said, *parts[0]))
    unsaid = [Fault(place=name, label=_name_asked(name, visit.words), text=visit.words(UNANSWERED)) for name in missing]
    if nothing:
        unsaid.append(Fault(place="", label="", text=visit.words(ALL_DENIED)))
    today = datetime.fromtimestamp(visit.settings.now(), UTC).date()
    named = [] if asked is None else [asked.unit]
    return visit.page(
        "consent.html",
        parts=add_second_language(*parts),
        second=second,
        free=(visit.words(FREE), second(FREE)),
        told_both=[(TOLD_PLACES[name], visit.words(text), second(text)) for name, text in TOLD.items()],
        ticked={place for place in TOLD_PLACES.values() if any(fields.get(place, ()))},
        faults=group_by_place([*unsaid, *faults]),
        summary=[*unsaid, *faults],
        told=told,
        draft=form.one("draft"),
        whose={name: form.one(name) for name in (*WHOSE, "for_purpose", "for_unit")},
        key=form.one("key"),
        duties=[*zip(*[await say_duties_of(visit, named, one) for one in (visit.words, second)], strict=True)],
        asked=asked,
        receiver="" if asked is None else units.reference(asked.unit),
        all_kinds=len(choose_categories("", every=True)),
        answers=form.fields,
        ends=[
            (day, f"{visit.words.span(n * 30 * 86_400)}{visit.words.comma}{visit.words.date(day)}")
            for n, day in list_ends(today)
        ],
        signed=next(iter(fields.get(HASH, ())), ""),
        status=422 if faults or unsaid or told else 200,
    )


def _name_asked(name: str, words: Words) -> str:
    category = name.removeprefix(ASK)
    return words.code("data_category", category) if category != name else words(HOW_LONG)


def _asked(
    spoken: Words,
    fields: Fields,
    offered: Mapping[str, Options],
    near: Mapping[str, Collection[str]],
    blank: Iterable[str],
    asked: Asked | None,
) -> tuple[FormPart, ...]:
    """Return the content of a consent without its id, and without what the page asks in its own way."""
    made = build_form(RECORD, fields, spoken, choices=offered, near=near, blank=blank)
    parts = [section for section in made if section.place.startswith("/content")]
    for place in ("/content/consent_id", "/content/told", HASH, *(GRANTED if asked is not None else ())):
        parts = [leave_out(section, place) for section in parts if section.place != place]
    return tuple(part for part in parts if part.parts)


async def _blank_sheet(visit: Visit, form: Form, asked: Asked) -> web.StreamResponse:
    """Show a sheet to print with the questions and an empty box for each answer, in the language of the person."""
    second = load_words(form.one("with"))
    told = [second(text) for text in (FREE, *TOLD.values())]
    told += await say_duties_of(visit, [asked.unit], second)
    titles = {name: second(text) for name, text in SHEET.items()}
    receiver = (await load_units(visit, second)).reference(asked.unit)
    given = [(name, value) for name, values in form.fields.items() if name != "act" for value in values]
    return visit.page(
        "consent-blank.html", second=second, told=told, titles=titles, asked=asked, receiver=receiver, given=given
    )


PAGES = (
    Page(method="GET", path="/consents/new", handler=choose_language, operation="consent.record"),
    Page(method="POST", path="/consents/new", handler=take_consent, operation="consent.record", long=True),
)
