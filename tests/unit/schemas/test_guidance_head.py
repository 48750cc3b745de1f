"""Heads of guidance texts: one fault, told with its place."""

from __future__ import annotations

import pytest
from support.guidance_folders import HEAD, folder_faults, guidance_folder


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("title: A text\n", "", ("texts/a-text.md#title", "required")),
        ("title: A text", f"title: {'x' * 121}", ("texts/a-text.md#title", "too_long")),
        ("topics: data", "topics: data\ncolour: red", ("texts/a-text.md:6", "head")),
        ("title: A text", "title: A text\ntitle: Another", ("texts/a-text.md:3", "head")),
        ("stages: referral", "stages: arrival", ("texts/a-text.md#stages/0", "unknown_code")),
        ("roles: case_manager", "roles: case_manager, boss", ("texts/a-text.md#roles/1", "unknown_code")),
        ("topics: data", "topics: data, data", ("texts/a-text.md#topics", "twice")),
        ("topics: data", "topics: ,", ("texts/a-text.md#topics", "list")),
        ("version: 1", "version: 1.2", ("texts/a-text.md#version", "number")),
        ("written: 2026-01-01", "written: January", ("texts/a-text.md#written", "day")),
        ("sources: gdpr", "sources: a-blog", ("texts/a-text.md#sources/0", "unknown_code")),
        ("sources: gdpr", "sources: gdpr\ncountries: XX", ("texts/a-text.md#countries/0", "unknown_code")),
        ("sources: gdpr", "sources: gdpr\nbetween: AL, XX", ("texts/a-text.md#between/1", "unknown_code")),
        ("sources: gdpr", "sources: gdpr\nbetween: AL", ("texts/a-text.md#between", "pair")),
        ("sources: gdpr", "sources: gdpr\nbetween: AL, GR, IT", ("texts/a-text.md#between", "pair")),
        ("sources: gdpr", "sources: gdpr\nbetween: AL, GR\ncountries: IT", ("texts/a-text.md#between", "pair")),
        ("sources: gdpr", "sources: gdpr\nlanguage: xx", ("texts/a-text.md#language", "unknown_language")),
        ("---\n\nWhat to do.", "What to do.", ("texts/a-text.md", "no_head")),
        ("What to do.", "", ("texts/a-text.md", "empty")),
        ("What to do.", "What to \u202edo.", ("texts/a-text.md", "text_bidi")),
        ("What to do.", "x" * 40_000, ("texts/a-text.md", "no_head")),
    ],
)
def test_one_fault_each(tmp_path, old, new, fault):
    """Each is told with its place, and nothing of the folder is used."""
    assert old in HEAD
    assert folder_faults(guidance_folder(tmp_path, HEAD.replace(old, new, 1))) == [fault]
