"""Decode a text file whose encoding nothing states: Unicode where it is, else the one code page that yields words.

A spreadsheet program saves CSV in the code page of its machine and does not say which. Only a handful can be meant
here, one for each script of the nine languages, so each is tried, and judged by whole words: their letters belong to
one language, capitals stand where capitals stand, and a longer word has a vowel. Two code pages that yield the same
text are no question. Where two different texts are as good, nothing is guessed and a person names the encoding.
"""

from __future__ import annotations

import codecs
import re
import string
import unicodedata
from dataclasses import dataclass
from typing import Literal

from adapters.sheet.table import UnreadableError

CODE_PAGES = {
    "cp1252": ("àâæçéèêëîïôœùûüÿ", "áéíóúüñ", "àèéìíòóùú", "ëç"),
    "cp1250": ("ąćęłńóśźż", "ëç"),
    "cp1251": ("абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",),
    "cp1253": ("αάβγδεέζηήθιίϊΐκλμνξοόπρσςτυύϋΰφχψωώ",),
    "cp1256": ("ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي",),
}
"""The letters beyond ASCII of each language that is written in a code page, in small letters; French, Spanish, Italian
and Albanian in the first, Polish (and Albanian) in the second.
"""

Encoding = Literal["utf-8", "utf-16", "cp1250", "cp1251", "cp1252", "cp1253", "cp1256"]
"""What a person may name."""
ENOUGH = 0.8
"""The share of words that have to be right; a list also holds names and words of other languages."""

_ASCII = string.ascii_letters
_WORDS = 20_000
"""Different words by which a file is judged."""
_LETTERS = re.compile(rb"[A-Za-z\x80-\xff]+")
_WORD = re.compile(r"[^\W\d_]+")
_VOWELS = frozenset("aeiouyαεηιουωаеиіоуюяєї")
_SIGNS = frozenset("\N{NO-BREAK SPACE}«»“”‘’„‚–—…№°·،؛؟¿¡€")
"""What these languages write beside letters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A text, the encoding that it was read in, and whether that was guessed."""

    text: str
    encoding: str
    guessed: bool = False


def decode_text(data: bytes, encoding: str | None = None) -> Decoded:
    """Decode a file in `encoding`, or in the one that it shows.

    Raises UnreadableError: bad_encoding where it is not in the encoding that a person named, encoding_unclear where
    more than one could be meant or none is known.
    """
    if encoding is not None:
        return Decoded(text=_decode_as(data, encoding), encoding=encoding)
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return Decoded(text=_decode_as(data, name), encoding=name)
    if (text := _attempt(data, "utf-8")) is not None and "\0" not in text:
        return Decoded(text=text, encoding="utf-8")
    return _guess(data)


def _decode_as(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError) as exc:
        hint = f"it is not in {encoding}; save the file as CSV UTF-8, or name its encoding"
        raise UnreadableError("bad_encoding", hint) from exc


def _attempt(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _guess(data: bytes) -> Decoded:
    """Choose the code page in which the largest share of the words is right."""
    words = dict.fromkeys(word for word in _LETTERS.findall(data) if not word.isascii())
    evidence = b"\n".join(list(words)[:_WORDS])
    found: dict[str, tuple[float, str]] = {}
    for encoding, alphabets in CODE_PAGES.items() if b"\0" not in data else ():
        text = _attempt(evidence, encoding)
        if text is not None and text not in found:
            found[text] = max(share_of_words(text, letters) for letters in alphabets), encoding
    best = max((share for share, _ in found.values()), default=0.0)
    chosen = [encoding for share, encoding in found.values() if share == best]
    if best < ENOUGH or len(chosen) > 1:
        hint = "save the file as CSV UTF-8, or name its encoding, such as cp1251"
        raise UnreadableError("encoding_unclear", hint)
    return Decoded(text=_decode_as(data, chosen[0]), encoding=chosen[0], guessed=True)


def share_of_words(text: str, letters: str) -> float:
    """Return the share of right words among the words and signs beyond ASCII; 0 where there are none."""
    latin = _ASCII if unicodedata.name(letters[0]).startswith("LATIN") else ""  # no word mixes two scripts
    allowed = frozenset(letters + letters.upper() + latin)
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    signs = [sign for sign in text if not sign.isascii() and not sign.isalpha()]
    right = sum(_is_word(word, allowed) for word in words) + sum(sign in _SIGNS for sign in signs)
    return right / max(len(words) + len(signs), 1)


def _is_word(word: str, allowed: frozenset[str]) -> bool:
    if not allowed.issuperset(word):
        return False
    if word.lower() == word.upper():  # Arabic has neither capitals nor, in writing, most vowels
        return True
    plain = unicodedata.normalize("NFD", word.lower())
    cased = word.islower() or word.isupper() or word.istitle()
    return cased and (len(word) < 4 or not _VOWELS.isdisjoint(plain)) and not _is_odd_greek(plain)


def _is_odd_greek(word: str) -> bool:
    """Whether a Greek word has two accents, or the sigma of the end elsewhere, as Cyrillic read as Greek does."""
    letters = [letter for letter in word if "α" <= letter <= "ω"]
    ends_wrong = word.endswith("σ") and any(letter != "σ" for letter in letters)
    return bool(letters) and (word.count("\u0301") > 1 or "ς" in word[:-1] or ends_wrong)
