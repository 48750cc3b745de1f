"""The packages that run are of one distribution, or nothing starts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gateway.errors import RefusedError
from gateway.foundation import installed


def test_the_packages_of_this_house_are_one() -> None:
    """Nothing to find here."""
    assert installed.findings() == ()
    installed.require()


def test_a_package_from_elsewhere_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A foreign `adapters` on the path stops the node before anything of it is used."""
    (tmp_path / "adapters").mkdir()
    (tmp_path / "adapters/__init__.py").touch()
    monkeypatch.setitem(sys.modules, "adapters", None)  # not the one that this process has loaded
    monkeypatch.delitem(sys.modules, "adapters")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert [(found.place, found.rule) for found in installed.findings()] == [("adapters", "not from this distribution")]
    with pytest.raises(RefusedError, match="not all of this distribution"):
        installed.require()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("RECORD", "foreign/__init__.py,,\nschemas/__init__.py,sha256=x,0\n"),
        ("RECORD", "schemas.py,sha256=x,0\n"),
        ("top_level.txt", "foreign\nschemas\n"),
    ],
)
def test_another_distribution_that_brings_one_is_named(
    file: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever list of its files says so; a package whose name only begins alike is none of ours."""
    for name, listed in (("foreign", text), ("near", "schemas_of_others/__init__.py,,\n")):
        made = tmp_path / f"{name}-1.0.dist-info"
        made.mkdir()
        (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (made / file).write_text(listed)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert [(found.place, found.rule) for found in installed.findings()] == [("schemas", "also brought by foreign")]
