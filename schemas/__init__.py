"""What may be said: message schemas, code lists with labels, and the small loader for them.

    catalogue()                 the message types held, by name and by the hash that a statement pins
    validate(name, body)        judge a body; findings never hold a value
    text_findings(body)         the text policy
    categories(name, content)   the categories of personal data present, for consent
    disclosed(name, content)    the sensitivity classes present, and these categories
    parts(name, content)        the files that a content names
    fields(name)                every field with class, category and code list, for mappings and forms
    code_list(name)             codes with labels
    describe.rows, .rules       a type in words, for people
    labels.labels(lang)         the labels of a language: what is there, missing, a draft
    render.render, .outline     a message, or a type, as lines in a language

Pure but for reading its own package files. Imports only `gateway.errors`. How to add a message: README.md.
"""

from __future__ import annotations

from schemas.catalogue import Answers, Catalogue, MessageType, load_catalogue, verify_schema_files
from schemas.codelists import CodeEntry, CodeList, code_list, code_lists
from schemas.text import normalise_text, text_findings
from schemas.validation import validate
from schemas.walk import (
    SENSITIVITY,
    Field,
    categories_at,
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
    "Field",
    "MessageType",
    "categories_at",
    "code_list",
    "code_lists",
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
