"""Message schemas, code lists with labels, region packs and guidance, and the loaders for them.

    load_catalogue()                  the message types held, by name and by the hash that a statement pins
    validate(name, body)              judge a body; findings never hold a value
    text_findings(body)               the text policy
    find_categories(name, content)    the categories of personal data present, for consent
    find_disclosed(name, content)     the sensitivity classes present, and these categories
    list_parts(name, content)         the attachments that a content names
    list_fields(name)                 every field with class, category and code list, for mappings and forms
    code_list(name)                   codes with labels

and, in modules of their own:

    describing                                   the members and the rules of a type in words, for people
    labels.load_labels(lang)                     the labels of a language: present, missing, draft
    render.render_message, .render_type          a message, or a type, as lines in a language

Pure, except that it reads its own package files. Imports only `gateway.errors` and `gateway.strict_json`. How to add
a message: README.md.
"""

from __future__ import annotations

from schemas.catalogue import Answers, Catalogue, MessageType, load_catalogue, verify_schema_files
from schemas.codelists import CodeEntry, CodeList, code_list, code_lists
from schemas.text import normalise_text, text_findings
from schemas.validation import validate
from schemas.walk import (
    SENSITIVITY,
    Corrected,
    Field,
    categories_at,
    correct_content,
    find_categories,
    find_classes,
    find_disclosed,
    highest_class,
    list_fields,
    list_parts,
)

__all__ = [
    "SENSITIVITY",
    "Answers",
    "Catalogue",
    "CodeEntry",
    "CodeList",
    "Corrected",
    "Field",
    "MessageType",
    "categories_at",
    "code_list",
    "code_lists",
    "correct_content",
    "find_categories",
    "find_classes",
    "find_disclosed",
    "highest_class",
    "list_fields",
    "list_parts",
    "load_catalogue",
    "normalise_text",
    "text_findings",
    "validate",
    "verify_schema_files",
]
