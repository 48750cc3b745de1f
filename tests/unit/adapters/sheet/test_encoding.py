"""Text files without a stated encoding: read where one alone can be meant, asked where not, never mixed up."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sheets import pull_sheet, sheet_adapter
from support.workbooks import LABELS, csv

from adapters.sheet.encoding import Decoded, decode_text
from adapters.sheet.table import UnreadableError
from schemas.labels import load_labels, load_languages

WRITTEN_IN = [
    ("fr", "cp1252"),
    ("es", "cp1252"),
    ("it", "cp1252"),
    ("sq", "cp1252"),
    ("sq", "cp1250"),
    ("pl", "cp1250"),
    ("uk", "cp1251"),
    ("el", "cp1253"),
    ("ar", "cp1256"),
]


def labels_of(language: str) -> list[str]:
    """Return the labels of every code of a language."""
    lists = load_labels(language).file["lists"]
    return [text for name in sorted(lists) for text in lists[name]["codes"].values()]


@pytest.mark.parametrize(("language", "encoding"), WRITTEN_IN)
@pytest.mark.parametrize("size", [4, 100])
def test_a_code_page_is_concluded_from_words_or_asked(language: str, encoding: str, size: int) -> None:
    """Over all labels of a language, in pieces: never another text than the right one; asked at times."""
    labels, right, asked = labels_of(language), 0, 0
    for start in range(0, len(labels), size):
        data = "\r\n".join(labels[start : start + size]).encode(encoding, "ignore")
        if data.isascii():
            continue
        try:
            found = decode_text(data)
        except UnreadableError as exc:
            assert exc.finding.rule == "encoding_unclear"
            asked += 1
        else:
            assert (found.text, found.guessed) == (data.decode(encoding), True)
            right += 1
    assert right > (asked if size < 20 else 3 * asked)


def test_unicode_is_no_guess() -> None:
    """UTF-8 with and without its mark, UTF-16 with it: the text, and no word about an encoding."""
    text = "Prénom;Ім'я;Όνομα\r\n"
    assert decode_text(text.encode()) == Decoded(text=text, encoding="utf-8")
    for encoding in ("utf-8-sig", "utf-16"):
        assert decode_text(text.encode(encoding)) == Decoded(text=text, encoding=encoding)
    assert set(load_languages()) == {language for language, _ in WRITTEN_IN} | {"en"}


@pytest.mark.parametrize(
    "data",
    [
        "řeč, šíře a žluťoučký kůň".encode("cp1250"),
        "3".encode("utf-16-le") + b"\xff",
        "\u0131\u015f\u0131k".encode("cp1254"),
        "б".encode("cp1251"),
    ],
    ids=["czech", "zeros", "turkish", "one letter"],
)
def test_what_can_not_be_told_is_asked(data: bytes) -> None:
    """A language of no code page here, bytes of no text, and evidence for two alphabets."""
    with pytest.raises(UnreadableError) as caught:
        decode_text(data)
    assert caught.value.finding.rule == "encoding_unclear" and "name its encoding" in caught.value.finding.hint


def test_what_a_person_named_is_believed_or_refused() -> None:
    """A word that two alphabets share is read as said; bytes that the named encoding does not have are refused."""
    assert decode_text("б".encode("cp1251"), "cp1251").text == "б"
    with pytest.raises(UnreadableError) as caught:
        decode_text("б".encode("cp1251"), "utf-8")
    assert caught.value.finding.rule == "bad_encoding"


async def test_the_line_list_says_what_it_concluded(tmp_path: Path) -> None:
    """The rows come; the check names the encoding until a person has confirmed it."""
    data = (
        csv([LABELS, ["R-1", "Yes", "Оксана Коваленко", "1994-05-06", "F", "2", "0017", ""]]).decode().encode("cp1251")
    )
    (record,) = await pull_sheet(tmp_path, data, ".csv")
    assert record.fields["Name"] == "Оксана Коваленко"
    told = [
        finding for finding in await sheet_adapter(tmp_path, data, ".csv").check() if finding.rule != "open_to_others"
    ]
    assert [finding.rule for finding in told] == ["encoding_guessed"] and "cp1251" in told[0].hint
    assert await sheet_adapter(tmp_path, data, ".csv", encoding="cp1251").check() == []
