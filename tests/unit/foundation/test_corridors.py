"""What node.toml sets for messages to a country: codes of the lists, and each country once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.errors import RefusedError
from gateway.foundation import config
from gateway.foundation.config import CorridorSection

NODE = """
[node]
name = "FR"
country = "FR"
[federation]
listen = "127.0.0.1:8443"
[[units]]
id = "focal-point"
name = "Focal point"
kind = "public_authority"
roles = ["national_focal_point"]
"""


@pytest.mark.parametrize(
    "wrong",
    [
        {"legal_basis": ["6_1_z"]},
        {"transfer_basis": "none"},
        {"onward_sharing": "everybody"},
        {"export_to_local": "half"},
        {"retain_days": 0},
        {"transfer_instrument": "Arrangement 2025/4"},
        {"consent_ref": "x"},
    ],
)
def test_what_no_message_could_have_is_refused(wrong: dict[str, Any]):
    """By the code lists of today; an unknown key too."""
    with pytest.raises(ValidationError):
        CorridorSection(**{"to": "AL", **wrong})


def test_each_country_is_set_once(tmp_path: Path):
    """Two sections for one country could contradict each other."""
    one = '[[corridors]]\nto = "AL"\nretain_days = 30\n'
    (tmp_path / "node.toml").write_text(NODE + one, encoding="utf-8")
    assert [section.retain_days for section in config.load(tmp_path).corridors] == [30]
    (tmp_path / "node.toml").write_text(NODE + one + one, encoding="utf-8")
    with pytest.raises(RefusedError, check=lambda error: [f.place for f in error.findings] == ["corridors"]):
        config.load(tmp_path)
