"""The words by which a case is found, before they are hashed (pure).

    said/blue      a beginning of a word of what people call the case or the person, or of a reference of either side
    unit/shelter   a unit that looks after it
    worker/...     the person who does
    language/ar    a language of the person
    stage/return   where a conversation stands in the procedure
    kept           people said who looks after it
    flagged        somebody set a flag

The database holds keyed hashes of them (nrm1 13.1): equal words are seen to be equal, and nothing else. No word of a
message but what it calls the person is among them.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.foundation.text_search import normal, words

KEPT, FLAGGED = "kept", "flagged"
LONGEST = 16
"""Letters of a word by which it is found; a longer one is found by its beginning."""
FEWEST = 2
"""Letters of the shortest beginning; a shorter word is found whole."""
MOST = 64
"""Words of one case that are kept, so that a long text of a peer costs no more."""


def unit(id: str) -> str:
    """Name a unit that looks after a case."""
    return f"unit/{id}"


def worker(person: str) -> str:
    """Name the person who looks after a case."""
    return f"worker/{person}"


def language(code: str) -> str:
    """Name a language of the person, without its script or region."""
    return f"language/{code.partition('-')[0].lower()}"


def stage(name: str) -> str:
    """Name a stage of the procedure."""
    return f"stage/{name}"


def said(texts: Iterable[object]) -> frozenset[str]:
    """Every beginning by which somebody may look for these texts: of what stands between spaces, as `F-2` or a
    reference, and of each word in it. What is no text says nothing.
    """
    pieces = (piece for text in texts if isinstance(text, str) for piece in text.split())
    whole = dict.fromkeys(word[:LONGEST] for piece in pieces for word in (_joined(piece), *words(piece)) if word)
    return frozenset(_said(word[:size]) for word in list(whole)[:MOST] for size in _sizes(word))


def asked(text: str) -> frozenset[str]:
    """What all has to be there of a case for this question; nothing where it holds no word."""
    return frozenset(_said(word[:LONGEST]) for piece in text.split() if (word := _joined(piece)))


def _joined(piece: str) -> str:
    """Write letters and digits together, in the spelling that is compared."""
    return "".join(letter for letter in normal(piece) if letter.isalnum())


def _sizes(word: str) -> range:
    return range(min(FEWEST, len(word)), len(word) + 1)


def _said(word: str) -> str:
    return f"said/{word}"
