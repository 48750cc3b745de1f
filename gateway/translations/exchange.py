"""Out into the workbook of a language, and what was reviewed in it back into the files.

Importing takes row by row: only what is marked as reviewed, only where English and wording are still those of the
export, and only a wording that breaks no rule. What is not taken is named by its cell, and its text stays as it was. A
file of which every text is reviewed is marked as reviewed, and one of which a text no longer is as a draft.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from gateway.errors import Code, Finding, RefusedError
from gateway.translations.documents import Document, Text
from gateway.translations.punctuation import find_unusual_signs
from gateway.translations.reviews import FOLDER, Review, Reviews, digest_pair, is_reviewed, read_reviews, render_reviews
from gateway.translations.tree import ROOT, open_documents
from gateway.translations.workbook import Row, clean_text, read_workbook, write_workbook
from schemas.codelists import ENGLISH
from schemas.labels import DRAFT, REVIEWED, Language, find_language
from schemas.text import HINTS, text_faults

LONGEST_REMARK, LONGEST_NAME = 1_000, 100
"""Characters of a remark, and of what a reviewer wishes to be called."""

Place: TypeAlias = tuple[str, str]
"""The path of a file and the key of a text in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of a workbook. `files` have new content, by their path in the tree. `taken` are wordings and reviews
    that are new; `unmarked` are new wordings that nobody marked as reviewed. `left` are texts that changed meanwhile or
    are gone, `refused` are faults of cells. `reviewed` of `total` texts of the language are reviewed afterwards.
    """

    language: str
    files: Mapping[str, str]
    taken: int
    unmarked: int
    left: Sequence[Finding]
    refused: Sequence[Finding]
    reviewed: int
    total: int


def export_words(language: str, tree: Path = ROOT) -> bytes:
    """Write the workbook of a language.

    Raises:
        RefusedError: not_found for a language that this installation does not have, invalid for English.
    """
    spoken = _find_translated(language)
    reviews = read_reviews(tree, language)
    rows = [make_row(document, text, reviews) for document in open_documents(language, tree) for text in document.texts]
    return write_workbook(language, spoken.name, rows, right_to_left=spoken.direction == "rtl")


def import_words(data: bytes, tree: Path = ROOT) -> Imported:
    """Compare a workbook with the files of its language, and make the new content of those that change. Nothing is
    written.

    Raises:
        RefusedError: invalid, for a file that is no workbook of this kit; not_found, for its language.
    """
    language, rows = read_workbook(data)
    _find_translated(language)
    taking = _Taking(language, open_documents(language, tree), read_reviews(tree, language))
    for row in rows:
        taking.take(row)
    return taking.finish()


def make_row(document: Document, text: Text, reviews: Reviews) -> Row:
    """Make the row of a text as it stands now."""
    said = reviews.get((document.path, text.key), Review())
    return Row(
        sheet=document.sheet,
        context=text.context,
        english=text.english,
        wording=text.wording,
        status=REVIEWED if is_reviewed(document, text, reviews) else DRAFT,
        reviewer=said.reviewer,
        remark=said.remark,
        path=document.path,
        key=text.key,
        before=text.wording,
    )


def _find_translated(language: str) -> Language:
    if language == ENGLISH:
        raise RefusedError(
            Code.INVALID,
            "English is what is translated; it stands in the code and in the schemas",
            hint="name another language, such as fr",
        )
    return find_language(language)


class _Taking:
    """The rows of one workbook, taken one after the other."""

    def __init__(self, language: str, documents: Sequence[Document], reviews: Reviews) -> None:
        self._language = language
        self._documents = {document.path: document for document in documents}
        self._texts = {(document.path, text.key): text for document in documents for text in document.texts}
        self._before = reviews
        self._reviewed = {
            place: is_reviewed(self._documents[place[0]], text, reviews) for place, text in self._texts.items()
        }
        self._notes: dict[Place, tuple[str, str]] = {}
        self._wordings: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._left: list[Finding] = []
        self._refused: list[Finding] = []
        self._taken = self._unmarked = 0

    def take(self, row: Row) -> None:
        """Take a row, or note why not."""
        place = (row.path, row.key)
        text = self._texts.get(place)
        if text is None:
            self._left.append(Finding(place=row.cell, rule="gone", hint="no such text is left; export again"))
            return
        if row.english != text.english or clean_text(text.wording) not in (row.wording, clean_text(row.before)):
            hint = "English or wording changed after the export; export again and compare"
            self._left.append(Finding(place=row.cell, rule="changed", hint=hint))
            return
        faults = [Finding(place=row.cell, rule=rule, hint=hint) for rule, hint in self._find_faults(row, text)]
        if faults:
            self._refused += faults
        elif not _is_same(row, make_row(self._documents[row.path], text, self._before)):
            self._accept(row, text)

    def finish(self) -> Imported:
        """Make what the files are to be."""
        files, reviews = dict[str, str](), dict(self._before)
        for path, document in self._documents.items():
            places = {(path, text.key): text for text in document.texts}
            whole = bool(places) and all(self._reviewed[place] for place in places)
            wordings = self._wordings[path]
            if wordings or whole != document.reviewed:
                made = document.render(wordings, reviewed=whole)
                if made != document.render({}, reviewed=document.reviewed):
                    files[path] = made
            for place, text in places.items():
                # a file that was marked as a whole, and no longer is, leaves its mark on each text
                if place in self._notes or (document.reviewed and not whole):
                    reviews[place] = self._make_review(place, text)
        if reviews != self._before:
            files[(FOLDER / f"{self._language}.json").as_posix()] = render_reviews(reviews)
        return Imported(
            language=self._language,
            files=files,
            taken=self._taken,
            unmarked=self._unmarked,
            left=self._left,
            refused=self._refused,
            reviewed=sum(self._reviewed.values()),
            total=len(self._texts),
        )

    def _accept(self, row: Row, text: Text) -> None:
        place = (row.path, row.key)
        changed = row.wording != clean_text(text.wording)
        if row.status == REVIEWED:
            self._taken += 1
            self._reviewed[place] = True
            if changed:
                self._wordings[row.path][row.key] = row.wording
        else:
            self._unmarked += changed
            self._reviewed[place] = False
        self._notes[place] = (row.reviewer, row.remark)

    def _make_review(self, place: Place, text: Text) -> Review:
        kept = self._before.get(place, Review())
        reviewer, remark = self._notes.get(place, (kept.reviewer, kept.remark))
        wording = self._wordings[place[0]].get(place[1], text.wording)
        of = digest_pair(text.english, wording) if self._reviewed[place] else ""
        return Review(of=of, reviewer=reviewer, remark=remark)

    def _find_faults(self, row: Row, text: Text) -> Iterator[tuple[str, str]]:
        if row.status not in (DRAFT, REVIEWED):
            yield "status", f"{DRAFT} or {REVIEWED}"
        if len(row.remark) > LONGEST_REMARK or len(row.reviewer) > LONGEST_NAME:
            yield "note", f"a remark of at most {LONGEST_REMARK} characters, a reviewer of {LONGEST_NAME}"
        if row.status != REVIEWED:
            return
        if row.defect:
            yield row.defect, "type the text itself: a formula is not computed here"
        if not row.wording:
            yield "empty", "a wording; of a plural every form"
            return
        for rule in text_faults(row.wording):
            yield rule, HINTS[rule]
        for sign in find_unusual_signs(self._language, row.wording):
            yield "punctuation", f"as this language writes: {sign}"
        yield from self._documents[row.path].find_faults(text, row.wording)


def _is_same(row: Row, now: Row) -> bool:
    """Whether a row says what the files say now."""
    said = (row.wording, row.status, row.reviewer, row.remark)
    return said == (clean_text(now.wording), now.status, now.reviewer, now.remark)
