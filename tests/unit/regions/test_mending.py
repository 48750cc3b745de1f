"""What `trm region check --fix` does: what has one right answer, said, and done once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import RefusedError
from gateway.regions.files import PackFiles, read_pack
from gateway.regions.mending import mend_pack
from schemas.region_pack.regions import load_region


def changed(folder: Path, path: str, change: Callable[[dict[str, Any]], object]) -> PackFiles:
    """The pack with one JSON file changed."""
    value = json.loads((folder / path).read_bytes())
    change(value)
    (folder / path).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return read_pack(folder)


def test_a_pack_that_is_right_stays_as_it_is(begun: Callable[..., Path]) -> None:
    """Nothing is done to it, and nothing said."""
    mended = mend_pack(read_pack(begun()))
    assert (mended.changed, mended.done) == ({}, ())


def test_a_policy_gets_its_one_spelling(begun: Callable[..., Path]) -> None:
    """What it says is what it said."""
    folder = begun()
    pack = changed(folder, "policies/two-step.json", lambda value: value["always"].reverse())
    with pytest.raises(RefusedError):
        pack.read()
    mended = mend_pack(pack)
    assert mended.done == ("policies/two-step.json: in the one spelling of a policy; it says the same",)
    assert mended.pack.read().policies["two-step"].always == load_region("tact").policies["two-step"].always
    assert mend_pack(mended.pack).done == ()


def test_words_that_the_program_knows_come_as_drafts(begun: Callable[..., Path]) -> None:
    """A file that was reviewed is a draft again, since nobody has read what came; other words stay."""
    folder = begun()
    title = load_region("tact").procedure.steps[0].title
    path = "words/fr.json"

    def review(value: dict[str, Any]) -> None:
        value["status"] = "reviewed"
        del value["texts"][title["en"]]
        value["texts"]["Of this region alone"] = "De cette région seulement"

    mended = mend_pack(changed(folder, path, review))
    assert mended.done == (f"{path}: 1 text(s) of the program added as drafts; the file is a draft again",)
    value = json.loads(mended.pack.files[path])
    assert value["status"] == "draft" and value["texts"][title["en"]] == title["fr"]
    assert value["texts"]["Of this region alone"] == "De cette région seulement"
    assert list(value["texts"]) == sorted(value["texts"])


def test_a_language_that_is_added_begins_with_what_there_is(begun: Callable[..., Path]) -> None:
    """Its file is made; a language that the program does not speak has none."""
    pack = changed(begun(), "region.json", lambda value: value["languages"].extend(["uk", "bm"]))
    mended = mend_pack(pack)
    assert [*mended.changed] == ["words/uk.json"]
    assert "uk" in mended.pack.read().drafts


def test_a_file_of_another_system_is_read(begun: Callable[..., Path]) -> None:
    """A mark of the byte order, and line ends of two characters."""
    folder = begun()
    data = (folder / "region.json").read_bytes()
    (folder / "region.json").write_bytes(b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"))
    mended = mend_pack(read_pack(folder))
    assert mended.changed == {"region.json": data}


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("policies/two-step.json", b"{"),
        ("policies/two-step.json", b'{"format": "trm-corridor-policy/2"}'),
        ("words/fr.json", b'{"texts": []}'),
        ("words/fr.json", b'{"texts": {"a": 1}}'),
        ("region.json", b"[]"),
        ("region.json", b'{"languages": [1, "../x"]}'),
    ],
)
def test_what_has_no_one_right_answer_is_for_a_person(begun: Callable[..., Path], path: str, content: bytes) -> None:
    """It stays as it is, and the check names it."""
    folder = begun()
    (folder / path).write_bytes(content)
    mended = mend_pack(read_pack(folder))
    assert mended.pack.files[path] == content
    with pytest.raises(RefusedError):
        mended.pack.read()
