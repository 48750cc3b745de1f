"""`trm audit` on a running and on a stopped node, and what `trm doctor` says of the log."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from click.testing import Result
from support.ceremony import play
from support.desks import Desk, consent, enquiry, run
from support.enrolled import Enrolled, enrolling
from support.logs import stranger
from support.patience import PATIENCE

from gateway.administration.doctor.folder import State
from gateway.administration.doctor.node import witnesses
from gateway.cli.login_file import Login, write_login
from gateway.operations.roles import Role

NOW = 1_800_000_000


def copied(desk: Desk, to: Path) -> Desk:
    """A stopped node that a test may spoil."""
    shutil.copytree(desk.folder, to / desk.name)
    return Desk(name=desk.name, folder=to / desk.name, made=desk.made)


def test_a_running_log_is_shown_and_verified(federation) -> None:
    """Of a running node over its socket: entries, checkpoint, witness; every entry holds."""
    end = time.monotonic() + PATIENCE
    while json.loads(federation.fr.trm("audit", "show", "--json").stdout)["witnessed"] is None:
        assert time.monotonic() < end, "the peer did not cosign"
        time.sleep(0.2)
    shown = federation.fr.trm("audit", "show").stdout
    assert "witnessed up to entry" in shown and " by AL " in shown
    ran = federation.fr.trm("audit", "verify")
    assert ran.exit_code == 0
    assert "every entry, checkpoint and cosignature is valid" in ran.stdout


def test_nothing_is_told_as_a_dash(federation) -> None:
    """What an entry says of nobody and nothing is told in the words of people."""
    done = federation.fr.trm("peer", "ping", "AL", "--full")
    assert done.exit_code == 0, done.output
    ran = federation.fr.trm("audit", "list", "--event", "message.state")
    assert (ran.exit_code, "code=-" in ran.stdout, "None" in ran.stdout) == (0, True, False)


def _as(desk: Desk, person: Enrolled, *words: str) -> Result:
    """One verb where this person is signed in."""
    path = desk.folder.parent / f"{person.id}.login"
    login = Login(node=desk.made.node, folder=str(desk.folder.resolve()), token=person.token, expires=2**40)
    write_login(path, login)
    return run(*words, "--node", str(desk.folder), env={"TRM_LOGIN": str(path)})


def test_a_message_is_shown_for_a_reason(federation) -> None:
    """Once, whole, and listed with the reason; without one nothing is asked, and with too little nothing is shown."""
    desk = federation.fr
    id = desk.ask("message.submit", **enquiry("AL"))["id"]
    officer = play(enrolling("Dora P.", Role.DATA_PROTECTION_OFFICER), desk.ask)
    assert desk.trm("audit", "content", id).exit_code == 2
    short = _as(desk, officer, "audit", "content", id, "--reason", "because")
    assert (short.exit_code, short.stdout) == (1, "")
    assert "reason" in short.stderr and desk.trm("audit", "reasons").stdout.strip() == "nobody was shown any"
    shown = _as(desk, officer, "audit", "content", id, "--reason", "a complaint of her lawyer")
    assert (shown.exit_code, json.loads(shown.stdout)["content"]) == (0, enquiry("AL")["content"])
    listed = desk.trm("audit", "reasons")
    assert listed.exit_code == 0
    assert id in listed.stdout and "a complaint of her lawyer" in listed.stdout


def test_on_what_a_case_rests(federation) -> None:
    """Its consents and messages in a table, without a name; an unknown case is refused."""
    desk = federation.fr
    agreed = desk.ask("consent.record", by="Ana B.", number="F-77", content=consent("AL"))["id"]
    case = desk.ask("consent.show", id=agreed)["of_case"]["id"]
    shown = desk.trm("case", "grounds", case)
    assert (shown.exit_code, "no message" in shown.stdout) == (0, True)
    assert f"consent  {agreed}  active, held by own" in shown.stdout and "F-77" not in shown.stdout
    assert desk.trm("case", "grounds", agreed).exit_code == 1


def test_the_export_of_a_running_node(federation, tmp_path: Path) -> None:
    """The file is new and private, and the stranger's verifier accepts it; an existing file is never touched."""
    file = tmp_path / "log.jsonl"
    ran = federation.fr.trm("audit", "export", str(file))
    assert (ran.exit_code, ran.stdout) == (0, f"written: {file}\n")
    assert "verify_audit.py" in ran.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    digits = [str(desk.ask("node.show")["fingerprint"]) for desk in (federation.fr, federation.al)]
    code, lines = stranger(file, *digits)
    assert code == 0, lines
    before = file.read_bytes()
    again = federation.fr.trm("audit", "export", str(file))
    assert (again.exit_code, file.read_bytes()) == (1, before)
    assert "exists already" in again.stderr


def test_a_stopped_log_needs_no_passphrase(stopped: Desk, tmp_path: Path) -> None:
    """A folder that nobody runs is read without its passphrase; without peers the log is unwitnessed."""
    desk = copied(stopped, tmp_path)
    ran = desk.trm("audit", "verify")
    assert (ran.exit_code, ran.stdout.splitlines()[-1][:12]) == (0, "unwitnessed:")
    assert "unwitnessed" in desk.trm("audit", "show").stdout


def test_a_changed_entry_is_the_first_line(stopped: Desk, tmp_path: Path) -> None:
    """Exit 1, and the first line names the first bad entry."""
    desk = copied(stopped, tmp_path)
    with closing(sqlite3.connect(desk.folder / "node.db")) as connection, connection:
        connection.execute("update audit set leaf = ? where seq = 1", (b'{"at":1,"ev":"node.made","seq":7}',))
    ran = desk.trm("audit", "verify")
    assert (ran.exit_code, ran.stdout.splitlines()[0]) == (1, "leaf 1 says that it is another number")
    value = json.loads(desk.trm("audit", "verify", "--json").stdout)
    assert (value["ok"], value["findings"][0]["place"]) == (False, "leaf 1")


def test_a_folder_without_a_log(tmp_path: Path) -> None:
    """What is no node folder is refused."""
    (tmp_path / "empty").mkdir()
    ran = Desk(name="none", folder=tmp_path / "empty", made=None).trm("audit", "show")  # type: ignore[arg-type]
    assert ran.exit_code == 1 and "no node.toml in" in ran.stderr


def test_what_doctor_says_of_the_log() -> None:
    """Halted is red; without peers, without enough witnesses, or witnessed long ago is a warning; else it is fine."""
    by = [{"peer": "AL", "node": "n1", "at": NOW - 60}, {"peer": "DE", "node": "n2", "at": NOW - 90}]
    fine = {"halted": None, "quorum": 2, "entries": 9, "witnessed": {"size": 8, "by": by}, "partly_witnessed": None}
    old = {"size": 8, "by": [{"peer": "AL", "node": "n1", "at": NOW - 86_400}]}
    cases = [
        (fine, State.OK, "witnessed up to entry 8 of 9, last "),
        (fine | {"quorum": 0, "witnessed": None}, State.WARN, "unwitnessed: there is no active peer"),
        (fine | {"witnessed": None}, State.WARN, "witnessed by 0 of 2 needed"),
        (fine | {"witnessed": None, "partly_witnessed": old}, State.WARN, "witnessed by 1 of 2 needed"),
        (fine | {"witnessed": old}, State.WARN, "witnessed up to entry 8"),
        (fine | {"halted": "log_rolled_back"}, State.RED, "log_rolled_back: nothing departs"),
    ]
    for told, state, words in cases:
        check = witnesses(told, NOW)
        assert (check.state, check.found[: len(words)]) == (state, words)
        assert (check.fix == "") == (state is State.OK)
