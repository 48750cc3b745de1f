"""The verbs on two running nodes: what they print, what they change, how they refuse."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from support.desks import agree, consent, enquiry, make, pair, run, served
from support.patience import PATIENCE

READING = [
    ("node", "show"),
    ("keys", "list"),
    ("alarm", "list"),
    ("peer", "list"),
    ("peer", "show", "AL"),
    ("peer", "code", "AL"),
    ("peer", "ping", "AL"),
    ("draft", "list"),
    ("message", "list"),
    ("conversation", "list"),
    ("consent", "list"),
    ("adapter", "check"),
    ("token", "list"),
    ("person", "list"),
]


@pytest.fixture
def sent(federation, tmp_path: Path) -> dict[str, str]:
    """An enquiry that France sent and Albania has handed over."""
    path = tmp_path / "enquiry.json"
    path.write_text(json.dumps(enquiry("AL")), encoding="utf-8")
    ran = federation.fr.trm("send", str(path), "--json")
    assert ran.exit_code == 0, ran.stderr
    answer = json.loads(ran.stdout)
    give_up = time.monotonic() + PATIENCE
    while federation.fr.ask("message.show", id=answer["id"])["state"] != "awaiting_opening":
        assert time.monotonic() < give_up
        time.sleep(0.05)
    return answer


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_reading_verb_speaks_to_people_and_programs(federation, words):
    """Exit 0, a text for people, one JSON value for programs, nothing on standard error but hints."""
    for_people, for_programs = federation.fr.trm(*words), federation.fr.trm(*words, "--json")
    assert (for_people.exit_code, for_programs.exit_code) == (0, 0)
    assert for_people.stdout.strip()
    assert isinstance(json.loads(for_programs.stdout), dict)
    assert "trm: error" not in for_people.stderr + for_programs.stderr


def test_no_node_named_is_wrong_usage(monkeypatch):
    """Without --node and TRM_NODE the exit code is 2."""
    monkeypatch.delenv("TRM_NODE", raising=False)
    ran = run("node", "show")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("trm: error: no node folder named")


def test_the_node_may_come_from_the_environment(federation, monkeypatch):
    """TRM_NODE names the folder where --node does not."""
    monkeypatch.setenv("TRM_NODE", str(federation.al.folder))
    assert json.loads(run("node", "show", "--json").stdout)["name"] == "AL"


def test_a_folder_that_is_no_node_is_refused(tmp_path):
    """What is missing and what to do is said."""
    ran = run("node", "show", "--node", str(tmp_path))
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr.splitlines() == [
        f"trm: error: no node.toml in {tmp_path}",
        "trm: hint: name a node folder with --node, or make one with trm init",
    ]


def test_the_folder_of_a_stopped_node_needs_its_passphrase(stopped, monkeypatch):
    """Without a running node the passphrase is asked for by its option."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    ran = stopped.trm("node", "show")
    assert (ran.exit_code, ran.stderr.splitlines()[0]) == (1, "trm: error: no passphrase given")


def test_send_prints_what_was_stored(federation, sent):
    """A message that was sent is in the list, with its receipts."""
    shown = json.loads(federation.fr.trm("message", "show", sent["id"], "--json").stdout)
    assert [item["status"] for item in shown["receipts"]] == ["received", "delivered"]
    listed = federation.fr.trm("message", "list", "--conversation", sent["conversation"]).stdout
    assert sent["id"] in listed and "enquiry.capacity/1" in listed


def test_both_sides_show_a_message_in_the_same_bytes(federation, sent):
    """The page in a language is that of the document, whichever node prints it; the JSON has it as lines."""
    shown = [
        json.loads(end.trm("message", "show", sent["id"], "--language", "en", "--json").stdout)["rendered"]
        for end in (federation.fr, federation.al)
    ]
    assert shown[0] == shown[1]
    assert shown[0]["lines"][0]["label"] == "Pre-referral enquiry without personal data"
    page = federation.fr.trm("message", "show", sent["id"], "--language", "en").stdout
    assert "\nPre-referral enquiry without personal data\n" in page and '"content"' not in page


