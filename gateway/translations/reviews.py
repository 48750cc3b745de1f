"""Who has read which wording: `reviews/XX.json`, one file for each language, by file and key.

A review is of one English and one wording, which it names by a digest. When either changes it is none any more. The
reviewer is called as they wish to be, and may leave it empty; a remark stays whether the wording is reviewed or not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.translations.documents import Document, Text
from schemas.region_pack.guidance_bodies import digest_body

FOLDER = Path("gateway/translations/reviews")


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What was said of a wording. `of` is the digest of what was reviewed; empty while there is only a remark."""

    of: str = ""
    reviewer: str = ""
    remark: str = ""


Reviews = Mapping[tuple[str, str], Review]
"""By path and key."""


def read_reviews(tree: Path, language: str) -> Reviews:
    """Read the reviews of a language; none where nobody has begun."""
    file = tree / FOLDER / f"{language}.json"
    kept = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return {(path, key): Review(**said) for path, texts in kept.items() for key, said in texts.items()}


def render_reviews(reviews: Reviews) -> str:
    """Render the file of the reviews of a language, sorted; what is empty is left out."""
    kept: dict[str, dict[str, dict[str, str]]] = {}
    for (path, key), one in sorted(reviews.items()):
        said = {"of": one.of, "reviewer": one.reviewer, "remark": one.remark}
        if any(said.values()):
            kept.setdefault(path, {})[key] = {name: text for name, text in said.items() if text}
    return json.dumps(kept, ensure_ascii=False, indent=1) + "\n"


def digest_pair(english: str, wording: str) -> str:
    """Compute the digest that names an English text and its wording."""
    return digest_body(f"{english}\0{wording}")


def is_reviewed(document: Document, text: Text, reviews: Reviews) -> bool:
    """Whether a wording was reviewed: by itself, or with its whole file by hand."""
    one = reviews.get((document.path, text.key), Review())
    if one.of:
        return one.of == digest_pair(text.english, text.wording)
    return document.reviewed and text.wording != ""
