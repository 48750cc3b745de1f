"""Languages in which a person can be told what a consent means, beside the nine of the console: one file each.

    {"name": "русский", "direction": "ltr", "locale": "ru", "status": "draft", "texts": {"My consent": "..."}}

What the person agrees to stands on the sheet in a language of the console, since labels of codes are in those alone; a
worker or an interpreter reads it out. `locale` is the language of CLDR in which countries are named. A file has every
text of the sheet and nothing else, and is a `draft` until somebody who speaks the language has reviewed it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from babel.core import Locale

from schemas.labels import REVIEWED


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetWords:
    """The words of the sheet in one language."""

    code: str
    name: str
    direction: str
    draft: bool
    texts: Mapping[str, str]
    locale: Locale

    def __call__(self, text: str, **values: object) -> str:
        """Translate a text of the sheet and fill `%(name)s` in it from `values`."""
        return self.texts[text] % values if values else self.texts[text]

    def country(self, code: object) -> str:
        """Return the name of a country, from CLDR; another party keeps its own name."""
        return str(self.locale.territories.get(str(code), code))


@cache
def load_sheets() -> Mapping[str, SheetWords]:
    """Load every language that has a file here, by its code."""
    found = {}
    for file in sorted(files(__package__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".json"):
            code, value = file.name.removesuffix(".json"), json.loads(file.read_text("utf-8"))
            found[code] = SheetWords(
                code=code,
                name=value["name"],
                direction=value["direction"],
                draft=value["status"] != REVIEWED,
                texts=MappingProxyType(value["texts"]),
                locale=Locale.parse(value["locale"]),
            )
    return MappingProxyType(found)
