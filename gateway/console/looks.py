"""Templates to HTML: one environment for each language, everything escaped, a name that is not there an error.

What people or other nodes wrote goes through `text`: it stands in an isolate of its own direction, and what steers
direction or is invisible is replaced by a sign that one can see (`schemas.render.replace_controls`).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from types import CodeType
from typing import Any

from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from gateway.console import assets
from gateway.console.case_words import choose_mark
from gateway.console.prose import render_prose
from gateway.console.states import Says
from gateway.console.words import Words, load_words
from schemas.labels import load_languages
from schemas.render import REPLACED, replace_controls


def escape_text(value: object) -> Markup:
    """Escape a text that somebody wrote, replace invisible characters, and isolate its direction."""
    return Markup("<bdi>{}</bdi>").format(show_hidden(str(value)))


def show_hidden(text: str) -> str:
    """Replace what steers direction or is invisible by a sign that one can see."""
    return "".join(REPLACED if _invisible(char) else char for char in replace_controls(text))


def escape_lines(value: object) -> Markup:
    """Escape a text of several lines, each as `escape_text` does."""
    return Markup("<br>").join(escape_text(line) for line in str(value).split("\n"))


def _invisible(char: str) -> bool:
    """Whether a character is an invisible format character; the two joiners that Arabic needs are not."""
    return unicodedata.category(char) == "Cf" and char not in "\u200c\u200d"


class _Compiled(BytecodeCache):
    """What Jinja made of each template, in memory: the same for every language, as only words differ."""

    def __init__(self) -> None:
        self._codes: dict[str, CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what was compiled for another language."""
        bucket.code = self._codes.get(bucket.key)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        if bucket.code is not None:
            self._codes[bucket.key] = bucket.code


_COMPILED = _Compiled()


@cache
def make_environment(language: str) -> Environment:
    """Make the template environment of one language."""
    spoken = load_words(language)
    found = Environment(
        loader=PackageLoader("gateway.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
        bytecode_cache=_COMPILED,
    )
    found.install_gettext_translations(spoken.texts, newstyle=True)  # type: ignore[attr-defined]
    found.tests["random_id"] = is_random_id
    found.filters |= {"text": escape_text, "lines": escape_lines, "prose": render_prose}
    found.globals |= {"asset": assets.find_address, "languages": load_languages, "says": Says(spoken), "words": spoken}
    found.globals |= {"choose_mark": choose_mark}
    return found


def prepare_pages(language: str) -> None:
    """Compile every template and read the words of a language, so that the first who opens a page does not wait."""
    environment = make_environment(language)
    for name in environment.list_templates():
        environment.get_template(name)


def render_page(template: str, spoken: Words, /, **values: Any) -> str:
    """Render one page."""
    return make_environment(spoken.language.code).get_template(template).render(**values)


_RANDOM = re.compile(r"[\w-]{22}|[0-9a-f]{32,128}|n1[a-z2-7]{30,60}", re.ASCII)
_SIGNS = (str.isupper, str.islower, str.isdigit)


def is_random_id(text: object) -> bool:
    """Whether a value is nothing that a person reads: a random id, a hash or the id of a node."""
    word = str(text)
    if _RANDOM.fullmatch(word) is None:
        return False
    return len(word) > 22 or all(any(map(sign, word)) for sign in _SIGNS)  # a long word of a language is no id