def test_a_language_is_judged_before_a_message_is_read(federation):
    """The language is refused, not the message: no reading is logged for a page that can not be printed."""
    ran = federation.fr.trm("message", "show", "no-such-message", "--language", "xx")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr.splitlines()[0] == "trm: error: no such language"


def test_the_same_key_sends_once(federation, tmp_path):
    """A script that repeats its command after a crash does not double the message."""
    path = tmp_path / "enquiry.json"
    path.write_text(json.dumps(enquiry("AL")), encoding="utf-8")
    first, again = (federation.fr.trm("send", str(path), "--key", "case-1", "--json").stdout for _ in range(2))
    assert json.loads(first)["id"] == json.loads(again)["id"]


def test_standard_input_may_be_the_draft(federation):
    """`-` reads the draft from a pipe."""
    ran = federation.fr.trm("send", "-", given=json.dumps(enquiry("AL")))
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout.startswith("message ")


def test_a_member_named_like_an_option_is_judged_by_the_node(federation):
    """A draft can not reach the arguments of our own functions."""
    ran = federation.fr.trm("send", "-", given=json.dumps(enquiry("AL") | {"key": "x", "operation": "y"}))
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "additionalProperties" in ran.stderr


def test_a_draft_with_faults_is_refused_with_their_places(federation):
    """Findings name places and rules, and no value."""
    draft = enquiry("AL")
    draft["content"]["age_group"] = "SECRETVALUE"
    ran = federation.fr.trm("send", "-", given=json.dumps(draft))
    assert (ran.exit_code, ran.stdout) == (1, "")
    lines = ran.stderr.splitlines()
    assert lines[0] == "trm: error: refused by gate_g11; nothing was sent"
    assert "  /content/age_group: unknown_code" in ran.stderr
    assert "SECRETVALUE" not in ran.stderr


def test_an_opened_message_is_receipted(federation, sent):
    """`message open` at the receiver changes what the sender sees."""
    ran = federation.al.trm("message", "open", sent["id"], by="Besa K.")
    assert (ran.exit_code, ran.stdout) == (0, f"{sent['id']} is opened\n")


def test_a_message_that_arrived_can_not_be_cancelled(federation, sent):
    """Cancelling too late exits 1, says that nothing was changed and what helps."""
    ran = federation.fr.trm("message", "cancel", sent["id"], by="Ana B.")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "nothing was changed" in ran.stderr and "trm: hint: send a withdrawal" in ran.stderr


def test_a_person_has_to_be_signed_in(federation, sent, tmp_path):
    """The owner of the node opens and sends nothing; the option that took a name says what took its place."""
    (tmp_path / "enquiry.json").write_text(json.dumps(enquiry("AL")))
    for words in (("message", "open", sent["id"]), ("send", str(tmp_path / "enquiry.json"))):
        ran = run(*words, "--node", str(federation.fr.folder))
        assert (ran.exit_code, ran.stdout) == (1, "")
        assert "is the act of a person; nothing was changed" in ran.stderr and "trm login" in ran.stderr
    for words in (("message", "open", sent["id"], "--by", "Ana"), ("send", "x", "--second-by", "Ghost")):
        ran = run(*words, "--node", str(federation.fr.folder))
        assert ran.exit_code == 2
        assert f"{words[-2]} is gone" in ran.stderr and "trm login" in ran.stderr


def test_a_verified_peer_is_not_verified_again(federation, people):
    """A peer that is active already stays so; verify says why it refuses, before a key file is opened."""
    words = ("peer", "verify", "AL", "--digits", "0" * 60 + " 1-1", "--channel", "video")
    ran = federation.fr.trm(*words, *people.signed(0))
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "the digits are not those of this pair" in ran.stderr


def test_the_digits_are_asked_for(federation, people):
    """Without --digits they are typed; the prompt is not on standard output."""
    words = ("peer", "verify", "AL", "--channel", "video", *people.signed(0))
    ran = federation.fr.trm(*words, given="1 2 3\n")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr.startswith("digits and versions as they were read to you")


