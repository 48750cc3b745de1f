"""How `trm serve` starts its key service: with the limits of node.toml, and no others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from gateway.cli.identity.keyd import serve_keys
from gateway.cli.identity.unlocking import unlock_by_child
from gateway.foundation.config import KeysSection
from gateway.identity import unlock


def test_the_limits_of_the_settings_are_those_of_the_key_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are on its command line, where no caller of its socket can change them."""
    started: list[Sequence[str]] = []
    monkeypatch.setattr(unlock, "by_child", lambda _folder, command: started.append(command))
    secret = tmp_path / "secret"
    secret.write_text("open sesame", encoding="utf-8")
    secret.chmod(0o600)
    unlock_by_child(tmp_path, secret, "info", None, KeysSection(opens_per_minute=700, unwraps_per_minute=2_500))
    (command,) = started
    for option, value in (("--opens-per-minute", "700"), ("--unwraps-per-minute", "2500")):
        assert command[command.index(option) + 1] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("opens_per_minute", 599),
        ("opens_per_minute", 60_001),
        ("unwraps_per_minute", 1_999),
        ("unwraps_per_minute", 240_001),
    ],
)
def test_row_214_no_setting_switches_a_limit_off(name: str, value: int) -> None:
    """Each has a floor and a ceiling, in node.toml and on the command line."""
    with pytest.raises(ValidationError):
        KeysSection.model_validate({name: value})
    ran = CliRunner().invoke(serve_keys, [f"--{name.replace('_', '-')}", str(value)])
    assert ran.exit_code == 2 and "is not in the range" in ran.output
