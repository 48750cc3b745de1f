"""Forms made from the schemas: a document is shown, sent and read again, and what is wrong is told at its place."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from support.browsing import Page, read
from support.generate import bodies, mutated
from support.tables import table

import schemas
from gateway.console import looks
from gateway.console.forms.build import build_form
from gateway.console.forms.faults import FILLED, explain_faults, find_faults
from gateway.console.forms.fields import HALVES, to_document, to_fields
from gateway.console.forms.parts import list_places
from gateway.console.words import load_words
from gateway.errors import Finding
from schemas import code_list, list_fields, load_catalogue
from schemas.labels import load_languages
from schemas.walk import each_leaf, list_members, resolve_reference

EXAMPLES = Path(schemas.__file__).parent / "examples"
TYPES = [entry.body_type for entry in load_catalogue().types]
SCRIPT = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
SHOWN = """{% import "form.html" as it with context %}<main><h1>x</h1><form method="post" action="/x">
{% for part in parts %}{{ it.section(part, faults) }}{% endfor %}</form></main>"""


def offset(at: int) -> int:
    """A time that is changed twice a year."""
    return 7200 if 80 <= at // 86_400 % 365 <= 300 else 3600


def asked(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without what the node fills in."""
    whole: dict[str, Any] = copy.deepcopy({half: document[half] for half in HALVES})
    whole["header"].pop("author_ref", None)
    whole["header"].pop("seen", None)
    whole["header"].get("vital_interest", {}).pop("approver_ref", None)
    return whole


def shown(body_type: str, document: Mapping[str, Any], lang: str = "en", found: tuple[Finding, ...] = ()) -> Page:
    """The form of a document as a browser has it."""
    parts = build_form(body_type, to_fields(body_type, document, offset), load_words(lang))
    wrong: dict[str, list[str]] = {}
    for fault in explain_faults(body_type, found, load_words(lang), parts):
        wrong.setdefault(fault.place, []).append(fault.text)
    text = looks.make_environment(lang).from_string(SHOWN).render(parts=parts, faults=wrong)
    assert "<script" not in text and "<img" not in text
    return read(text)


def sent(page: Page) -> dict[str, tuple[str, ...]]:
    """What the browser would send, as `Visit.form` reads it."""
    return {name: tuple(value.strip() for value in given) for name, given in page.forms[0].sent().items()}


def trimmed(value: Any) -> Any:
    """Texts without blanks around, as a form brings them, and codes of a set in one order."""
    if isinstance(value, dict):
        return {name: trimmed(member) for name, member in value.items()}
    if isinstance(value, list):
        items = [trimmed(item) for item in value]
        return sorted(items) if all(isinstance(item, str) for item in items) else items
    return value.strip() if isinstance(value, str) else value


@pytest.mark.parametrize("lang", load_languages())
def test_a_long_list_begins_with_what_is_near(lang: str):
    """The region's languages and countries in a group of their own, then the others; each value is offered once."""
    spoken = load_words(lang)
    offered = {"type:language": [(code, spoken.spoken(code)) for code in ("en", "fr", "sq", "uk", "zu")]}
    document = {"header": {"language": "xx"}, "content": {"person": {"nationalities": ["MA", "AL"]}}}
    given = to_fields("referral.request/1", document, offset)
    parts = build_form(
        "referral.request/1", given, spoken, choices=offered, near={"language": ("sq", "uk"), "country": ("MA", "FR")}
    )
    text = looks.make_environment(lang).from_string(SHOWN).render(parts=parts, faults={})
    for name, near, some in (
        ("/header/language", {"sq", "uk"}, {"en", "fr", "zu", "xx"}),
        ("/content/person/nationalities/1", {"MA", "FR"}, {"AL", "ES", "US"}),
    ):
        first, second = text.partition(f'<select id="{name}"')[2].partition("</select>")[0].split("<optgroup")[1:]
        groups = [re.findall(r'<option value="(\w+)"( selected)?>([^<]+)</option>', group) for group in (first, second)]
        assert {code for code, *_ in groups[0]} == near and {code for code, *_ in groups[1]} >= some
        assert not near & {code for code, *_ in groups[1]}
        assert all(
            [*map(itemgetter(2), group)] == sorted((one[2] for one in group), key=spoken.place) for group in groups
        )
    assert read(text).forms[0].sent()["/content/person/nationalities/1"] == ("AL",)
    assert read(text).forms[0].sent()["/header/language"] == ("xx",)


def documents(body_type: str) -> list[dict[str, Any]]:
    """The valid examples, and some that nobody wrote."""
    rng = random.Random(len(body_type))
    folder = EXAMPLES / body_type.replace("/", ".")
    written = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("valid-*.json"))]
    return [asked(value) for value in (*written, *(bodies(body_type, rng, share) for share in (0.3, 0.9)))]


@table("body_type", TYPES)
def test_fields_are_a_way_back(body_type):
    """A document as fields and as a document again is the same."""
    for document in documents(body_type):
        assert to_document(body_type, to_fields(body_type, document, offset), offset) == document


@table("body_type", TYPES)
def test_a_page_is_a_way_back(body_type):
    """So is a document that is shown, and sent as it is; nothing is added by being looked at."""
    for document in documents(body_type):
        page = shown(body_type, document)
        assert trimmed(to_document(body_type, sent(page), offset)) == trimmed(document)