def test_row_94_one_person_suspends_every_peer(federation, people):
    """One verb, one passphrase: every peer that is active is suspended; two people resume it."""
    ran = federation.al.trm("peer", "suspend", "--all", *people.signed(0))
    assert (ran.exit_code, ran.stdout) == (0, "suspended: FR\n")
    ran = federation.al.trm("peer", "suspend", "--all", *people.signed(0))
    assert (ran.exit_code, ran.stdout) == (0, "no peer is active\n")
    assert federation.al.trm("peer", "suspend", *people.signed(0)).exit_code == 2
    federation.al.trm("peer", "resume", "FR", *people.signed(0))
    assert federation.al.trm("peer", "approve", "FR", *people.signed(1)).stdout == "done: peer.resume\nFR is active\n"
    agree(federation.fr, federation.al)


def test_row_94_one_passphrase_suspends_each_of_three_peers(people, tmp_path):
    """None is left over, neither the first nor the last: each is named and suspended, and each takes two to resume."""
    hub, *others = [make(tmp_path, name) for name in ("MA", "FR", "AL", "IT")]
    with served(hub, *others):
        for other in others:
            pair(hub, other)
        ran = hub.trm("peer", "suspend", "--all", *people.signed(0))
        assert (ran.exit_code, sorted(ran.stdout.splitlines())) == (
            0,
            ["suspended: AL", "suspended: FR", "suspended: IT"],
        )
        assert [peer["state"] for peer in hub.ask("peer.list")["peers"]] == ["suspended"] * 3
        for name in ("AL", "FR", "IT"):
            ran = hub.trm("peer", "resume", name, *people.signed(0))
            assert ran.stdout == f"pending: 1 of 2 people have approved peer.resume\n{name} is suspended\n"


def test_a_peer_is_suspended_by_one_and_resumed_by_two(federation, people):
    """One person may stop a peer at once; it takes two to undo it, and what is signed is printed in words."""
    ran = federation.al.trm("peer", "suspend", "FR", *people.signed(0))
    assert ran.stdout == "done: peer.suspend\nFR is suspended\n"
    assert "trm:   change: suspend this peer (peer.suspend)" in ran.stderr
    ran = federation.al.trm("peer", "resume", "FR", *people.signed(0))
    assert ran.stdout == "pending: 1 of 2 people have approved peer.resume\nFR is suspended\n"
    ran = federation.al.trm("peer", "approve", "FR", *people.signed(0))
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "the same person approved this already" in ran.stderr
    ran = federation.al.trm("peer", "approve", "FR", *people.signed(1))
    assert ran.stdout == "done: peer.resume\nFR is active\n"
    ran = federation.al.trm("peer", "approve", "FR", *people.signed(1))
    assert (ran.exit_code, "nothing is pending there" in ran.stderr) == (1, True)
    agree(federation.fr, federation.al)


def test_revoking_is_asked_for_twice(federation, people):
    """A no leaves the peer as it is."""
    ran = federation.fr.trm("peer", "revoke", "AL", *people.signed(0), given="n\n")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr.splitlines()[-1] == "trm: error: stopped before the end"
    assert federation.fr.ask("peer.show", id="AL")["state"] == "active"


def test_a_question_that_nobody_answers_says_what_does(federation, people):
    """Without a terminal and without the option: nothing was done, and how it is given to a program."""
    ran = federation.fr.trm("peer", "revoke", "AL", *people.signed(0), given="")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr.splitlines()[-2:] == [
        "trm: error: nobody is there to answer; nothing was done",
        "trm: hint: without a terminal an option answers, such as a passphrase file or --yes: --help lists them",
    ]
    assert federation.fr.ask("peer.show", id="AL")["state"] == "active"


def test_a_peer_comes_from_a_file_or_an_address(federation):
    """Both or none is wrong usage."""
    ran = federation.fr.trm("peer", "add")
    assert (ran.exit_code, ran.stderr.splitlines()[0]) == (
        2,
        "trm: error: name one of a pairing FILE, --url and --scanned",
    )


def test_a_peer_may_be_fetched_from_its_address(federation):
    """The chain comes from the other node; one that is known already is refused."""
    address = federation.al.ask("node.show")["endpoint"]
    ran = federation.fr.trm("peer", "add", "--url", address)
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "there is a peer with this name or node id already; nothing was changed" in ran.stderr


