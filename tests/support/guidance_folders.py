"""Folders of guidance with one text, and the faults of a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import RefusedError
from schemas.guidance import load_general_texts, load_sources, load_texts

HEAD = """---
title: A text
stages: referral
roles: case_manager
topics: data
version: 1
written: 2026-01-01
review_by: 2027-01-01
sources: gdpr
keywords: word, other word
summary: One sentence. Another one.
---

What to do.
"""


def guidance_folder(tmp_path: Path, text: str = HEAD, name: str = "a-text.md") -> Path:
    """A folder with one text."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / name).write_text(text, encoding="utf-8")
    return tmp_path


def folder_faults(path: Path) -> list[tuple[str, str]]:
    """What is wrong in a folder: place and rule."""
    with pytest.raises(RefusedError) as refused:
        load_texts(path, "own guidance", load_sources(), load_general_texts())
    return [(finding.place, finding.rule) for finding in refused.value.findings]