@table("body_type", TYPES)
def test_an_empty_form_says_nothing(body_type):
    """No value is chosen for anybody, but where only one is possible, or one for each row."""
    root = load_catalogue().get(body_type).document
    content = resolve_reference(root["properties"]["content"], root)
    fixed = {
        name: member["const"] for name, member in list_members(content) if member.get("const") not in (None, True)
    } | {
        name: [{member["x-each"]: code} for code in each_leaf(member, root)["enum"]]
        for name, member in list_members(content)
        if "x-each" in member
    }
    assert to_document(body_type, sent(shown(body_type, {"header": {}, "content": {}})), offset) == {
        "header": {},
        "content": fixed,
    }


@pytest.mark.parametrize("lang", ["en", "ar"])
@table("body_type", TYPES)
def test_what_people_wrote_is_never_part_of_the_page(body_type, lang):
    """A script in every text, faults and all; it comes back as it was written."""
    document = documents(body_type)[-1]
    root = load_catalogue().get(body_type).document
    each = {
        f"/content/{name}/*/{member['x-each']}"  # the code of its row, which nobody writes
        for name, member in list_members(resolve_reference(root["properties"]["content"], root))
        if "x-each" in member
    }
    places = {field.path for field in list_fields(body_type) if field.schema.get("type") == "string"} - each

    def scripted(value: Any, path: str) -> Any:
        if isinstance(value, dict):
            return {name: scripted(member, f"{path}/{name}") for name, member in value.items()}
        if isinstance(value, list):
            items = [scripted(item, f"{path}/*") for item in value]
            return items[:1] if set(map(str, items)) == {SCRIPT} else items  # a set of codes has each code once
        return SCRIPT if path in places else value

    hostile = {half: scripted(document[half], f"/{half}") for half in HALVES}
    page = shown(body_type, hostile, lang, find_faults(body_type, hostile))
    assert trimmed(to_document(body_type, sent(page), offset)) == trimmed(hostile)


@table("body_type", TYPES)
def test_every_fault_is_told_at_a_field(body_type):
    """Each finding of the validator has a sentence, in the order of the form, and what was filled in is kept."""
    rng = random.Random(11)
    for _ in range(3):
        spoilt = {"header": {}, "content": {}} | mutated(asked(bodies(body_type, rng)), rng)
        read_again = to_document(body_type, to_fields(body_type, spoilt, offset), offset)
        found = find_faults(body_type, read_again)
        parts = build_form(body_type, to_fields(body_type, read_again, offset), load_words("fr"))
        known = [*list_places(parts), ""]
        told = explain_faults(body_type, found, load_words("fr"), parts)
        assert len(told) == len([one for one in found if one.place not in FILLED])
        assert all(fault.text and "%(" not in fault.text for fault in told)
        assert {fault.place for fault in told} <= set(known)


@table("body_type", TYPES)
def test_the_judge_takes_what_is_valid(body_type):
    """With what the node fills in put in its place."""
    for document in documents(body_type):
        assert find_faults(body_type, document) == ()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("/content/person/birth_year", "1999", 1999),
        ("/content/person/birth_year", "١٩٩٩", 1999),
        ("/content/person/birth_year", "19.99", "19.99"),
        ("/content/person/birth_year", "9" * 40, "9" * 40),
        ("/content/person/birth_estimated", "maybe", "maybe"),
        ("/content/person/birth_date", "31.12.1999", "31.12.1999"),
    ],
)
def test_what_can_not_be_read_is_kept(name, text, value):
    """As the text it is; the validator refuses it, and the form shows it."""
    document = to_document("referral.request/1", {name: (text,)}, offset)
    assert document["content"]["person"][name.rpartition("/")[2]] == value
    if isinstance(value, str):
        found = [one for one in find_faults("referral.request/1", document) if one.place == name]
        assert found and shown("referral.request/1", document, found=tuple(found)).form("/x").sent()[name] == (text,)


def test_a_list_with_one_row_for_each_code_is_laid_out():
    """Each row has the name of its code; what is filled in stays before the rows that are added to it."""
    place, codes = "/content/findings", [code.code for code in code_list("risk_domain").codes]

    def rows(given):
        found = {part.place: part for part in _every(build_form("risk.assessment/1", given, load_words("fr")))}
        return found[place]

    said = {f"{place}/4/risk_domain": ("debt",), f"{place}/4/risk_known": ("false",)}
    named = {code: load_words("fr").code("risk_domain", code) for code in codes}
    assert [row.label for row in rows({}).parts] == [named[code] for code in codes]
    assert [row.label for row in rows(said).parts] == [
        named["debt"],
        *(named[code] for code in codes if code != "debt"),
    ]
    assert not rows({}).add and not rows(said).add


def test_rows_can_be_added_until_it_is_full():
    """The button goes with the last row that fits."""
    rows = {f"/content/household/{n}/relation": ("child",) for n in range(20)}
    full = {part.place: part for part in build_form("referral.request/1", rows, load_words("en"))}
    household = full["/content/household"]
    assert len(household.parts) == 20 and not household.add
    more = build_form("referral.request/1", {}, load_words("en"), blank=["/content/household"])
    assert [len(part.parts) for part in more if part.place == "/content/household"] == [1]


def test_a_choice_is_offered_where_it_is_known():
    """Units, files and languages; what is there already stays even if it is not offered."""
    choices = {"/header/recipient_unit": [("fp", "Focal point")], "type:part": [("0", "1: PDF")]}
    given = {"/header/recipient_unit": ("other",), "/content/attachments/0/part": ("0",)}
    parts = {
        part.place: part for part in _every(build_form("referral.request/1", given, load_words("en"), choices=choices))
    }
    assert [code for code, _ in parts["/header/recipient_unit"].options] == ["fp", "other"]
    assert parts["/content/attachments/0/part"].look == "select"


def _every(parts):
    for part in parts:
        yield part
        yield from _every(getattr(part, "parts", ()))