def test_an_address_where_nobody_is(federation):
    """Nothing was changed, and what to do."""
    ran = federation.fr.trm("peer", "add", "--url", "https://localhost:1")
    assert (ran.exit_code, ran.stderr.splitlines()) == (
        1,
        [
            "trm: error: no connection to the peer; nothing was changed",
            "trm: hint: check the address, or ask for the pairing file",
        ],
    )


def test_a_pairing_file_is_written_once(federation, tmp_path):
    """The file holds the chain, and an existing one is left as it is."""
    path = tmp_path / "fr.pairing"
    assert federation.fr.trm("node", "pairing", "-o", str(path)).stdout == f"written: {path}\n"
    assert json.loads(path.read_bytes()) == federation.fr.ask("node.pairing")
    again = federation.fr.trm("node", "pairing", "-o", str(path))
    assert (again.exit_code, again.stdout) == (1, "")
    own = federation.fr.trm("peer", "add", str(path))
    assert (own.exit_code, own.stderr) == (1, "trm: error: this is the descriptor of this node itself\n")


def test_the_pairing_file_may_go_to_a_pipe(federation):
    """Without -o the chain is printed."""
    assert json.loads(federation.fr.trm("node", "pairing").stdout) == federation.fr.ask("node.pairing")


def test_a_new_epoch_is_said(federation):
    """Rotation answers with the number of the new epoch."""
    ran = federation.al.trm("keys", "rotate-epoch")
    assert (ran.exit_code, ran.stdout) == (0, "storage epoch 2 is in use\n")


def test_a_consent_is_recorded_shown_and_withdrawn(federation, tmp_path):
    """The whole life of a consent that nobody was told of."""
    path = tmp_path / "consent.json"
    path.write_text(json.dumps(consent("AL")), encoding="utf-8")
    recorded = json.loads(
        federation.fr.trm("consent", "record", str(path), "--number", "fr-7f3a", "--json", by="Ana B.").stdout
    )
    shown = federation.fr.trm("consent", "show", recorded["id"])
    assert (shown.exit_code, '"taken_on"' in shown.stdout) == (0, True)
    assert recorded["id"] in federation.fr.trm("consent", "list").stdout
    ran = federation.fr.trm("consent", "withdraw", recorded["id"], "--erase", by="Ana B.")
    assert ran.stdout == f"{recorded['id']} is withdrawn\nno peer had been told of it\n"


def test_a_consent_with_faults_is_refused(federation):
    """Nothing is stored, and the places are named."""
    ran = federation.fr.trm("consent", "record", "-", "--number", "fr-7f3a", by="Ana B.", given='{"given_by":"person"}')
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "  /content/form: required" in ran.stderr or "  /content: required" in ran.stderr


def test_the_second_of_two_people_names_the_version_that_they_read(federation, tmp_path):
    """Without it, or with one that the first person has changed and released again since, nothing is sent."""
    fr, path, draft = federation.fr, tmp_path / "enquiry.json", enquiry("AL")

    def told(verb: str, *words: str, by: str) -> dict[str, str]:
        path.write_text(json.dumps(draft), encoding="utf-8")
        ran = fr.trm("draft", verb, *words, "--json", by=by)
        assert ran.exit_code == 0, ran.stderr
        return dict(json.loads(ran.stdout))

    id = told("add", str(path), by="Ana B.")["id"]
    told("release", id, "--two-people", by="Ana B.")
    read = told("show", id, by="Ben C.")["version"]
    draft["header"]["priority"] = "urgent"
    told("change", id, str(path), "--version", read, by="Ana B.")
    told("release", id, "--two-people", by="Ana B.")
    for words, why in (((), "another person released this draft"), (("--version", read), "not the one you have seen")):
        ran = fr.trm("draft", "release", id, *words, by="Ben C.")
        assert (ran.exit_code, ran.stdout, why in ran.stderr) == (1, "", True)
    now = told("show", id, by="Ben C.")["version"]
    assert told("release", id, "--version", now, by="Ben C.")["state"] == "queued"
