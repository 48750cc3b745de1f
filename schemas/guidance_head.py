"""The head of a guidance text: `name: value` lines between two lines `---`, read with every fault noted."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from gateway.errors import Finding
from schemas.codelists import ENGLISH
from schemas.labels import load_languages
from schemas.reading import NAME, Folder, Log, Spot
from schemas.text import HINTS, text_faults

MOST = 500
"""Texts in a folder."""
LONGEST_FILE = 32_768
"""Bytes of a text."""

_NEEDED = ("title", "stages", "roles", "topics", "version", "written", "review_by", "sources", "keywords", "summary")
_MAYBE = ("countries", "between", "language")
_LINE = re.compile(r"(?P<name>[a-z_]{1,20}): +(?P<value>\S.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The head of one text, its values as written, and the text below it. `place` names its file."""

    place: str
    values: Mapping[str, str]
    body: str

    @property
    def language(self) -> str:
        """The language of title, keywords, summary and text."""
        return self.values.get("language", ENGLISH)

    def spot(self, name: str, log: Log) -> Spot:
        """Point at one value, None where it is missing; faults there go to `log`."""
        return Spot(value=self.values.get(name), place=f"{self.place}#{name}", log=log)

    def several(self, name: str, log: Log) -> Spot:
        """Point at one value as a list of what stands between its commas."""
        listed = [part.strip() for part in self.values.get(name, "").split(",") if part.strip()]
        return Spot(value=listed, place=f"{self.place}#{name}", log=log)


def read_heads(folder: Folder, log: Log, taken: Collection[str]) -> Iterable[tuple[str, Head]]:
    """Read the texts of a folder by id; one whose head cannot be read is left out and noted in `log`."""
    texts = folder.joinpath("texts")
    files = sorted(texts.iterdir(), key=lambda file: file.name) if texts.is_dir() else []
    if len(files) > MOST:
        log.append(Finding(place="texts", rule="too_many", hint=f"{MOST} at most"))
    for file in files[:MOST]:
        place, id = f"texts/{file.name}", file.name.removesuffix(".md")
        if not file.name.endswith(".md") or not NAME.fullmatch(id) or not file.is_file():
            log.append(Finding(place=place, rule="unknown_file", hint="ID.md: small letters, digits and hyphens"))
        elif id in taken:
            log.append(Finding(place=place, rule="twice", hint="the library has a text of this name: choose another"))
        elif (head := _head(place, file.read_bytes(), log)) is not None:
            yield id, head


def _head(place: str, data: bytes, log: Log) -> Head | None:
    try:
        text = data.decode() if len(data) <= LONGEST_FILE else ""
    except UnicodeDecodeError:
        text = ""
    parts = text.split("---\n", 2)
    if len(parts) != 3 or parts[0]:
        hint = f"UTF-8, at most {LONGEST_FILE} bytes: a head between two lines ---, then the text"
        log.append(Finding(place=place, rule="no_head", hint=hint))
        return None
    values: dict[str, str] = {}
    for number, line in enumerate(parts[1].splitlines(), start=2):
        match = _LINE.fullmatch(line)
        if match is None or match["name"] not in (*_NEEDED, *_MAYBE) or match["name"] in values:
            known = ", ".join((*_NEEDED, *_MAYBE))
            log.append(Finding(place=f"{place}:{number}", rule="head", hint=f"name: value, each once; {known}"))
        else:
            values[match["name"]] = match["value"].strip()
    for name in _NEEDED:
        if name not in values:
            log.append(Finding(place=f"{place}#{name}", rule="required", hint="is missing"))
    for rule in text_faults(text):
        log.append(Finding(place=place, rule=rule, hint=HINTS[rule]))
    head = Head(place=place, values=values, body=parts[2].strip())
    if not head.body:
        log.append(Finding(place=place, rule="empty", hint="a text below the head"))
    if head.language not in load_languages():
        head.spot("language", log).fault("unknown_language", f"one of {', '.join(load_languages())}")
        return None
    return head
