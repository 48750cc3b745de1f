"""What `trm doctor` finds, and that each finding has its fix."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from support.desks import Desk, make, pair, run, served

from gateway.administration.doctor import folder as checks
from gateway.administration.doctor.folder import State
from gateway.administration.doctor.node import (
    ASKED,
    adapter,
    alarms,
    clock,
    ending,
    judged,
    keyset,
    peers,
    policy,
    root_count,
)
from gateway.database.migrations import HEAD
from gateway.foundation import config, installed
from gateway.foundation.node_folder import ROOT_FILES
from gateway.regions.draft import Wanted, begin_pack
from gateway.regions.installed import install_pack
from keys.documents.descriptor_chain import accept_chain, decode_chain
from keys.primitives.encoding import DAY, canon
from schemas.region_pack.policies import format_policy
from schemas.region_pack.regions import load_region

NOW = 1_800_000_000


def examined(desk: Desk, *words: str) -> tuple[int, dict[str, list[dict[str, str]]]]:
    """The exit code and the checks by name."""
    ran = desk.trm("doctor", "--json", *words)
    found: dict[str, list[dict[str, str]]] = {}
    for item in json.loads(ran.stdout)["checks"]:
        found.setdefault(item["check"], []).append(item)
    return ran.exit_code, found


def test_a_running_node_is_examined_whole(federation):
    """All is looked at, and a healthy demonstration node has nothing red."""
    code, found = examined(federation.fr)
    assert {
        name: [item["state"] for item in items] for name, items in found.items() if items[0]["state"] == "red"
    } == {}
    assert code == 0
    expected = {
        "settings",
        "installation",
        "file modes",
        "disk space",
        "database",
        "node",
        "clock",
        "descriptor",
        "sig key",
        "http key",
        "keyset",
        "server key",
        "adapter",
        "alarms",
        "roots",
        "root keys",
    }
    assert expected <= found.keys()


def test_people_see_a_table(federation):
    """The state comes first and the verdict last."""
    lines = federation.fr.trm("doctor").stdout.splitlines()
    assert lines[0].split() == ["state", "check", "found", "fix"]
    assert lines[-1] == "nothing is red"


def test_a_new_node_is_healthy(copy: Desk):
    """What trm init leaves has private files, and what needs the passphrase is said to be unseen."""
    code, found = examined(copy)
    assert code == 0
    assert [item["state"] for item in found["file modes"]] == ["ok"]
    assert found["keys, peers, adapter"][0]["state"] == "skipped"
    assert found["database"][0]["found"] == f"whole, at revision {HEAD}"


def test_the_region_pack_is_the_one_that_was_installed(copy: Desk, tmp_path: Path):
    """One that somebody changed in the node folder is red: the node does not start with it."""
    assert examined(copy)[1]["region"][0]["found"] == "tact version 1, 8 countries"
    here = config.load(copy.folder).node.country
    pack = begin_pack("pair", [Wanted(code=here)], [Wanted(code="MA")])
    done = install_pack(copy.folder, pack, needed=(), now=1)
    settings = copy.folder / "node.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace('"tact"', '"pair"'), encoding="utf-8")
    assert examined(copy)[1]["region"][0]["found"] == "pair version 1, 2 countries"
    (copy.folder / done.pack.place / "README.md").write_bytes(b"other")
    code, found = examined(copy)
    assert code == 1 and found["region"][0]["state"] == "red"
    assert "was changed after it was installed" in found["region"][0]["found"] and "guidance" not in found


def test_own_guidance_with_a_fault_is_told(copy: Desk):
    """It stops nothing, but none of it is used."""
    assert [item["state"] for item in examined(copy)[1]["guidance"]] == ["ok"]
    folder = copy.folder / "guidance"
    folder.mkdir(mode=0o700)
    (folder / "notes.txt").touch(mode=0o600)
    code, found = examined(copy)
    assert code == 0
    assert found["guidance"][0]["state"] == "warn"
    assert "notes.txt: unknown_file" in found["guidance"][0]["found"]


def test_every_file_of_a_new_node_is_private(stopped: Desk):
    """Folders are 0700 and files 0600 from the first moment."""
    modes = {path.name: path.stat().st_mode & 0o777 for path in (stopped.folder, *stopped.folder.rglob("*"))}
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}


def test_a_folder_that_is_not_there(tmp_path: Path):
    """Doctor refuses what is no folder."""
    ran = run("doctor", "--node", str(tmp_path / "none"))
    assert (ran.exit_code, ran.stdout) == (1, "")


def spoil_mode(folder: Path) -> None:
    """Let everybody read the keys."""
    (folder / "keystore").chmod(0o644)


def spoil_settings(folder: Path) -> None:
    """Write a setting that is not known."""
    (folder / "node.toml").write_text('colour = "red"\n', encoding="utf-8")


def spoil_database(folder: Path) -> None:
    """Overwrite the database."""
    (folder / "node.db").write_bytes(b"not a database at all" * 100)


def lose_database(folder: Path) -> None:
    """Lose the database."""
    (folder / "node.db").unlink()


def lose_keys(folder: Path) -> None:
    """Lose the key store."""
    (folder / "keystore").unlink()


def leave_root(folder: Path) -> None:
    """Leave a root file in the folder of a node that is no demonstration."""
    (folder / "UA-root-1.key").write_bytes(b"x")
    (folder / "UA-root-1.key").chmod(0o600)
    settings = (folder / "node.toml").read_text(encoding="utf-8")
    (folder / "node.toml").write_text(settings.replace("demo = true", "demo = false"), encoding="utf-8")


def link(folder: Path) -> None:
    """Keep the keys somewhere else."""
    (folder / "keystore").rename(folder.with_name("elsewhere"))
    (folder / "keystore").symlink_to(folder.with_name("elsewhere"))


@pytest.mark.parametrize(
    ("spoil", "check", "fix"),
    [
        (spoil_mode, "file modes", "chmod 0600"),
        (spoil_settings, "settings", "correct node.toml"),
        (spoil_database, "database", "backup"),
        (lose_database, "database", "backup"),
        (lose_keys, "key store", "backup"),
        (leave_root, "root keys", "move each to another person's media"),
        (link, "file modes", "put the file itself"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_fault_is_red_and_has_its_fix(copy: Desk, spoil, check: str, fix: str):
    """One fault, one red check of its name, exit 1, and what to do."""
    spoil(copy.folder)
    code, found = examined(copy)
    assert code == 1
    assert [item for item in found[check] if item["state"] == "red" and fix in item["fix"]]


def test_a_wrong_passphrase_is_red(copy: Desk, tmp_path: Path):
    """The key store does not open, and doctor says so instead of failing."""
    (tmp_path / "pass").write_text("wrong", encoding="utf-8")
    code, found = examined(copy, "--passphrase-file", str(tmp_path / "pass"))
    assert (code, found["node"][0]["state"]) == (1, "red")


def test_a_damaged_database_is_not_opened(copy: Desk, tmp_path: Path):
    """With the right passphrase a damaged database is still only a red line."""
    (tmp_path / "pass").write_text("correct horse", encoding="utf-8")
    spoil_database(copy.folder)
    code, found = examined(copy, "--passphrase-file", str(tmp_path / "pass"))
    assert (code, "node" in found) == (1, False)


def test_named_root_files_are_looked_for(copy: Desk, tmp_path: Path):
    """Root files are found where trm init wrote them."""
    lost = tmp_path / "stick" / "deep" / "UA-root-1.key"
    (copy.folder / ROOT_FILES).write_text(f"{lost}\n", encoding="utf-8")
    assert checks.roots(copy.folder, None).state is State.OK
    lost.parent.mkdir(parents=True)
    lost.write_bytes(b"x")
    assert checks.roots(copy.folder, None).state is State.RED


@pytest.mark.parametrize(
    ("days", "state", "word"),
    [
        (400, "ok", "ends"),
        (60, "ok", "ends"),
        (59, "warn", "ends"),
        (29, "warn", "urgent"),
        (6, "red", "urgent"),
        (0, "red", "ended"),
    ],
)
def test_what_ends_is_told_in_time(days: int, state: str, word: str):
    """60, 30 and 7 days before its end a document is told louder."""
    check = ending("descriptor", NOW + days * DAY, NOW)
    assert (check.state, check.found.startswith(word)) == (state, True)
    assert bool(check.fix) == (state != "ok")


def test_a_clock_before_what_was_signed_is_red(federation):
    """A clock that went back is found by what the node signed."""
    newest = accept_chain(decode_chain(canon(federation.fr.ask("node.pairing"))), 2**40)[-1]
    assert clock({"keyset": None}, newest, newest.issued).state is State.OK
    assert clock({"keyset": None}, newest, newest.issued - DAY).state is State.RED
    later = {"keyset": {"version": 2, "expires": newest.issued + 12 * DAY}}
    assert clock(later, newest, newest.issued + DAY).state is State.RED


def test_one_root_is_for_demonstrations(federation):
    """A node with one root that is not marked is red."""
    newest = accept_chain(decode_chain(canon(federation.fr.ask("node.pairing"))), 2**40)[-1]
    assert root_count({"demo": True}, newest).state is State.WARN
    assert root_count({"demo": False}, newest).state is State.RED


@pytest.mark.parametrize(
    ("known", "running", "state"),
    [
        (None, True, "warn"),
        ({"version": 1, "expires": NOW + 1}, True, "ok"),
        ({"version": 1, "expires": NOW}, True, "red"),
        ({"version": 1, "expires": NOW}, False, "warn"),
    ],
)
def test_a_keyset_is_fresh(known, running, state):
    """A running node with an old keyset is red; a stopped one will issue a new one."""
    assert keyset({"keyset": known}, running=running, now=NOW).state == state


def peer(**changes: object) -> dict[str, object]:
    """A peer as the node lists it."""
    return {"name": "AL", "state": "active", "failing_since": None, **changes}


@pytest.mark.parametrize(
    ("item", "state"),
    [
        (peer(), "ok"),
        (peer(failing_since=NOW - 60), "warn"),
        (peer(failing_since=NOW - 2 * DAY), "red"),
        (peer(state="proposed"), "warn"),
        (peer(state="suspended"), "warn"),
        (peer(state="suspended_for_cause"), "warn"),
        (peer(state="revoked"), "ok"),
    ],
)
def test_a_peer_that_needs_somebody(item, state):
    """A peer that fails for a day is red; one that waits for a person is told."""
    assert [check.state for check in peers({"peers": [item]}, NOW)] == [state]


def test_findings_of_an_adapter_are_red():
    """Each finding of the adapter is one red check with its hint."""
    told = {"adapter": {"kind": "folder"}, "findings": [{"place": "outgoing", "rule": "missing", "hint": "make it"}]}
    assert [(check.state, check.fix) for check in adapter(told)] == [(State.RED, "make it")]


def test_a_policy_of_before_is_told():
    """It holds, and under it a case system attests nothing: two administrators upgrade it."""
    new = load_region("tact").policies["two-step"]
    for one, state, word in ((new, "ok", "is in force"), (replace(new, attested=None), "warn", "of format 1")):
        held = {"name": one.name, "version": one.version, "faults": [], "ways": ["FR>AL"], "file": format_policy(one)}
        found = policy({"in_force": held, "faults": []})
        assert (found.state, word in found.found) == (state, True)
        assert ("trm policy upgrade" in found.fix) is (state == "warn")


def test_open_alarms_are_told():
    """Alarms are for a person, and not red by themselves."""
    assert [alarms({"alarms": count}).state for count in (3, 0)] == [State.WARN, State.OK]


def test_the_installation_is_one():
    """The four rooms come from one place."""
    assert installed.findings() == ()
    installed.require()


def test_a_stopped_node_is_judged_by_its_answers(federation):
    """The same answers of a stopped node leave out the listener."""
    told = {name: federation.fr.ask(name) for name in ASKED}
    names = [check.name for check in judged(told, running=False, now=NOW)]
    assert "server key" not in names and "keyset" in names


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_as_root_a_foreign_owner_is_no_finding(copy: Desk):
    """Root on the host may look at a node of another user."""
    os.chown(copy.folder / "keystore", 12345, 12345)
    assert [item["state"] for item in examined(copy)[1]["file modes"]] == ["ok"]


def test_a_peer_that_is_down_is_seen(tmp_path: Path):
    """When the other node is gone the way to it fails at the step that names it."""
    fr, al = make(tmp_path, "FR"), make(tmp_path, "AL")
    with served(fr):
        with served(al):
            pair(fr, al)
        ran = fr.trm("peer", "ping", "AL")
    assert ran.exit_code == 1
    assert ran.stdout.splitlines()[-1].startswith("tcp                RED")
