"""The texts of the console as they are in its code and templates, beside the `.po` files that translate them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog

from gateway.translations.console_texts import (
    extract_texts,
    is_reviewed,
    list_forms,
    parse_catalogue,
    render_catalogue,
)
from gateway.translations.tree import CONSOLE, ROOT
from schemas.codelists import ENGLISH
from schemas.labels import load_languages


def texts() -> Catalog:
    """Every text that a reader can meet."""
    return extract_texts(ROOT / CONSOLE)


@cache
def translated(lang: str) -> Catalog:
    """What the file of a language has; an empty one where nobody has begun."""
    path = _file(lang)
    return parse_catalogue(lang, path.read_text(encoding="utf-8") if path.exists() else "")


def missing(lang: str) -> Iterator[str]:
    """Texts without a translation."""
    there = translated(lang)
    for message in texts():
        if message.id:
            found = there.get(message.id)
            if found is None or not all(list_forms(found)):
                yield message.id[0] if isinstance(message.id, tuple) else message.id


def documents() -> dict[Path, str]:
    """The file of each language as it should be: what was translated stays, what is gone goes, what is new is empty and
    makes a draft of the file.
    """
    return {_file(lang): _document(lang, translated(lang)) for lang in load_languages() if lang != ENGLISH}


def _document(lang: str, there: Catalog) -> str:
    new = Catalog(locale=lang)
    for message in texts():
        if message.id:
            old = there.get(message.id)
            new.add(message.id, None if old is None else old.string)
    whole = all(all(list_forms(message)) for message in new if message.id)
    return render_catalogue(lang, new, reviewed=whole and is_reviewed(there))


def _file(lang: str) -> Path:
    return ROOT / CONSOLE / "locale" / f"{lang}.po"
