"""The file of a case history: the words of its page, the same bytes for the same moment, readable in each script."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from pypdf import PdfReader
from support.played_history import FAY, HISTORY

from gateway.console.papers.case_history import HistoryText
from gateway.console.papers.paper import Paper
from gateway.console.papers.pdf import LACKING, Foot, Look, print_paper
from gateway.console.words import load_words

MARK = "FR-2026-0412, France"


def write(language: str, found: Mapping[str, Any] = HISTORY) -> Paper:
    """The paper in one language."""
    words = load_words(language)
    return HistoryText(found, words, lambda at: words.time(at, 0)).write()


def draw(paper: Paper, language: str = "en") -> bytes:
    """Its file."""
    words = load_words(language)
    foot = Foot(words("Page %(page)s of %(pages)s"), MARK)
    to_left = words.language.direction == "rtl"
    return print_paper(paper, Look(language=language, to_left=to_left, foot=foot, at=HISTORY["now"]))


def pages(data: bytes) -> list[str]:
    """The text of each page, its blanks evened out."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(data)).pages]


def every_text(paper: Paper) -> list[str]:
    """Everything that a paper says."""
    cells = [cell for table in paper.tables for row in (table.heads, *table.rows) for cell in row]
    pairs = [text for pair in (*paper.answers, *paper.proof) for text in pair]
    return [paper.title, paper.verdict, paper.detail, paper.proof_title, *paper.about, *pairs, *cells]


@pytest.mark.parametrize("language", ["en", "fr", "pl", "el", "uk", "sq"])
def test_it_says_what_the_page_says(language: str) -> None:
    """Every text of the paper; a cell that is broken over lines is read without its blanks."""
    paper = write(language)
    said = "".join("".join(pages(draw(paper, language))).split())
    assert [text for text in every_text(paper) if "".join(text.split()) not in said] == []
    assert LACKING not in said


def test_a_log_that_nobody_witnessed_is_called_so() -> None:
    """In a word: a dash would say that it does not apply."""
    log = {**HISTORY["log"], "witnessed": None, "partly_witnessed": None}
    assert "nobody" in every_text(write("en", {**HISTORY, "log": log}))


def test_arabic_is_shaped_and_runs_from_right_to_left() -> None:
    """Each letter is there, and the columns begin at the right: the number of an entry stands left of its time."""
    paper = write("ar")
    reader = PdfReader(io.BytesIO(draw(paper, "ar")))
    assert reader.trailer["/Root"]["/Lang"] == "ar"
    said = "".join(page.extract_text() for page in reader.pages)
    assert set("".join("".join(every_text(paper)).split())) - set(said) == set()
    places: dict[str, float] = {}

    def see(text: str, _state: Any, at: list[float], _font: Any, _size: Any) -> None:
        places.update(dict.fromkeys(text.split(), at[4]))

    reader.pages[0].extract_text(visitor_text=see)
    assert places["4206"] < places["14:12"]


def test_the_verdict_and_the_answers_open_the_first_page_and_each_foot_tells_its_page() -> None:
    """Also where there are more pages than one thinks."""
    many = HISTORY | {"acts": [one | {"entry": n} for n, one in enumerate(HISTORY["acts"] * 12, 1)]}
    told = pages(draw(write("en", many)))
    order = [told[0].index(word) for word in ("Complete and unchanged", "96 acts", "1 consent", "By whom")]
    assert order == sorted(order)
    assert len(told) > 3
    for n, page in enumerate(told, 1):
        assert f"{MARK}. Page {n} of {len(told)}" in page
    assert all("By whom" in page for page in told[:3])


def test_the_same_moment_makes_the_same_bytes() -> None:
    """Twice the same; another moment is another file. Its title and language are said."""
    first, again = draw(write("fr"), "fr"), draw(write("fr"), "fr")
    assert first == again
    reader = PdfReader(io.BytesIO(first))
    assert reader.metadata is not None and reader.metadata.title == "Historique du dossier FR-2026-0412"
    assert reader.trailer["/Root"]["/Lang"] == "fr"


def test_what_the_fonts_lack_is_seen_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A name in another script becomes signs; what turns a line round does too. No log has a letter of it."""
    acts = [HISTORY["acts"][1] | {"by": [FAY | {"name": "明子 Fay\u202e"}]}]
    with caplog.at_level(logging.DEBUG):
        (first, *_) = pages(draw(write("en", HISTORY | {"acts": acts})))
    assert "明" not in first and "\u202e" not in first and "Fay" in first
    assert "明" not in caplog.text and "子" not in caplog.text
