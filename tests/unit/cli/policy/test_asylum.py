"""`trm asylum`: what a hold keeps away from is told, and where it names nothing, that nothing goes anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.desks import enquiry

from gateway.cli.policy.asylum import _show_hold


def test_a_hold_says_from_which_states_it_keeps(federation: Any, tmp_path: Path) -> None:
    """Without a State the way out is told; those named stay when more are; two people lift it."""
    fr = federation.fr
    path = tmp_path / "enquiry.json"
    path.write_text(json.dumps(enquiry("AL")), encoding="utf-8")
    conversation = json.loads(fr.trm("send", str(path), "--json").stdout)["conversation"]

    ran = fr.trm("asylum", "hold", conversation, by="Ana B.")
    assert (ran.exit_code, ran.stdout) == (0, f"{conversation} is held: nothing of it goes anywhere\n")
    assert "--state" in ran.stderr
    assert "every one" in fr.trm("asylum", "list").stdout

    fr.trm("asylum", "hold", conversation, "--state", "TR", by="Ana B.")
    ran = fr.trm("asylum", "hold", conversation, "--state", "MA", "--state", "TR", by="Ana B.")
    assert (ran.stdout, ran.stderr) == (f"{conversation} is held: nothing of it goes to MA, TR\n", "")
    assert "MA, TR" in fr.trm("asylum", "list").stdout

    ran = fr.trm("asylum", "hold", conversation, "--state", "Morocco", by="Ana B.")
    assert (ran.exit_code, "list country" in ran.stderr) == (1, True)
    for by in ("Ana B.", "Carl D."):
        assert fr.trm("asylum", "lift", conversation, by=by).exit_code == 0
    assert fr.trm("asylum", "list").stdout == "no asylum hold\n"


def test_a_lost_hold_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever places one on the same case hears why nothing goes all the same, and the way out."""
    for lost in (1, 0):
        _show_hold({"id": "talk", "states": ["MA"], "lost": lost})
        out, err = capsys.readouterr()
        assert out.startswith("talk is held: nothing of it goes to MA\n")
        assert ("another hold lies over its case" in out, "--lost" in err) == (bool(lost), bool(lost))


def test_what_nobody_asks_is_not_answered(federation: Any) -> None:
    """The refusal says where it stands what is asked; nothing was noted."""
    fr = federation.fr
    case = json.loads(fr.trm("case", "open", "--label", "Blue 7", "--json", by="Ana B.").stdout)["id"]
    for named in ([], ["--state", "AL"]):
        ran = fr.trm("asylum", "apart", case, *named, by="Ana B.")
        assert (ran.exit_code, "nobody asks this of that case" in ran.stderr) == (1, True)
        assert "trm case show" in ran.stderr
