"""Which files are translated: every file of one language, as a document, with the English beside it.

    gateway/console/locale/XX.po          the words of the pages
    schemas/labels/XX.json                names of messages, fields, lists and codes; meanings of fields
    schemas/languages.json                the words of every page, one row for each language
    schemas/regions/NAME/words/XX.json    steps of the procedures of a region, and its names
    schemas/**/guidance/words/XX.json     title, keywords and summary of the texts of the guidance
    schemas/**/guidance/bodies/XX/ID.md   the texts
    adapters/sheet/words/XX.json          headings, faults and instructions of the workbooks of an office

Who adds a file of another kind adds a row here; a test finds files of languages that no row knows.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

from gateway.translations.console_texts import extract_texts
from gateway.translations.documents import BodyDocument, Document, JsonDocument, Subject, open_catalogue
from schemas import resources
from schemas.codelists import ENGLISH, code_list, code_lists
from schemas.guidance_head import Head, read_heads
from schemas.labels import LONGEST, LONGEST_MEANING, load_labels, load_languages
from schemas.publishing.compose import find_values
from schemas.region_pack.guidance_bodies import read_translation

Find: TypeAlias = Callable[[tuple[str, ...]], Subject | None]

ROOT = Path(__file__).resolve().parents[2]
"""Where the packages of this program lie: a copy of the repository, or an installation."""
CONSOLE = Path("gateway/console")
LONGEST_TITLE, LONGEST_LINE, LONGEST_SHEET = 120, 400, 31
"""Characters of a title, of a line, and of the name of a worksheet."""
_PARTS: Mapping[str, str] = {
    "columns": "heading of a column of the office's workbook",
    "draft": "mark of wording that nobody has reviewed",
    "headings": "heading of a column of the results",
    "instructions": "instructions of the workbook, line by line",
    "notes": "note in the workbook",
    "pages": "name of a worksheet, at most 31 characters",
    "places": "where a fault is",
    "questions": "what is asked once for a column",
    "rules": "what is wrong with a cell, and what to do",
    "states": "what has become of a record",
}
_ROW: Mapping[str, str] = {
    "name": "what its speakers call the language",
    "yes": "the answer to a question",
    "no": "the answer to a question",
    "no_label": "stands behind a name that has no label",
    "unknown_code": "stands behind a code that nobody knows",
    "unknown_field": "stands behind a field that nobody knows",
    "draft": "mark of wording that nobody has reviewed",
}


def open_documents(language: str, tree: Path = ROOT) -> Sequence[Document]:
    """Open every file of a language that is translated, in the order of the worksheets. Raises OSError."""
    return [
        *_console(language, tree),
        *_json(tree, f"schemas/labels/{language}.json", "Messages and codes", _name_label),
        *_json(tree, "schemas/languages.json", "Messages and codes", partial(_name_row, language)),
        *_regions(language, tree),
        *_guidance(language, tree),
        *_workbooks(language, tree),
    ]


def _console(language: str, tree: Path) -> Iterator[Document]:
    path = CONSOLE / "locale" / f"{language}.po"
    text = (tree / path).read_text(encoding="utf-8") if (tree / path).is_file() else ""
    yield open_catalogue(path.as_posix(), "Console", language, text, extract_texts(ROOT / CONSOLE))


def _json(tree: Path, path: str, sheet: str, find: Find) -> Iterator[Document]:
    if (tree / path).is_file():
        value = json.loads((tree / path).read_text(encoding="utf-8"))
        yield JsonDocument(path=path, sheet=sheet, value=value, find_subject=find)


def _regions(language: str, tree: Path) -> Iterator[Document]:
    for folder in sorted((tree / "schemas/regions").glob("*/words")):
        subject = partial(_name_region_text, folder.parent.name)
        path = (folder / f"{language}.json").relative_to(tree).as_posix()
        yield from _json(tree, path, "Region", subject)


def _guidance(language: str, tree: Path) -> Iterator[Document]:
    for folder in (tree / "schemas/guidance", *sorted((tree / "schemas/regions").glob("*/guidance"))):
        heads = dict(read_heads(folder, [], ()))
        path = (folder / "words" / f"{language}.json").relative_to(tree).as_posix()
        yield from _json(tree, path, "Guidance", partial(_name_guidance, heads))
        for id, head in heads.items():
            file = folder / "bodies" / language / f"{id}.md"
            path = file.relative_to(tree).as_posix()
            if (one := read_translation(path, file, head.body, [])) is not None:
                yield BodyDocument(
                    path=path,
                    sheet="Guidance",
                    title=head.values["title"],
                    original=head.body,
                    body=one.body,
                    of=one.of,
                    draft=one.draft,
                )


def _workbooks(language: str, tree: Path) -> Iterator[Document]:
    folder = Path("adapters/sheet/words")
    english = json.loads((tree / folder / f"{ENGLISH}.json").read_text(encoding="utf-8"))
    subject = partial(_name_workbook_text, english)
    yield from _json(tree, (folder / f"{language}.json").as_posix(), "Workbooks", subject)


# --- the English of a place ----------------------------------------------------------------------------------------


def _name_label(place: tuple[str, ...]) -> Subject | None:
    english: Mapping[str, Any] = load_labels(ENGLISH).file
    match place:
        case ("messages", name):
            return _say(english["messages"].get(name, name), "name of a message")
        case ("fields", name):
            member = name.rpartition(":")[2].rpartition(".")[2]
            label = english["fields"].get(name) or english["fields"].get(member, member)
            return _say(label, f"field {name}: {'; '.join(_collect_meanings()[member][:2])}".rstrip(": "))
        case ("lists", name, "title") if name in code_lists():
            return _say(code_list(name).title[ENGLISH], "title of a list of codes")
        case ("lists", name, "codes", code) if name in code_lists():
            found = next((entry.labels[ENGLISH] for entry in code_list(name).codes if entry.code == code), code)
            return _say(found, f"a code of the list {code_list(name).title[ENGLISH]}")
        case ("meanings", meaning):
            return _say(meaning, "what a field means, below the field", LONGEST_MEANING)
    return None


@cache
def _collect_meanings() -> Mapping[str, Sequence[str]]:
    """Collect what a member of each name means in the published schemas, in English."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for file in resources.list_json_files("published"):
        for members in find_values("properties", resources.read_json(f"published/{file}.json")):
            for name, schema in members.items():
                if isinstance(text := schema.get("description"), str):
                    found[name][text] = None
    return defaultdict(tuple, {name: tuple(texts) for name, texts in found.items()})


