"""`trm conversation`: where a conversation stands, and the morning list."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from support.desks import enquiry
from support.patience import PATIENCE

from gateway.cli.messages import exchange
from schemas.region_pack.regions import load_region


@pytest.fixture
def asked(federation, tmp_path: Path) -> dict[str, str]:
    """An enquiry of France that Albania has."""
    path = tmp_path / "enquiry.json"
    path.write_text(json.dumps(enquiry("AL")), encoding="utf-8")
    answer = json.loads(federation.fr.trm("send", str(path), "--json").stdout)
    give_up = time.monotonic() + PATIENCE
    while federation.fr.ask("message.show", id=answer["id"])["state"] != "awaiting_opening":
        assert time.monotonic() < give_up
        time.sleep(0.05)
    return answer


def test_a_conversation_says_where_it_stands(federation, asked):
    """State, side and what is owed stand above the messages."""
    ran = federation.al.trm("conversation", "show", asked["conversation"])
    assert ran.exit_code == 0, ran.stderr
    lines = [" ".join(line.split()) for line in ran.stdout.splitlines()]
    for line in ("kind enquiry", "side receiving", "state delivered", "provisional no"):
        assert line in lines
    assert any(line.startswith("enquiry_reply us ") and line.endswith(asked["id"]) for line in lines)
    assert "stage Referral" in lines
    assert any(line.startswith("referral.answer_capacity") and " due us " in line for line in lines)


def test_the_procedure_in_a_language(federation, asked):
    """Steps and roles are told in the language, as a draft where nobody has reviewed them; a wrong one is refused."""
    ran = federation.al.trm("conversation", "show", asked["conversation"], "--language", "fr")
    assert ran.exit_code == 0, ran.stderr
    assert f"stage      {load_region('tact').procedure.stages[1].title['fr']}" in ran.stdout
    assert "[en]" not in ran.stdout and "trm: hint: texts in français" in ran.stderr
    assert "Point focal national" in ran.stdout
    assert federation.al.trm("conversation", "show", asked["conversation"], "--language", "xx").exit_code == 1


def test_the_morning_list(federation, asked):
    """The same line for who owes and for who waits; the other side's part can be asked for alone."""
    listed = ("conversation", "list", "--due", "--limit", "500")
    here, there = (desk.trm(*listed) for desk in (federation.fr, federation.al))
    for ran, owes in ((here, "them"), (there, "us")):
        (line,) = [line for line in ran.stdout.splitlines() if asked["conversation"] in line]
        assert f" {owes} " in line
        assert "enquiry_reply" in line
    ours = json.loads(federation.fr.trm(*listed, "--ours", "--json").stdout)
    assert asked["conversation"] not in [item["conversation"] for item in ours["due"]]


def test_what_is_owed_in_order(federation, tmp_path: Path):
    """Three questions of two countries: each desk sees all three by their deadline, and which of them are its own."""
    fr, al = federation.fr, federation.al
    asked = {}
    for desk, to, priority in ((fr, "AL", "normal"), (al, "FR", "urgent"), (fr, "AL", "emergency")):
        path = tmp_path / f"{priority}.json"
        draft = enquiry(to)
        draft["header"]["priority"] = priority
        path.write_text(json.dumps(draft), encoding="utf-8")
        asked[json.loads(desk.trm("send", str(path), "--json").stdout)["conversation"]] = priority

    def listed(desk, *part: str) -> list[dict[str, object]]:
        value = json.loads(desk.trm("conversation", "list", "--due", "--limit", "500", *part, "--json").stdout)
        return [item for item in value["due"] if item["conversation"] in asked]

    give_up = time.monotonic() + PATIENCE
    while any(item["what"] != "enquiry_reply" for item in (*listed(fr), *listed(al))) or len(listed(fr)) < 3:
        assert time.monotonic() < give_up
        time.sleep(0.05)
    here, there = listed(fr), listed(al)
    assert [(asked[item["conversation"]], item["owes"]) for item in here] == [
        ("emergency", "them"),
        ("urgent", "us"),
        ("normal", "them"),
    ]
    assert [item["owes"] for item in there] == ["us", "them", "us"]
    assert [item["until"] for item in here] == [item["until"] for item in there]
    assert [item["conversation"] for item in listed(fr, "--ours")] == [here[1]["conversation"]]
    assert [item["conversation"] for item in listed(al, "--ours")] == [here[0]["conversation"], here[2]["conversation"]]
    normal = datetime.fromtimestamp(here[2]["until"], ZoneInfo("Europe/Tirane"))
    assert (f"{normal:%H:%M:%S}", normal.weekday() < 5) == ("23:59:59", True)
    hours = [(item["until"] - time.time()) / 3_600 for item in here[:2]]
    assert [round(left) for left in hours] == [24, 72]
    text = fr.trm("conversation", "list", "--due", "--limit", "500").stdout.splitlines()
    places = [next(n for n, line in enumerate(text) if item["conversation"] in line) for item in here]
    assert places == sorted(places)


def test_a_part_of_the_list_needs_the_list(federation):
    """--ours without --due is wrong usage, not an unfiltered list."""
    ran = federation.fr.trm("conversation", "list", "--ours")
    assert (ran.exit_code, ran.stdout) == (2, "")


def test_what_is_late_or_uncertain_is_marked(capsys):
    """An overdue line says so, an uncertain date carries a question mark, and more is told of."""
    line = {
        "until": 0,
        "overdue": True,
        "certain": False,
        "owes": "us",
        "what": "decision",
        "peer": "AL",
        "state": "delivered",
        "type": "referral.request/1",
        "conversation": "c",
    }
    exchange._show_due({"due": [line], "next": "1"})
    printed = capsys.readouterr()
    assert "OVERDUE 1970-01-01T00:00:00Z" in printed.out
    assert ") ?" in printed.out
    assert printed.err.count("trm: hint:") == 2


def test_doubts_about_a_conversation_are_told(capsys):
    """Unreadable messages, a missing calendar and a message without effect are pointed out."""
    standing = {
        "peer": "XK",
        "kind": "referral",
        "side": "host",
        "state": "sent",
        "provisional": True,
        "overlays": ["alert"],
        "owed": [],
        "procedure": None,
        "missing": 1,
        "no_calendar": ["XK"],
        "ask_elsewhere": True,
        "owed_later": ["/content/person/languages"],
    }
    message = dict.fromkeys(("direction", "peer", "type", "state", "reason", "at", "n"))
    told = [message | {"id": "m", "outcome": "crossed"}]
    value = {"standing": [standing], "messages": told, "asylum_hold": True}
    exchange._show_conversation(value)
    printed = capsys.readouterr()
    assert "asylum hold" in printed.out
    assert "nothing is owed" in printed.out
    assert "refer to a second unit" in printed.err
    assert "we still owe, by info.reply: /content/person/languages" in printed.err
    for hint in ("1 message(s) can no longer be read", "no calendar for XK", "m had no effect: crossed"):
        assert hint in printed.err
