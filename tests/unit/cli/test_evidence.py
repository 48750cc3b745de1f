"""Evidence by the command line: exported whole, verified by anybody, and refused when a byte is another."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest
from support.desks import enquiry, run
from support.patience import PATIENCE

from keys.primitives.encoding import canon


@pytest.fixture(scope="module")
def bundle(federation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported proof of one enquiry that was delivered."""
    sent = federation.fr.ask("message.submit", **enquiry("AL"))
    give_up = time.monotonic() + PATIENCE
    while federation.fr.ask("message.show", id=sent["id"])["state"] != "awaiting_opening":
        assert time.monotonic() < give_up
        time.sleep(0.05)
    path: Path = tmp_path_factory.mktemp("proof") / "proof.json"
    ran = federation.fr.trm("evidence", "export", "--conversation", sent["conversation"], "-o", str(path))
    assert ran.exit_code == 0, ran.stderr
    return path


def anchors(federation) -> list[str]:
    """Both fingerprints as options."""
    return [word for desk in (federation.fr, federation.al) for word in ("--fingerprint", desk.made.fingerprint)]


def test_both_fingerprints_verify(federation, bundle, monkeypatch):
    """Exit 0 with the network denied, and the words say what is proven."""

    def refuse(*_args: object, **_more: object) -> None:
        raise AssertionError("evidence verify opens no connection")

    monkeypatch.setattr(socket, "socket", refuse)
    ran = run("evidence", "verify", str(bundle), *anchors(federation))
    assert ran.exit_code == 0, ran.stderr
    assert "AL received it, whole and with a valid signature" in ran.stdout
    assert "what it said: only the hiding commitment remains" in ran.stdout
    assert ran.stdout.splitlines()[-1] == "verified: every signature and every link is valid"


def test_a_node_is_an_anchor(federation, bundle):
    """A node knows its own fingerprint and those whose digits were compared."""
    assert run("evidence", "verify", str(bundle), "--node", str(federation.al.folder)).exit_code == 0


def test_programs_get_the_report(federation, bundle):
    """--json holds the same report."""
    ran = run("evidence", "verify", str(bundle), *anchors(federation), "--json")
    assert [item["disclosed"] for item in json.loads(ran.stdout)["messages"]] == [False]


def test_without_an_anchor_it_is_wrong_usage(bundle):
    """The fingerprints inside the file prove nothing."""
    ran = run("evidence", "verify", str(bundle))
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("trm: error: no anchor")


@pytest.mark.parametrize("typed", ["", "12345", "1" * 31, "abcde " * 6])
def test_what_is_no_fingerprint_is_wrong_usage(bundle, typed):
    """A mistyped fingerprint is told before the file is read."""
    ran = run("evidence", "verify", str(bundle), "--fingerprint", typed)
    assert (ran.exit_code, ran.stdout) == (2, "")


def test_one_fingerprint_is_not_enough(federation, bundle):
    """Both parties must be anchored."""
    ran = run("evidence", "verify", str(bundle), "--fingerprint", federation.fr.made.fingerprint)
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "proves nothing" in ran.stderr and "wrong_node" in ran.stderr


@pytest.mark.parametrize("part", range(12))
def test_one_changed_byte_is_refused(federation, bundle, tmp_path, part):
    """A byte that is another, anywhere in the file, makes it prove nothing."""
    data = bytearray(bundle.read_bytes())
    place = len(data) * part // 12
    data[place] ^= 0x01
    spoiled = tmp_path / "spoiled.json"
    spoiled.write_bytes(data)
    ran = run("evidence", "verify", str(spoiled), *anchors(federation))
    assert (ran.exit_code, ran.stdout) == (1, "")


def test_a_missing_file_is_refused(federation, tmp_path):
    """A file that is not there is named."""
    ran = run("evidence", "verify", str(tmp_path / "none"), *anchors(federation))
    assert (ran.exit_code, ran.stdout) == (1, "")


def test_an_export_never_overwrites(federation, bundle):
    """The file that is there keeps its bytes."""
    before = bundle.read_bytes()
    ran = federation.fr.trm("evidence", "export", "--conversation", "x", "-o", str(bundle))
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert bundle.read_bytes() == before


def test_the_content_is_shown_only_by_a_person(federation, bundle, tmp_path):
    """--disclose needs somebody who is signed in, and shows what was signed."""
    conversation = json.loads(run("evidence", "verify", str(bundle), *anchors(federation), "--json").stdout)[
        "conversation"
    ]
    words = ("evidence", "export", "--conversation", conversation, "--disclose", "-o", str(tmp_path / "shown.json"))
    assert federation.al.trm(*words).exit_code == 1
    assert federation.al.trm(*words, by="Besa K.").exit_code == 0
    ran = run("evidence", "verify", str(tmp_path / "shown.json"), *anchors(federation))
    assert "content disclosed and matches what was signed" in ran.stdout


def test_single_fields_are_shown_by_their_pointers(federation, bundle, tmp_path):
    """--disclose POINTER, as often as needed, shows what it names and nothing else; one that names nothing, or stands
    beside --disclose alone, shows nothing.
    """
    report = json.loads(run("evidence", "verify", str(bundle), *anchors(federation), "--json").stdout)
    (message,) = federation.al.ask("evidence.fields", id=report["conversation"])["messages"]
    first, second, *_ = message["fields"]
    file = tmp_path / "fields.json"
    words = ("evidence", "export", "--conversation", report["conversation"], "-o", str(file), "--disclose")
    assert federation.al.trm(*words, "/content/nothing", by="Besa K.").exit_code == 1
    assert "exclude each other" in federation.al.trm(*words, "--disclose", first, by="Besa K.").stderr
    assert not file.exists()
    ran = federation.al.trm(*words, first, "--disclose", f"{message['id']}{second}", by="Besa K.")
    assert ran.exit_code == 0, ran.stderr
    shown = json.loads(run("evidence", "verify", str(file), *anchors(federation), "--json").stdout)["messages"]
    assert [(one["disclosed"], one["fields"]) for one in shown] == [(False, sorted([first, second]))]


def test_both_sides_export_the_same_proof(federation, bundle):
    """Without the content, sender and receiver write the same bytes but for what their own logs say."""
    conversation = json.loads(run("evidence", "verify", str(bundle), *anchors(federation), "--json").stdout)[
        "conversation"
    ]
    theirs = federation.al.ask("evidence.export", id=conversation)
    ours = json.loads(bundle.read_bytes())
    assert theirs.pop("log") != ours.pop("log")
    assert canon(theirs) == canon(ours)


def test_a_conversation_that_is_not_known_is_refused(federation, tmp_path):
    """Nothing is written for it."""
    path = tmp_path / "none.json"
    ran = federation.fr.trm("evidence", "export", "--conversation", "Vt5m0bJr3QkK0m1c5n8sT4", "-o", str(path))
    assert (ran.exit_code, path.exists()) == (1, False)
    assert "no such conversation" in ran.stderr
