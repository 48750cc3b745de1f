"""`trm message resend`: one message now, or many again by what they have in common."""

from __future__ import annotations

import json

import pytest

from gateway.cli.messages import messages


def test_many_are_counted_before_they_go(federation):
    """With --dry-run nothing goes; the answer is that of the operation."""
    ran = federation.fr.trm("message", "resend", "--failed", "--peer", "AL", "--days", "1", "--dry-run")
    assert (ran.exit_code, ran.stdout.strip()) == (0, "0 matched, 0 tried again, 0 refused")
    told = federation.fr.trm("message", "resend", "--held", "--json")
    assert json.loads(told.stdout) == {"matched": 0, "again": 0, "refused": [], "more": False}


@pytest.mark.parametrize("words", [(), ("abc", "--peer", "AL"), ("abc", "--dry-run"), ("--days", "3")])
def test_what_does_not_go_together_is_refused(federation, words):
    """Which messages, and what belongs to many."""
    assert federation.fr.trm("message", "resend", *words).exit_code == 2


def test_what_was_refused_is_told(capsys):
    """By id and code, and that there is more."""
    refused = [{"id": "abc", "code": "not_active"}]
    messages._show_again({"matched": 501, "again": 499, "refused": refused, "more": True})
    printed = capsys.readouterr()
    assert "501 matched, 499 tried again, 1 refused\nabc  not_active" in printed.out
    assert "repeat it" in printed.err
