"""The data files of the package: read as they lie, each once."""

from __future__ import annotations

import json

import pytest
from support.house import ROOT

from schemas import resources


def test_files_are_those_of_the_package() -> None:
    """Bytes, JSON and names of a folder are what the source tree has."""
    path = ROOT / "schemas" / "languages.json"
    assert resources.read_bytes("languages.json") == path.read_bytes()
    assert resources.read_json("languages.json") == json.loads(path.read_text("utf-8"))
    assert resources.list_json_files("labels") == tuple(
        sorted(p.stem for p in (ROOT / "schemas/labels").glob("*.json"))
    )
    assert {entry.name for entry in resources.open_folder("guidance").iterdir()} >= {"texts", "words", "sources.json"}


def test_json_is_read_once() -> None:
    """Every caller has the same value."""
    assert resources.read_json("search.json") is resources.read_json("search.json")


def test_a_file_that_is_not_there_is_a_fault_of_ours() -> None:
    """Nothing is guessed."""
    with pytest.raises(FileNotFoundError):
        resources.read_json("labels/xx.json")
