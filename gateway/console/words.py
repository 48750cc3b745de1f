"""The words of the pages in each language, and how it writes a date.

English stands in the code and the templates; `locale/XX.po` has the other languages (`./dev words` brings them up to
date). They are compiled here, once, when the program starts to show pages. Labels of codes and fields are not words of
the pages: they come from `schemas.labels`, also in the reader's language.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from importlib.resources import files

from babel.core import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from gateway.mapping.alphabet import Place, rank_name
from schemas.codelists import ENGLISH, code_list
from schemas.labels import REVIEWED, Label, Labels, Language, load_labels, load_languages
from schemas.region_pack.countries import is_user_assigned

STATUS = "status: "
"""Before the first word of a `.po` file: draft until a native speaker has read it, then reviewed."""


def N_(text: str) -> str:
    """Mark a text that is translated where it is shown."""
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language of the pages. Dates are in the country's time: `offset` as in `Settings`. `names` are those of
    countries that the region pack names.
    """

    language: Language
    labels: Labels
    draft: bool
    texts: NullTranslations
    locale: Locale
    names: Mapping[str, str] = field(default_factory=dict)

    def naming(self, countries: Mapping[str, Mapping[str, str]]) -> Words:
        """Return these words with the names of countries, by code and language; English where there is no other."""
        code = self.language.code
        names = {country: labels.get(code, labels[ENGLISH]) for country, labels in countries.items()}
        return replace(self, names=names) if names else self

    def __call__(self, text: str, **values: object) -> str:
        """Translate a text and fill `%(name)s` in it from `values`."""
        said: str = self.texts.gettext(text)
        return said % values if values else said

    @property
    def comma(self) -> str:
        """What stands between two names of a list."""
        return "، " if self.language.code == "ar" else ", "

    @property
    def colon(self) -> str:
        """What stands between a name and what is said of it; in French a space that is not broken stands before it."""
        return "\u00a0: " if self.language.code == "fr" else ": "

    @property
    def semicolon(self) -> str:
        """What stands between two parts of a sentence. What others use for it is a question mark in Greek."""
        return {"ar": "؛ ", "el": "\u00b7 ", "fr": "\u00a0; "}.get(self.language.code, "; ")

    def many(self, one: str, more: str, n: int, /, **values: object) -> str:
        """Translate a text with a number in it; `values` may have another form of it."""
        said: str = self.texts.ngettext(one, more, n)
        return said % {"n": n, **values}

    def code(self, name: str, code: object) -> str:
        """Return the label of a code; an unknown code, and one without a label, is marked as such."""
        return self._shown(self.labels.code(name, str(code)), str(code))

    def codes(self, name: str) -> list[tuple[str, str]]:
        """List the codes of a code list with their labels."""
        return [(entry.code, self.code(name, entry.code)) for entry in code_list(name).codes if not entry.retired]

    def message(self, body_type: object) -> str:
        """Return the name of a message type."""
        return self._shown(self.labels.message(str(body_type)), str(body_type))

    def country(self, code: object) -> str:
        """Return the name of a country in this language: of an invented one from the region pack, else from CLDR, which
        gives such codes names of its own. Another party keeps its own name.
        """
        if str(code) in self.names or is_user_assigned(str(code)):
            return self.names.get(str(code), str(code))
        return str(self.locale.territories.get(str(code), code))

    def spoken(self, tag: object) -> str:
        """Return the name of a language in this language, from CLDR."""
        return str(self.locale.languages.get(str(tag), tag))

    def place(self, name: str) -> Place:
        """Return the sort key of a name."""
        return rank_name(name, self.language.code)

    def date(self, text: str) -> str:
        """Format a day written as 2026-11-30; other text stays as it is."""
        try:
            day = date.fromisoformat(text)
        except ValueError:
            return text
        return format_date(day, "d MMM y", locale=self.locale)

    def time(self, at: int, offset: int) -> str:
        """Format a moment as day and time."""
        return format_datetime(_local(at, offset), "d MMM y HH:mm", locale=self.locale)

    def day(self, at: int, offset: int) -> str:
        """Format the day of a moment, with its weekday."""
        return format_date(_local(at, offset), "EEEE d MMMM y", locale=self.locale)

    def weekday(self, at: int, offset: int) -> str:
        """Format the day of a moment in the days around today: its weekday, day and month, all short."""
        return format_skeleton("MMMEd", _local(at, offset), locale=self.locale)

    def short_day(self, at: int, offset: int) -> str:
        """Format the day of a moment without weekday and year."""
        return format_date(_local(at, offset), "d MMM", locale=self.locale)

    def clock(self, at: int, offset: int) -> str:
        """Format the time of a moment, without its day."""
        return format_datetime(_local(at, offset), "HH:mm", locale=self.locale)

    def span(self, seconds: int) -> str:
        """Format a duration in its largest unit."""
        return format_timedelta(timedelta(seconds=abs(seconds)), threshold=1.1, locale=self.locale)

    def short_span(self, seconds: int) -> str:
        """Format a duration in its largest unit, short, as on a scale."""
        return format_timedelta(timedelta(seconds=seconds), threshold=1, format="short", locale=self.locale)

    def _shown(self, label: Label, name: str) -> str:
        return f"{name} [{self.language.no_label}]" if label.text is None else label.text


def _local(at: int, offset: int) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(timezone(timedelta(seconds=offset)))


@cache
def load_words(code: str) -> Words:
    """Load one language of `schemas.labels.load_languages`; English for a language that is not there."""
    code = code if code in load_languages() else ENGLISH
    texts, draft = NullTranslations(), False
    if code != ENGLISH:
        catalogue = read_po(io.StringIO(files(__package__).joinpath(f"locale/{code}.po").read_text("utf-8")), code)
        draft = f"{STATUS}{REVIEWED}" not in catalogue.header_comment
        compiled = io.BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        texts = Translations(compiled)
    return Words(
        language=load_languages()[code], labels=load_labels(code), draft=draft, texts=texts, locale=Locale.parse(code)
    )


def choose_preferred(header: str, otherwise: str) -> str:
    """Choose the first available language of an Accept-Language header (RFC 9110, 12.5.4, by order and weight)."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(header.split(",")[:20]):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or "1"), place, tag.split("-")[0].lower()))
        except ValueError:
            continue
    return next((tag for _, _, tag in sorted(wanted) if tag in load_languages()), otherwise)
