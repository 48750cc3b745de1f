"""The texts of the console, found in its code and templates, and the `.po` files that translate them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from gateway.console.words import STATUS
from schemas.codelists import ENGLISH
from schemas.labels import DRAFT, REVIEWED, load_languages

CONSOLE = Path(__file__).resolve().parents[2] / "gateway" / "console"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2), "words": None, "many": (1, 2)}
OPTIONS = {"templates/**.html": {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}}


@cache
def texts() -> Catalog:
    """Every text that a reader can meet."""
    found = Catalog()
    for _file, _line, message, _comments, _context in extract_from_dir(
        CONSOLE, method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS
    ):
        found.add(message)
    return found


@cache
def translated(lang: str) -> Catalog:
    """What the file of a language has; an empty one where nobody has begun."""
    path = CONSOLE / "locale" / f"{lang}.po"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return read_po(io.StringIO(text), locale=lang)


def missing(lang: str) -> Iterator[str]:
    """Texts without a translation."""
    there = translated(lang)
    for message in texts():
        if message.id:
            found = there.get(message.id)
            if found is None or not (all(found.string) if isinstance(found.string, tuple) else found.string):
                yield message.id[0] if isinstance(message.id, tuple) else message.id


def documents() -> dict[Path, str]:
    """The file of each language as it should be: what was translated stays, what is gone goes, what is new is empty."""
    wanted = texts()
    return {
        CONSOLE / "locale" / f"{lang}.po": _document(lang, wanted, translated(lang))
        for lang in load_languages()
        if lang != ENGLISH
    }


def _document(lang: str, wanted: Catalog, there: Catalog) -> str:
    new = Catalog(locale=lang)
    for message in wanted:
        if message.id:
            old = there.get(message.id)
            new.add(message.id, None if old is None else old.string)
    written = io.BytesIO()
    write_po(written, new, no_location=True, omit_header=True, sort_output=True, width=0)
    status = REVIEWED if f"{STATUS}{REVIEWED}" in there.header_comment else DRAFT
    head = [
        f"# {STATUS}{status}",
        'msgid ""',
        'msgstr ""',
        f'"Language: {lang}\\n"',
        '"Content-Type: text/plain; charset=UTF-8\\n"',
        f'"Plural-Forms: {new.plural_forms}\\n"',
    ]
    return "\n".join(head) + "\n\n" + written.getvalue().decode()
