"""The section of the adapter is judged by the kind it names; mapping files are read strictly."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import yaml

from adapters.kit import kind as kinds
from adapters.sheet import SheetAdapter, htcds
from gateway.errors import Code, RefusedError
from gateway.foundation.config import AdapterSection
from gateway.mapping import case_system


def section(**keys: object) -> AdapterSection:
    """What stands under `[adapter]`."""
    return AdapterSection.model_validate(keys)


def refused(code: Code) -> pytest.RaisesExc[RefusedError]:
    """Expect a RefusedError with this code."""
    return pytest.RaisesExc(RefusedError, check=lambda error: error.code is code)


def test_a_case_system_is_read_whole(tmp_path: Path):
    """Kind, settings, mapping files by name, and the adapter that belongs to them."""
    found = case_system.read(section(kind="sheet", path=str(tmp_path / "cases.xlsx")), tmp_path / "node")
    assert set(found.mappings) == {"htcds-2-0", "htcds-2-0-enquiry"}
    assert isinstance(found.adapter(), SheetAdapter)


def test_both_mapping_files_of_a_line_list_may_be_the_offices(tmp_path: Path):
    """What an office answers about its columns stands in a file of its own, for enquiries too."""
    own = {}
    for key, included in (("mapping", htcds.MAPPING), ("enquiry_mapping", htcds.ENQUIRY_MAPPING)):
        own[key] = str(tmp_path / included.name)
        Path(own[key]).write_text(included.read_text(encoding="utf-8").replace("name: htcds", "name: ours"), "utf-8")
    found = case_system.read(section(kind="sheet", path=str(tmp_path / "cases.xlsx"), **own), tmp_path / "node")
    assert set(found.mappings) == {"ours-2-0", "ours-2-0-enquiry"}


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ({"kind": "folder", "path": "/x", "limit": 5}, "adapter.limit"),
        ({"kind": "folder"}, "adapter.path"),
        ({"kind": "folder", "path": "/x", "mapping": "/y"}, "adapter.mapping"),
        ({"kind": "sheet", "path": 7}, "adapter.path"),
        ({"kind": "sheet", "path": "/x", "language": "xx"}, "adapter.language"),
    ],
)
def test_a_fault_is_named_by_its_path(tmp_path: Path, keys: dict[str, object], place: str):
    """What the kind does not know, lacks or can not use; no value is repeated."""
    with refused(Code.INVALID) as caught:
        case_system.read(section(**keys), tmp_path)
    assert [place] == [finding.place for finding in caught.value.findings]


def test_a_kind_that_is_not_installed_is_refused(tmp_path: Path):
    """Its place is told, and what there is."""
    with refused(Code.NOT_FOUND) as caught:
        case_system.read(section(kind="fax", path="/x"), tmp_path)
    assert [finding.place for finding in caught.value.findings] == ["adapter.kind"]
    assert "folder, sheet" in caught.value.hint or "sheet" in caught.value.hint


@pytest.mark.parametrize(
    ("points", "code"),
    [
        ([("adapters.folder:KIND", "folder"), ("another.place:KIND", "folder")], Code.CONFLICT),
        ([("adapters.nowhere:KIND", "folder")], Code.INVALID),
        ([("adapters.folder:NOTHING", "folder")], Code.INVALID),
        ([("adapters.folder:FolderAdapter", "folder")], Code.INVALID),
        ([("adapters.sheet:KIND", "folder")], Code.INVALID),
    ],
    ids=["two packages", "no module", "no name", "no kind", "another name"],
)
def test_an_offer_that_can_not_be_taken_is_refused(monkeypatch: pytest.MonkeyPatch, points, code: Code):
    """No package takes the place of another, and a broken one is told by name."""
    found = [EntryPoint(name=name, value=value, group=kinds.GROUP) for value, name in points]
    monkeypatch.setattr(kinds, "entry_points", lambda group: found)
    with refused(code):
        kinds.find("folder")


@pytest.mark.parametrize("path", ["cases", "../node/cases", "../node", "link/cases"])
def test_a_case_system_inside_the_node_folder_is_refused(tmp_path: Path, path: str):
    """Its files hold plain text; also by a link or a detour."""
    folder = tmp_path / "node"
    folder.mkdir()
    (folder.parent / "link").symlink_to(folder)
    target = folder.parent / path if path.startswith("link") else folder / path
    with refused(Code.INVALID):
        case_system.read(section(kind="folder", path=str(target)), folder)
    assert case_system.read(section(kind="folder", path=str(folder.parent / "cases")), folder).kind.name == "folder"


# --- mapping files ------------------------------------------------------------------------------------------------


def test_a_key_that_stands_twice_is_refused(tmp_path: Path):
    """YAML itself takes the last one without a word, and a language has become another one."""
    text = htcds.MAPPING.read_text(encoding="utf-8")
    path = tmp_path / "office.yaml"
    twice = text.replace("      Masculine: Masculine\n", "      Masculine: Masculine\n      Masculine: Feminine\n")
    assert twice != text and yaml.safe_load(twice)
    path.write_text(twice, encoding="utf-8")
    with refused(Code.INVALID) as caught:
        case_system.read_mapping(path)
    assert "stands twice" in caught.value.hint


@pytest.mark.parametrize(
    "data",
    [b"a: &x [1]\nb: *x\n", b"\xff\xfe", b"a: [", b"? [a, b]\n: 1\n", b"[" * 5000, b"!!python/name:os.system"],
    ids=["reference", "not UTF-8", "not YAML", "odd key", "deep", "object"],
)
def test_what_is_no_plain_yaml_is_refused(tmp_path: Path, data: bytes):
    """Nothing of the file is run, expanded or believed."""
    path = tmp_path / "office.yaml"
    path.write_bytes(data)
    with refused(Code.INVALID):
        case_system.read_mapping(path)


def test_a_file_without_end_is_refused(tmp_path: Path):
    """More than 1 MiB is no mapping."""
    path = tmp_path / "office.yaml"
    path.write_bytes(b"# \n" * 400_000)
    with refused(Code.TOO_LARGE):
        case_system.read_mapping(path)
