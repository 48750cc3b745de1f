"""A package of its own out of the template: complete, named throughout, and never over something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.template.making import make_package
from gateway.errors import Code, RefusedError


def test_the_name_is_everywhere(tmp_path: Path) -> None:
    """In paths, modules, classes and the distribution; nothing is left of the template."""
    folder = make_package("acme_two", tmp_path)
    files = {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}
    assert folder.name == "trm-adapter-acme-two"
    assert {"pyproject.toml", "README.md", "tests/test_contract.py", "trm_adapter_acme_two/adapter.py"} <= set(files)
    assert "class AcmeTwoSettings" in files["trm_adapter_acme_two/settings.py"]
    assert [path for path, text in files.items() if "template" in (path + text).lower()] == []


@pytest.mark.parametrize("name", ["", "Acme", "1acme", "acme-two", "acme_", "template", "a" * 33, "../acme"])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    """Nothing is made."""
    with pytest.raises(RefusedError) as caught:
        make_package(name, tmp_path)
    assert caught.value.code is Code.INVALID
    assert [*tmp_path.iterdir()] == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A folder that is there stays as it is, and so does a kind that is installed."""
    make_package("acme", tmp_path)
    (tmp_path / "trm-adapter-acme" / "README.md").write_text("ours")
    with pytest.raises(RefusedError) as caught:
        make_package("acme", tmp_path)
    assert caught.value.code is Code.EXISTS
    assert (tmp_path / "trm-adapter-acme" / "README.md").read_text() == "ours"
    with pytest.raises(RefusedError) as caught:
        make_package("folder", tmp_path)
    assert caught.value.code is Code.CONFLICT
