"""A node that goes away in the middle, and faults of our own: what a person is told."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from support.desks import enquiry, run
from support.patience import PATIENCE

from gateway.cli.root import Verbs, describe_fault
from gateway.errors import Code, TransientError


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Path]:
    """A node folder whose socket takes one request and hangs up."""
    (tmp_path / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "run" / "api.sock"))
        listening.listen()

        def hang_up() -> None:
            taken, _ = listening.accept()
            taken.recv(65_536)
            taken.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        yield tmp_path
        thread.join(PATIENCE)


def test_a_lost_answer_names_the_key_to_repeat_with(silent: Path):
    """Nobody knows whether it was stored; the key that makes repeating safe is told."""
    ran = run("send", "-", "--node", str(silent), given=json.dumps(enquiry("AL")))
    assert (ran.exit_code, ran.stdout) == (1, "")
    first, second, *_ = ran.stderr.splitlines()
    assert first.startswith("trm: hint: it may have been stored or not; repeat with --key ")
    assert second == "trm: error: the node does not answer on its socket"


def test_a_chosen_key_is_the_one_to_repeat_with(silent: Path):
    """A key of the caller is named again."""
    ran = run("send", "-", "--key", "case-7", "--node", str(silent), given=json.dumps(enquiry("AL")))
    assert "repeat with --key case-7, and it is sent once" in ran.stderr


def test_doctor_is_the_hint_for_silence(silent: Path):
    """Any verb says what to try."""
    ran = run("node", "show", "--node", str(silent))
    assert ran.stderr.splitlines()[-1] == "trm: hint: try trm doctor"


def test_a_fault_of_ours_is_told_without_its_text():
    """Type and place in the source, never the words that may hold what was handled."""

    class Broken(Verbs):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            raise RuntimeError("SECRETVALUE")

    ran = CliRunner().invoke(Broken("trm"), ["node"])
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr.startswith("trm: error: an error of the program itself: RuntimeError at test_root.py:")
    assert "SECRETVALUE" not in ran.stderr


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            ExceptionGroup("x", [sqlite3.DatabaseError("malformed")]),
            "trm: error: the database of this node is damaged\n",
        ),
        (sqlite3.IntegrityError("SECRETVALUE"), "trm: error: an error of the program itself: IntegrityError at "),
    ],
)
def test_a_damaged_database_is_no_fault_of_ours(error: Exception, told: str):
    """It says what to do; what the program itself did wrong with a whole one stays a fault."""

    class Broken(Verbs):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            raise error

    ran = CliRunner().invoke(Broken("trm"), ["node"])
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr.startswith(told)


def test_a_group_of_faults_is_told_by_its_first():
    """What several tasks raised is named by one of them."""
    assert describe_fault(ExceptionGroup("x", [ExceptionGroup("y", [KeyError("SECRETVALUE")])])) == "KeyError"


def test_an_error_of_the_world_is_told(monkeypatch):
    """A transient error has the same voice."""

    class Away(Verbs):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            raise TransientError(Code.UNREACHABLE, "the peer is away", hint="wait")

    ran = CliRunner().invoke(Away("trm"), ["node"])
    assert (ran.exit_code, ran.stderr) == (1, "trm: error: the peer is away\ntrm: hint: wait\n")


@pytest.mark.parametrize(
    "draft", ['{"type":"enquiry.capacity/1","to":"AL","header":{},"content":{"note":1.5}}', '{"to":NaN}']
)
def test_a_number_that_is_not_whole_is_a_fault_of_the_draft(federation, draft: str):
    """Floats are refused by every way in."""
    assert run("schema", "check", "-", given=draft).exit_code == 1
    assert federation.fr.trm("send", "-", given=draft).exit_code == 1
