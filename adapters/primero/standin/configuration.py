"""Forms and lists of an invented office, in the shape in which the API of Primero tells them (`/forms`, `/lookups`).

Every available language stands in a text, empty where nobody has translated it; nested forms stand beside the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

LANGUAGES = ("en", "fr", "ar")
_numbers = count(1)


def make_text(**texts: str) -> dict[str, str]:
    """Make a text in every available language."""
    return {language: texts.get(language, "") for language in LANGUAGES}


def make_field(name: str, kind: str, label: str, **more: Any) -> dict[str, Any]:
    """Make a field of a form."""
    return {
        "id": next(_numbers),
        "name": name,
        "type": kind,
        "visible": True,
        "editable": True,
        "multi_select": False,
        "display_name": make_text(en=label, **more.pop("labels", {})),
        **more,
    }


def make_form(unique_id: str, fields: Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    """Make a form section of cases, visible and of the module CP unless said otherwise."""
    return {
        "id": next(_numbers),
        "unique_id": unique_id,
        "name": make_text(en=unique_id.replace("_", " ").capitalize()),
        "parent_form": "case",
        "visible": True,
        "is_nested": False,
        "module_ids": ["primeromodule-cp"],
        "fields": [*fields],
        **more,
    }


def make_forms() -> list[dict[str, Any]]:
    """Make the forms of an office: what Primero ships, what it added, one that is hidden, one nested, an incident."""
    lookup = "option_strings_source"
    return [
        make_form(
            "basic_identity",
            [
                make_field("case_id_display", "text_field", "Case ID"),
                make_field("name_first", "text_field", "First Name", labels={"fr": "Prénom"}),
                make_field("name_last", "text_field", "Surname"),
                make_field("sex", "select_box", "Sex", **{lookup: "lookup lookup-gender"}),
                make_field("age", "numeric_field", "Age"),
                make_field("date_of_birth", "date_field", "Date of Birth"),
                make_field(
                    "nationality", "select_box", "Nationality", multi_select=True, **{lookup: "lookup lookup-country"}
                ),
                make_field("location_current", "select_box", "Current Location", **{lookup: "Location"}),
                make_field("identity_line", "separator", "Identity"),
            ],
        ),
        make_form(
            "data_confidentiality",
            [
                make_field("consent_for_services", "tick_box", "Consent"),
                make_field("disclosure_other_orgs", "tick_box", "May be disclosed to others"),
                make_field("other_agency_id", "text_field", "Other Agency ID"),
                make_field("other_agency_name", "text_field", "Other Agency Name"),
            ],
        ),
        make_form(
            "protection_concern",
            [
                make_field(
                    "protection_concerns",
                    "select_box",
                    "Concerns",
                    multi_select=True,
                    **{lookup: "lookup lookup-concerns"},
                ),
                make_field(
                    "office_tongue",
                    "select_box",
                    "Language",
                    labels={"fr": "Langue"},
                    multi_select=True,
                    **{lookup: "lookup lookup-language"},
                ),
                make_field(
                    "office_shift",
                    "radio_button",
                    "Shift",
                    option_strings_text=[{"id": "night", "display_text": make_text(en="Night")}],
                ),
            ],
        ),
        make_form("notes", [make_field("notes_section", "subform", "Notes", subform_section_id=9)]),
        make_form("services", [make_field("services_section", "subform", "Services", subform_section_id=10)]),
        make_form("other_documents", [make_field("other_documents", "document_upload_box", "Other documents")]),
        make_form(
            "for_abroad", [make_field("for_abroad_court_document", "document_upload_box", "Court papers for abroad")]
        ),
        make_form("notes_nested", [make_field("note_text", "textarea", "Note")], is_nested=True),
        make_form("old_form", [make_field("language", "text_field", "Old tongue")], visible=False),
        make_form(
            "cp_incident", [make_field("incident_date", "date_field", "Date of incident")], parent_form="incident"
        ),
    ]


def make_lookup(
    unique_id: str, *options: tuple[str, Mapping[str, str]], disabled: Sequence[str] = ()
) -> dict[str, Any]:
    """Make a list of options; the names of those that are disabled stand in it still."""
    values = [
        {"id": id, "display_text": make_text(**texts)} | ({"disabled": True} if id in disabled else {})
        for id, texts in options
    ]
    return {
        "id": next(_numbers),
        "unique_id": unique_id,
        "name": make_text(en=unique_id),
        "locked": False,
        "values": values,
    }


def make_lookups() -> list[dict[str, Any]]:
    """Make the lists of that office, some with options that no code list of ours has."""
    return [
        make_lookup(
            "lookup-gender",
            ("female", {"en": "Female", "fr": "Fille"}),
            ("male", {"en": "Male"}),
            ("third", {"en": "Third"}),
            ("retired", {"en": "Not used"}),
            disabled=["retired"],
        ),
        make_lookup(
            "lookup-country",
            ("albania", {"en": "Albania", "fr": "Albanie"}),
            ("n_macedonia", {"en": "North Macedonia"}),
            ("stateless", {"en": "Stateless"}),
        ),
        make_lookup("lookup-concerns", ("trafficked", {"en": "Trafficked"}), ("other", {"en": "Other"})),
        make_lookup(
            "lookup-language",
            ("language1", {"en": "Albanian"}),
            ("language2", {"fr": "arabe"}),
            ("own", {"en": "Sign"}),
        ),
    ]
