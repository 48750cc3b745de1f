"""`trm node maintenance` at the shell: how long as people write it, and what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from gateway.cli.administration import maintenance
from gateway.cli.administration.maintenance import Duration, maintenance_commands
from gateway.cli.options import Reach


def test_a_time_is_a_number_with_its_unit():
    """Nothing is guessed: a number alone could be minutes or seconds."""
    read = {word: Duration().convert(word, None, None) for word in ("90s", "30m", "2h")}
    assert read == {"90s": 90, "30m": 1_800, "2h": 7_200}
    for word in ("30", "0m", "1d", "m", "1h30m", "-5m", "٣m", ""):
        with pytest.raises(click.UsageError, match="90s, 30m or 2h"):
            Duration().convert(word, None, None)


def test_it_is_told_until_when(capsys: pytest.CaptureFixture[str]):
    """With its reason; a node that does its work says so."""
    off = {"on": False, "since": None, "until": None, "reason": None, "seconds_left": 0}
    maintenance._show(off | {"on": True, "since": 0, "until": 1_800, "reason": "upgrade", "seconds_left": 900})
    told = capsys.readouterr().out
    assert "upgrade" in told and "1970-01-01T00:30:00Z" in told
    maintenance._show(off)
    assert capsys.readouterr().out == "no maintenance: the node takes in and sends\n"


def test_the_verb_asks_for_what_was_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Reasons are written as they are kept; without one it is planned."""
    asked: list[dict[str, Any]] = []
    shown = {"on": True, "since": 0, "until": 1_800, "reason": "upgrade", "seconds_left": 900}
    monkeypatch.setattr(Reach, "ask", lambda self, operation, **given: asked.append({operation: given}) or shown)
    for words in ((), ("--reason", "upgrade")):
        done = CliRunner().invoke(maintenance_commands, ["on", "--for", "30m", *words, "--node", str(tmp_path)])
        assert done.exit_code == 0, done.output
    assert asked == [{"maintenance.begin": {"seconds": 1_800, "reason": reason}} for reason in ("planned", "upgrade")]
    assert CliRunner().invoke(maintenance_commands, ["on", "--node", str(tmp_path)]).exit_code == 2
