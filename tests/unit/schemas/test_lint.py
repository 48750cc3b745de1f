"""What every published schema has to keep to, so that two validators in two languages say the same (nrm1 13.8)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from support.patterns import is_long, parse
from support.tables import table

from schemas import SENSITIVITY, code_list, code_lists, list_fields, load_catalogue
from schemas.publishing.compose import PERSONAL_HEADER, find_values
from schemas.validation import FORMATS

PUBLISHED = sorted((Path(__file__).resolve().parents[3] / "schemas" / "published").glob("*.json"))
each_schema = table("schema", [json.loads(path.read_bytes()) for path in PUBLISHED], ids=[p.stem for p in PUBLISHED])
TYPES = [entry.body_type for entry in load_catalogue().types]
each_type = table("body_type", TYPES)

KEYWORDS = {
    *("$schema", "$ref", "$defs", "title", "description", "type", "properties", "required", "additionalProperties"),
    *("items", "minItems", "maxItems", "uniqueItems", "contains", "enum", "const", "minLength", "maxLength", "pattern"),
    *("format", "minimum", "maximum", "minProperties", "maxProperties", "allOf", "anyOf", "not", "if", "then", "else"),
    *("x-message", "x-object", "x-revision", "x-class", "x-category", "x-category-as", "x-category-codes"),
    *("x-codes", "x-text", "x-part", "x-each"),
}

WITHOUT_CATEGORY = {
    "/content/child_assent": "the consent itself, not data about the person under that consent",
    "/content/grants/*/purpose": "same",
    "/content/grants/*/recipient_units/*": "same",
    "/content/grants/*/data_categories/*": "same",
    "/content/grants/*/until": "same",
    "/content/denials/*/purpose": "same",
    "/content/denials/*/unit": "same",
    "/content/denials/*/data_category": "same",
    "/content/person_at_risk": "about a breach and no one person; owed by law (GDPR 33), whatever anybody consented to",
    "/header/vital_interest/ground": "why there is no consent; it can not rest on one",
}

OPAQUE = 266_667
"""Characters of the longest text that is not for people: a signed document of 200 000 bytes as base64url."""

ROWS = 500
"""Items of the longest list: the cells of a statistical table."""


def schemas_in(schema: Any) -> Iterator[dict[str, Any]]:
    """Every subschema of a schema, itself first; values of enum, const and x- keywords are no schemas."""
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword in ("properties", "$defs"):
        for member in schema.get(keyword, {}).values():
            yield from schemas_in(member)
    for keyword in ("items", "contains", "not", "if", "then", "else"):
        yield from schemas_in(schema.get(keyword))
    for keyword in ("allOf", "anyOf"):
        for member in schema.get(keyword, ()):
            yield from schemas_in(member)


@each_schema
def test_is_a_valid_2020_12_schema(schema: dict[str, Any]) -> None:
    """The schema is itself valid under its dialect."""
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@each_schema
def test_uses_only_agreed_keywords(schema: dict[str, Any]) -> None:
    """A misspelt or rarely implemented keyword would be ignored somewhere."""
    for part in schemas_in(schema):
        assert set(part) <= KEYWORDS


@each_schema
def test_is_self_contained(schema: dict[str, Any]) -> None:
    """Every reference points into the schema itself, and every definition is used."""
    used = {reference.removeprefix("#/$defs/") for reference in find_values("$ref", schema)}
    assert set(schema["$defs"]) == used


@each_schema
def test_patterns_are_in_the_agreed_subset(schema: dict[str, Any]) -> None:
    """Each pattern can be read by the parser of the subset, and its text is bounded."""
    for part in schemas_in(schema):
        if "pattern" in part:
            parse(part["pattern"])
            assert part["maxLength"] <= (OPAQUE if is_long(part["pattern"]) else 254)


@each_schema
def test_formats_are_checked(schema: dict[str, Any]) -> None:
    """No format is used that the reference validator would pass unchecked."""
    assert set(find_values("format", schema)) <= FORMATS


@each_schema
def test_everything_is_bounded(schema: dict[str, Any]) -> None:
    """Strings, arrays and integers have limits, and nothing is a number with a fraction."""
    for part in schemas_in(schema):
        match part.get("type"):
            case "string":
                assert "maxLength" in part or "enum" in part
            case "array":
                assert part["maxItems"] <= ROWS and "minItems" in part
            case "integer":
                assert {"minimum", "maximum"} <= set(part) and abs(part["maximum"]) < 2**53
            case [*kinds]:
                assert kinds == ["string", "integer", "boolean"]
                assert {"maxLength", "minimum", "maximum"} <= set(part) and abs(part["maximum"]) < 2**53
            case kind:
                assert kind != "number"


@each_schema
def test_objects_are_closed(schema: dict[str, Any]) -> None:
    """No object takes a member that the schema does not name."""
    for part in schemas_in(schema):
        if part.get("type") == "object":
            assert part["additionalProperties"] is False


@each_type
def test_every_leaf_has_a_class(body_type: str) -> None:
    """Each field says how sensitive it is."""
    for field in list_fields(body_type):
        assert field.sensitivity in SENSITIVITY, field.path


@each_type
def test_personal_leaf_has_a_category(body_type: str) -> None:
    """A field that identifies, locates or is special says which category a consent must cover, or why none does."""
    categories = code_list("data_category")
    for field in list_fields(body_type):
        if field.sensitivity in ("identifying", "special", "locating") and "/unknown/" not in field.path:
            reason = field.category or field.category_as or WITHOUT_CATEGORY.get(field.path)
            assert reason, field.path
        assert field.category is None or field.category in categories


@each_type
def test_saying_unknown_has_no_category(body_type: str) -> None:
    """To say that something is unknown or refused discloses nothing that needs a consent."""
    for field in list_fields(body_type):
        if "/unknown/" in field.path:
            assert (field.category, field.codes) == (None, "absence")


@each_type
def test_codes_are_those_of_the_list(body_type: str) -> None:
    """An enumeration is always a code list, with exactly the codes of one of its editions."""
    for field in list_fields(body_type):
        assert ("enum" in field.schema) == (field.codes is not None)
        if field.codes:
            assert field.codes in code_lists()
            listed = [entry for entry in code_list(field.codes).codes if not entry.retired]
            editions = {entry.since for entry in listed}
            assert field.schema["enum"] in [[one.code for one in listed if one.since <= upto] for upto in editions]


def test_enquiry_holds_nothing_about_a_person() -> None:
    """Enquiries have no field above the class operational in their content and no long free text (gate G1)."""
    for body_type in ("enquiry.capacity/1", "enquiry.reply/1"):
        for field in list_fields(body_type):
            if field.path.startswith("/content/"):
                assert field.sensitivity in ("public", "operational"), field.path
            assert field.category is None
    texts = {
        f.path: f.schema["maxLength"]
        for f in list_fields("enquiry.capacity/1")
        if f.text and f.path.startswith("/content")
    }
    assert texts == {"/content/note": 280}


def test_standing_conversation_holds_nothing_about_a_person() -> None:
    """Directory, statistics and breach disclose no category, and only directory and breach have sentences (gate G1)."""
    standing = [entry.body_type for entry in load_catalogue().types if entry.kind == "standing"]
    assert {"breach.notice/1", "directory.update/1", "stats.request/1", "stats.submission/1"} <= set(standing)
    for body_type in standing:
        for field in list_fields(body_type):
            assert field.category is None is field.category_as, field.path
            assert field.path.split("/")[2] not in PERSONAL_HEADER, field.path
    table = {
        field.path for field in list_fields("stats.submission/1") if field.text and field.path.startswith("/content/")
    }
    assert table == {"/content/coverage"}


def test_count_below_ten_is_refused() -> None:
    """A count of 1 to 9 persons never leaves a node, and a cell crosses three dimensions at most (gate G12)."""
    cells = load_catalogue().get("stats.submission/1").document["properties"]["content"]["properties"]["cells"]
    count = Draft202012Validator(load_catalogue().get("stats.submission/1").document["$defs"]["count"])
    assert [n for n in range(12) if count.is_valid(n)] == [0, 10, 11]
    assert cells["items"]["properties"]["key"]["maxProperties"] == 3


def test_verification_of_nationality_cannot_say_why_it_is_asked() -> None:
    """Gate G15: neither fields, codes, free text nor roles of the question and its reply can hold victim status."""
    for body_type, texts in (
        ("nationality.request/1", {"names", "birth_place", "number", "parents_names"}),
        ("nationality.reply/1", {"need"}),
    ):
        content = [field for field in list_fields(body_type) if field.path.startswith("/content/")]
        assert {field.sensitivity for field in content} <= {"identifying", "pseudonymous"}
        assert {field.category for field in content} <= {"identity", "documents", "family", None}
        assert {field.codes for field in content} <= {"travel_doc", "country", "nationality_result", "absence", None}
        assert texts == {field.path.removesuffix("/*").split("/")[-1] for field in content if field.text}
        entry = load_catalogue().get(body_type)
        assert {*entry.senders, *entry.receivers} == {"migration_authority", "consular_mfa"}
    context = next(field for field in list_fields("nationality.request/1") if field.path == "/content/context")
    assert context.schema["const"] == "documentation"
