"""`trm node maintenance` at the shell: how long as people write it, and what is told."""

from __future__ import annotations

import click
import pytest

from gateway.cli.administration import maintenance
from gateway.cli.administration.maintenance import Duration


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
