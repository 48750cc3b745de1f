"""`trm directory` and `trm guidance` on two real nodes: published, asked in another language, checked offline."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from support.questions import QUESTIONS

SUNDAY = "Ποιον ρωτάω στην Αλβανία για ένα παιδί την Κυριακή;"


@pytest.fixture(scope="module")
def published(federation):
    """Albania has told its offices, which count for 80 days from today."""
    (said,) = (item["content"] for item in QUESTIONS["directory"] if item["country"] == "AL")
    last = (datetime.now(tz=UTC) + timedelta(days=80)).date().isoformat()
    content = {"units": [{**unit, "valid_until": last} for unit in said["units"]], "focal_points": said["focal_points"]}
    ran = federation.al.trm("directory", "publish", "-", by="Besa K.", given=json.dumps(content))
    assert ran.exit_code == 0, ran.stderr
    assert "FR" in ran.stdout
    return federation.al


def test_whom_to_ask_in_words(published):
    """The duty telephone comes first on a Sunday, and whoever reads JSON gets everything."""
    first = published.trm("directory", "search", SUNDAY).stdout.splitlines()[2]
    assert "kujdestaria" in first
    assert "+3556900000" in first
    assert "(duty)" in first
    found = json.loads(published.trm("directory", "search", *SUNDAY.split(), "--child", "--json").stdout)
    assert found["understood"] == {"countries": ["AL"], "child": True, "timed": True}
    assert published.trm("directory", "search", "Romania").stdout == "nobody was found\n"


def test_all_that_a_country_says(published):
    """Units in the language of the reader; a country that says nothing is refused with a hint."""
    shown = published.trm("directory", "show", "AL", "--language", "sq")
    assert "Zyra për mbrojtjen e fëmijëve" in " ".join(shown.stdout.split())
    refused = published.trm("directory", "show", "RO")
    assert refused.exit_code == 1
    assert "trm directory search" in refused.stderr


def test_what_was_told_is_a_file_to_be_told_anew(published):
    """What comes out goes in again; with JSON also when it ends."""
    ran = published.trm("directory", "own")
    content = json.loads(ran.stdout)
    assert "kujdestaria" in {unit["unit_id"] for unit in content["units"]}
    assert "supersedes" not in content
    assert "it is valid until" in ran.stderr
    number = json.loads(published.trm("directory", "own", "--json").stdout)["number"]
    told = published.trm("directory", "publish", "-", "--json", by="Besa K.", given=ran.stdout)
    assert json.loads(told.stdout)["number"] == number + 1


def test_what_is_wrong_is_told_with_its_place(published):
    """An office of another country, and an unknown language of the reader."""
    ran = published.trm("directory", "publish", "-", by="Besa K.", given='{"units": []}')
    assert ran.exit_code == 1
    assert "/content/units" in ran.stderr
    assert published.trm("directory", "search", "x", "--language", "xx").exit_code == 1


def test_a_text_is_found_and_shown(published):
    """A question in French finds it, and the text names the documents it rests on."""
    ran = published.trm("guidance", "search", "retirer", "son", "consentement", "--language", "fr")
    assert "withdrawal" in ran.stdout.splitlines()[2]
    assert "(draft)" in ran.stdout
    shown = published.trm("guidance", "show", "withdrawal").stdout
    assert "- Regulation (EU) 2016/679" in shown
    assert "version 1" in shown
    listed = json.loads(published.trm("guidance", "list", "--topic", "child", "--json").stdout)
    assert "best-interests" in {text["id"] for text in listed["texts"]}


def test_own_texts_are_checked_without_a_running_node(copy):
    """No folder is no fault; a fault is told with its place and exit code 1."""
    assert "0 text(s)" in copy.trm("guidance", "check").stdout
    texts = copy.folder / "guidance" / "texts"
    texts.mkdir(parents=True)
    (texts / "mine.md").write_text("no head\n")
    refused = copy.trm("guidance", "check")
    assert refused.exit_code == 1
    assert "texts/mine.md: no_head" in refused.stderr
    (texts / "mine.md").unlink()
