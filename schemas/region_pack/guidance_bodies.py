"""Texts of the guidance library in other languages: `bodies/XX/ID.md`, one file for each text and language.

    ---
    of: 3f0b6c8e12a4d579
    status: draft
    ---

    The text, in Markdown.

`of` is the digest of the text that was translated: when that text changes, the translation is known to be older.
`status` is `reviewed` after somebody who speaks the language has read it.

A translation says what the text says, in the same order: `find_differences` compares headings and paragraphs, items of
lists, what stands in backquotes, addresses, gates and every number. A deadline that a translator mistyped is a fault.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gateway.errors import Finding
from schemas.labels import DRAFT, REVIEWED, load_languages
from schemas.reading import Folder, Log
from schemas.text import HINTS, text_faults

LONGEST = 65_536
"""Bytes of a file: other alphabets need twice the bytes of the original."""
_FILE = re.compile(rb"---\nof: (?P<of>[0-9a-f]{16})\nstatus: (?P<status>[a-z]+)\n---\n\n(?P<body>.+)", re.DOTALL)
_HINT = "UTF-8: a line ---, of: DIGEST, status: draft or reviewed, a line ---, an empty line, the text"
_BLOCK = re.compile(r"(#{1,6}|-|\*(?!\*)|>|```|\d{1,3}\.)(?:\s|$)")
_PARTS: Mapping[str, re.Pattern[str]] = {
    "code": re.compile(r"`[^`\n]+`"),
    "address": re.compile(r"\]\([^)\s]*\)"),
    "gate": re.compile(r"\bG\d+\b"),
    "number": re.compile(r"\d+"),
    "strong": re.compile(r"\*\*"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A text in another language. `draft`: nobody who speaks it has reviewed it. `of`: digest of what it translates."""

    body: str
    draft: bool
    of: str


def digest_body(body: str) -> str:
    """Compute the digest of a text that its translations name: 16 hexadecimal digits."""
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def read_translations(
    folder: Folder, written: Mapping[str, tuple[str, str]], log: Log
) -> dict[str, dict[str, Translation]]:
    """Read the translations of the texts in a folder, by id and language, and note faults in `log`.

    `written` has by id the language and the body of each text.
    """
    found: dict[str, dict[str, Translation]] = {id: {} for id in written}
    for language, file in _list_files(folder, log):
        id, place = file.name.removesuffix(".md"), f"bodies/{language}/{file.name}"
        if not file.name.endswith(".md") or id not in written or written[id][0] == language:
            hint = "ID.md of a text of this folder that is written in another language"
            log.append(Finding(place=place, rule="unknown_file", hint=hint))
        elif (one := read_translation(place, file, written[id][1], log)) is not None:
            found[id][language] = one
    return found


def find_differences(original: str, translated: str) -> tuple[str, ...]:
    """Name what a translation has in another form than the text: "lines", or a part such as "number"."""
    parts = [name for name, form in _PARTS.items() if _count(form, original) != _count(form, translated)]
    return (*(["lines"] if _outline(original) != _outline(translated) else []), *parts)


def _list_files(folder: Folder, log: Log) -> list[tuple[str, Folder]]:
    bodies = folder.joinpath("bodies")
    files: list[tuple[str, Folder]] = []
    for entry in sorted(bodies.iterdir(), key=lambda entry: entry.name) if bodies.is_dir() else ():
        if entry.name not in load_languages() or not entry.is_dir():
            log.append(
                Finding(place=f"bodies/{entry.name}", rule="unknown_file", hint="a folder XX of a language there is")
            )
            continue
        files += ((entry.name, file) for file in sorted(entry.iterdir(), key=lambda file: file.name))
    return files


def read_translation(place: str, file: Folder, original: str, log: Log) -> Translation | None:
    """Read one translation of a text and note its faults in `log`; None where it has no head or no body."""
    data = file.read_bytes() if file.is_file() else b""
    match = _FILE.fullmatch(data) if len(data) <= LONGEST else None
    try:
        body = match["body"].decode().strip() if match else ""
    except UnicodeDecodeError:
        body = ""
    if match is None or not body or match["status"].decode() not in (DRAFT, REVIEWED):
        log.append(Finding(place=place, rule="no_head", hint=f"{_HINT}; at most {LONGEST} bytes"))
        return None
    log += (Finding(place=place, rule=rule, hint=HINTS[rule]) for rule in text_faults(body))
    one = Translation(body=body, draft=match["status"] != REVIEWED.encode(), of=match["of"].decode())
    # of a text that has changed since, nobody can say which difference is a mistake
    if one.of == digest_body(original) and (parts := find_differences(original, body)):
        log.append(Finding(place=place, rule="differs", hint=f"as in the text that it translates: {_say(parts)}"))
    return one


def _outline(text: str) -> list[str]:
    """List the form of each line that is not empty: a mark of Markdown, or nothing for running text."""
    lines = (line.strip() for line in text.splitlines())
    found = (_BLOCK.match(line) for line in lines if line)
    return [match[1] if match else "" for match in found]


def _count(form: re.Pattern[str], text: str) -> Counter[str]:
    return Counter(form.findall(text))


def _say(parts: Collection[str]) -> str:
    return ", ".join(parts)