def _name_row(language: str, place: tuple[str, ...]) -> Subject | None:
    if place[0] != language or place[1] not in _ROW:
        return None
    return _say(str(getattr(load_languages()[ENGLISH], place[1])), _ROW[place[1]])


def _name_region_text(region: str, place: tuple[str, ...]) -> Subject | None:
    if place[0] != "texts":
        return None
    return _say(place[1], f"a step, a duty or a name of the region {region}", LONGEST_LINE)


def _name_guidance(heads: Mapping[str, Head], place: tuple[str, ...]) -> Subject | None:
    match place:
        case ("texts", id, "title" | "keywords" | "summary" as member) if id in heads:
            said = heads[id].values
            about = "words by which it is found, with commas" if member == "keywords" else member
            longest = LONGEST_TITLE if member == "title" else LONGEST_LINE
            return _say(said[member], f"{said['title']}: {about}", longest)
    return None


def _name_workbook_text(english: Mapping[str, Any], place: tuple[str, ...]) -> Subject | None:
    if place[0] not in _PARTS:
        return None
    value: Any = english
    for step in place:
        value = value[int(step)] if isinstance(value, list) else value.get(step, step)
    return _say(str(value), _PARTS[place[0]], LONGEST_SHEET if place[0] == "pages" else LONGEST_LINE)


def _say(english: str, context: str, longest: int = LONGEST) -> Subject:
    return Subject(english=english, context=context, longest=longest)
