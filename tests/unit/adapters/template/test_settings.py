"""Settings of the template: an address without a login in it, and one mapping for both directions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.template.settings import MAPPING, TemplateSettings

GOOD: dict[str, Any] = {"url": "https://cases.example", "user": "trm", "password_file": Path("/etc/trm/password")}


def test_the_mapping_of_the_template_is_the_default() -> None:
    """It lies beside the settings; a file of the office takes its place."""
    assert TemplateSettings(**GOOD).mapping_files() == (MAPPING,)
    assert MAPPING.is_file()
    assert TemplateSettings(**GOOD, mapping=Path("/own.yaml")).mapping_files() == (Path("/own.yaml"),)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "https://user:word@cases.example"},
        {"url": "ftp://cases.example"},
        {"url": "https://cases example"},
        {"user": ""},
        {"patience": 0},
        {"patience": 301},
        {"port": 1},
    ],
    ids=str,
)
def test_what_cannot_be_a_setting_is_refused(wrong: dict[str, Any]) -> None:
    """One fault each; a misspelt name would be a setting that nobody reads."""
    with pytest.raises(ValidationError):
        TemplateSettings(**(GOOD | wrong))
