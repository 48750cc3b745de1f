"""gateway.cases.words: by which words a case is found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cases import words

FOUND = [
    ("Blue Seven", "blue"),
    ("Blue Seven", "SEV bl"),
    ("F-2", "f-2"),
    ("F-2", "f2"),
    ("4K7N-2QXD-90FT", "4k7n-2qxd-90ft"),
    ("4K7N-2QXD-90FT", "4k7n 2qxd 90ft"),
    ("4K7N-2QXD-90FT", "4K7N-2Q"),
    ("Saint-Denis", "denis"),
    ("Łódź", "lodz"),
    ("Ερένα", "ερενα"),
    ("سميرة", "سمير"),
    ("7", "7"),
]
MISSED = [("Blue Seven", "lue"), ("Blue Seven", "blue eight"), ("F-2", "G-2"), ("Blue", "b"), ("", "blue")]


@pytest.mark.parametrize(("text", "question"), FOUND)
def test_a_beginning_finds(text: str, question: str) -> None:
    """In whatever case and spelling, with or without what stands between the letters."""
    assert words.asked(question) <= words.said([text])


@pytest.mark.parametrize(("text", "question"), MISSED)
def test_nothing_else_does(text: str, question: str) -> None:
    """No middle of a word, no other word, no single letter of a longer one."""
    assert not words.asked(question) <= words.said([text])


@given(st.text(max_size=40))
def test_every_text_finds_itself(text: str) -> None:
    """Whatever somebody wrote: typed again it is found, and so is the beginning of each piece."""
    said = words.said([text])
    assert words.asked(text) <= said
    for piece in text.split():
        (whole,) = words.asked(piece) or {""}
        assert not whole or len(whole) - len("said/") < 2 or whole[: len("said/") + 2] in said


def test_a_long_text_costs_no_more() -> None:
    """A peer may write a reference of any length: 64 words are kept, each with its first sixteen letters."""
    assert len(words.said(["x" * 10_000])) == words.LONGEST - words.FEWEST + 1
    assert len(words.said([" ".join(f"{number:04}" for number in range(10_000))])) <= 3 * words.MOST


def test_what_asks_for_nothing_asks_for_nothing() -> None:
    """Signs alone are no word: they leave nothing out."""
    assert words.asked(" -- ?") == frozenset()


def test_a_language_is_found_without_its_region() -> None:
    """As messages write it, with a script or region."""
    assert words.language("sr-Latn") == words.language("SR")
