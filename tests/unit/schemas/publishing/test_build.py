"""The derived files: reproducible, complete, and unchangeable once released."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Code, RefusedError
from schemas.publishing.build import build_derived_files, file_name, list_released

PACKAGE = Path(__file__).resolve().parents[4] / "schemas"
RELEASES = Path(__file__).resolve().parents[3] / "data"
"""One folder for each release; its `released.json` is the file as that release had it."""


def sha256_hex(data: bytes) -> str:
    """What `keys.primitives.encoding` offers, here without it."""
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the package's data of which nothing was released that a source still makes, free to be changed."""
    for folder in ("source", "fragments", "codes", "published"):
        shutil.copytree(PACKAGE / folder, tmp_path / folder)
    shutil.copy(PACKAGE / "catalogue.json", tmp_path / "catalogue.json")
    made = {file_name(json.loads(path.read_bytes())) for path in (PACKAGE / "source").glob("*.json")}
    released = json.loads((PACKAGE / "released.json").read_bytes())
    kept = {name: digest for name, digest in released.items() if name not in made}
    (tmp_path / "released.json").write_text(json.dumps(kept))
    return tmp_path


def edit(path: Path, **changes: Any) -> None:
    """Change members of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_committed_files_are_up_to_date() -> None:
    """What is in the repository is what the sources make."""
    assert build_derived_files(PACKAGE, sha256_hex, check=True) == []


def test_builds_the_same_bytes_from_nothing(root: Path) -> None:
    """Without any derived file but those that only a release holds, exactly the committed ones come out."""
    kept = json.loads((root / "released.json").read_bytes())
    for path in (root / "published").glob("*.json"):
        if path.name not in kept:
            path.unlink()
    (root / "catalogue.json").unlink()
    build_derived_files(root, sha256_hex, check=False)
    for path in (PACKAGE / "published").glob("*.json"):
        assert path.read_bytes() == (root / "published" / path.name).read_bytes()
    assert (PACKAGE / "catalogue.json").read_bytes() == (root / "catalogue.json").read_bytes()


def test_check_writes_nothing(root: Path) -> None:
    """With check, differences are told and the files stay as they were."""
    edit(root / "source" / "stats.request.1.json", title="No")
    before = {path: path.read_bytes() for path in root.rglob("*.json")}
    assert build_derived_files(root, sha256_hex, check=True) == [
        "catalogue.json",
        "published/stats.request.1.2.json",
    ]
    assert before == {path: path.read_bytes() for path in root.rglob("*.json")}


def test_file_without_source_is_found_and_removed(root: Path) -> None:
    """A published file that nothing makes any more is told, then deleted."""
    stray = root / "published" / "old.1.1.json"
    stray.write_text("{}\n")
    assert build_derived_files(root, sha256_hex, check=True) == ["published/old.1.1.json has no source"]
    build_derived_files(root, sha256_hex, check=False)
    assert not stray.exists()


def test_released_file_cannot_change(root: Path) -> None:
    """After a release a source that would change a published file is refused, and nothing is written."""
    (root / "released.json").write_bytes(list_released(root, sha256_hex))
    assert build_derived_files(root, sha256_hex, check=True) == []
    edit(root / "source" / "stats.request.1.json", title="No")
    with pytest.raises(RefusedError, match="released and would change") as caught:
        build_derived_files(root, sha256_hex, check=False)
    assert caught.value.code == Code.INVALID


@pytest.mark.parametrize("kept", sorted(RELEASES.glob("*/released.json")), ids=lambda path: path.parent.name)
def test_a_release_stays_as_it_was(kept: Path) -> None:
    """`released.json` still has every file of each release with the hash it had then, and the file has that hash."""
    published = json.loads(kept.read_text())
    assert published
    listed = json.loads((PACKAGE / "released.json").read_text())
    assert {name: listed.get(name) for name in published} == published
    files = {name: f"sha256:{sha256_hex((PACKAGE / 'published' / name).read_bytes())}" for name in published}
    assert files == published


def test_new_code_after_a_release_needs_a_new_revision(root: Path) -> None:
    """A code list is part of each schema that uses it, so adding a code changes released files."""
    (root / "released.json").write_bytes(list_released(root, sha256_hex))
    codes = json.loads((root / "codes" / "withdraw_reason.json").read_text())["codes"]
    edit(root / "codes" / "withdraw_reason.json", codes=[*codes, {"code": "moved", "labels": {"en": "Moved"}}])
    with pytest.raises(RefusedError, match=r"referral\.withdraw\.1\.\d\.json"):
        build_derived_files(root, sha256_hex, check=True)


def test_new_revision_stands_beside_the_released_one(root: Path) -> None:
    """With a higher revision both files are published and both are in the catalogue."""
    (root / "released.json").write_bytes(list_released(root, sha256_hex))
    edit(root / "source" / "stats.request.1.json", title="No", revision=3)
    assert build_derived_files(root, sha256_hex, check=False) == [
        "catalogue.json",
        "published/stats.request.1.3.json",
    ]
    entries = json.loads((root / "catalogue.json").read_text())
    declines = [(e["revision"], e["file"]) for e in entries if e["body_type"] == "stats.request/1"]
    assert declines == [(n, f"stats.request.1.{n}.json") for n in (1, 2, 3)]


def test_label_changes_no_schema(root: Path) -> None:
    """Labels can be reworded and translated without a new revision of anything."""
    path = root / "codes" / "priority.json"
    value = json.loads(path.read_text())
    value["codes"][0]["labels"] = {"en": "At once", "fr": "Tout de suite"}
    path.write_text(json.dumps(value))
    assert build_derived_files(root, sha256_hex, check=True) == []


def test_retired_code_leaves_the_next_revision(root: Path) -> None:
    """A retired code keeps its labels and is offered by no schema made after that."""
    path = root / "codes" / "withdraw_reason.json"
    value = json.loads(path.read_text())
    value["codes"][0]["retired"] = True
    path.write_text(json.dumps(value))
    build_derived_files(root, sha256_hex, check=False)
    newest = max((root / "published").glob("referral.withdraw.1.*.json"))
    schema = json.loads(newest.read_text())
    assert value["codes"][0]["code"] not in schema["$defs"]["code.withdraw_reason"]["enum"]
