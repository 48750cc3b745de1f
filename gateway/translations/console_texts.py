"""The texts of the console, found in its code and templates, and the `.po` file that translates them."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from gateway.console.words import STATUS
from schemas.labels import DRAFT, REVIEWED

_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_KEYWORDS = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2), "words": None, "many": (1, 2)}
_OPTIONS = {"templates/**.html": {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}}


@cache
def extract_texts(console: Path) -> Catalog:
    """Collect every text that a reader of the pages can meet, with the files in which it stands."""
    found = Catalog()
    for file, line, message, _comments, _context in extract_from_dir(
        console, method_map=_METHODS, options_map=_OPTIONS, keywords=_KEYWORDS
    ):
        found.add(message, locations=[(file, line)])
    return found


def parse_catalogue(language: str, text: str) -> Catalog:
    """Parse the `.po` file of a language; an empty text is one that nobody has begun."""
    return read_po(io.StringIO(text), locale=language)


def is_reviewed(catalogue: Catalog) -> bool:
    """Whether the first line of the file says that a native speaker has read it."""
    return f"{STATUS}{REVIEWED}" in catalogue.header_comment


def list_forms(message: Message) -> tuple[str, ...]:
    """List what a message is in the language: one text, or one for each plural."""
    said = message.string
    return tuple(str(form or "") for form in (said if isinstance(said, (tuple, list)) else (said,)))


def render_catalogue(language: str, catalogue: Catalog, *, reviewed: bool) -> str:
    """Render the `.po` file of a language, its messages sorted, with its status in the first line."""
    written = io.BytesIO()
    write_po(written, catalogue, no_location=True, omit_header=True, sort_output=True, width=0)
    head = [
        f"# {STATUS}{REVIEWED if reviewed else DRAFT}",
        'msgid ""',
        'msgstr ""',
        f'"Language: {language}\\n"',
        '"Content-Type: text/plain; charset=UTF-8\\n"',
        f'"Plural-Forms: {catalogue.plural_forms}\\n"',
    ]
    return "\n".join(head) + "\n\n" + written.getvalue().decode()
