"""`trm policy`: what may leave is shown, compared, narrowed by one person and widened by two."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.ceremony import KeyFiles
from support.desks import Desk, enquiry


@dataclass
class Shelf:
    """The policy in force at a desk, and the files that administrators make of it."""

    desk: Desk
    folder: Path

    def file(self) -> dict[str, Any]:
        """The file in force, as `trm policy show --file` gives it."""
        ran = self.desk.trm("policy", "show", "--file")
        assert ran.exit_code == 0, ran.stderr
        return dict(json.loads(ran.stdout))

    def next(self, **changes: Any) -> str:
        """A file with the next version and these members."""
        held = self.file()
        path = self.folder / "policy.json"
        new = held | {"version": held["version"] + 1} | changes
        path.write_text(json.dumps(new, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
        return str(path)

    def changes(self) -> list[str]:
        """What was adopted so far."""
        return [item["action"] for item in json.loads(self.desk.trm("policy", "show", "--json").stdout)["changes"]]


@pytest.fixture
def shelf(federation: Any, people: KeyFiles, tmp_path: Path) -> Iterator[Shelf]:
    """That of France; what a test closes is opened again."""
    found = Shelf(federation.fr, tmp_path)
    rules = found.file()["rules"]
    yield found
    if found.file()["rules"] != rules:
        wide = found.next(rules=rules)
        for number, words in enumerate((("adopt", wide), ("approve",))):
            ran = federation.fr.trm("policy", *words, "--emergency", *people.signed(number))
            assert ran.exit_code == 0, ran.stderr


def test_a_policy_is_shown_and_compared(shelf: Shelf) -> None:
    """The file that is in force changes nothing; one with a rule less closes something, in sentences."""
    shown = shelf.desk.trm("policy", "show")
    assert shown.exit_code == 0, shown.stderr
    assert f"version {shelf.file()['version']}" in shown.stdout
    same = shelf.desk.trm("policy", "diff", shelf.next())
    assert (same.exit_code, same.stdout.strip()) == (0, "the same may leave as now")
    assert "one administrator" in same.stderr
    less = json.loads(shelf.desk.trm("policy", "diff", shelf.next(rules=shelf.file()["rules"][1:]), "--json").stdout)
    assert (less["widens"], less["people"]) == (False, 1)
    assert less["changes"]
    assert all(line.startswith("closes ") for line in less["changes"])


def test_one_person_narrows_and_two_widen(shelf: Shelf, people: KeyFiles) -> None:
    """At once by one; what lets more leave waits for a second, different person."""
    desk, rules, before = shelf.desk, shelf.file()["rules"], shelf.changes()
    ran = desk.trm("policy", "adopt", shelf.next(rules=rules[1:]), *people.signed(0))
    assert ran.exit_code == 0, ran.stderr
    assert "trm:   closes " in ran.stderr
    assert shelf.file()["rules"] == rules[1:]
    wide = shelf.next(rules=rules)
    compared = desk.trm("policy", "diff", wide)
    assert compared.stdout.startswith("opens ")
    assert "two administrators" in compared.stderr
    assert desk.trm("policy", "adopt", wide, "--emergency", *people.signed(0)).exit_code == 0
    assert "pending: policy.widen" in desk.trm("policy", "show").stdout
    again = desk.trm("policy", "approve", "--emergency", *people.signed(0))
    assert again.exit_code == 1
    assert shelf.file()["rules"] == rules[1:]
    second = desk.trm("policy", "approve", "--emergency", *people.signed(1))
    assert second.exit_code == 0, second.stderr
    assert "trm:   opens " in second.stderr
    assert shelf.file()["rules"] == rules
    assert shelf.changes() == [*before, "policy.narrow", "policy.widen"]


def test_a_policy_of_before_is_upgraded_by_two(shelf: Shelf, people: KeyFiles) -> None:
    """One person proposes the same policy in format 2, a second approves; then there is nothing more to upgrade."""
    desk = shelf.desk
    if "attested" not in shelf.file():  # the policy of another test stands, which was of format 1
        for number, verb in enumerate(("upgrade", "approve")):
            assert desk.trm("policy", verb, "--emergency", *people.signed(number)).exit_code == 0
    held = shelf.file()
    attested = held.pop("attested")
    refused = desk.trm("policy", "upgrade", *people.signed(0))
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "nothing was proposed" in refused.stderr
    old = held | {"format": "trm-corridor-policy/1", "version": held["version"] + 1}
    path = shelf.folder / "old.json"
    path.write_text(json.dumps(old, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    ran = desk.trm("policy", "adopt", str(path), *people.signed(0))
    assert ran.exit_code == 0, ran.stderr
    assert "nothing: trm policy upgrade" in desk.trm("policy", "show").stdout
    proposed = desk.trm("policy", "upgrade", "--emergency", *people.signed(0))
    assert proposed.exit_code == 0, proposed.stderr
    assert "opens on the attestation of a case system: enquiry.capacity, enquiry.reply, reminder.due" in proposed.stderr
    assert shelf.file() == old
    approved = desk.trm("policy", "approve", "--emergency", *people.signed(1))
    assert approved.exit_code == 0, approved.stderr
    assert shelf.file() == held | {"attested": attested, "version": old["version"] + 1}
    assert "enquiry.capacity" in desk.trm("policy", "show").stdout


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read; nothing was done"),
        ("{", "wrong.json"),
        ("{}", "wrong.json#/rules: required"),
        ('{"surprise": 1}', "wrong.json#/surprise: unknown_key"),
    ],
)
def test_a_file_that_is_no_policy_changes_nothing(
    shelf: Shelf, people: KeyFiles, content: str | None, words: str
) -> None:
    """It is refused before anybody is asked to sign."""
    path, before = shelf.folder / "wrong.json", shelf.changes()
    if content is not None:
        path.write_text(content, encoding="utf-8")
    for verb in (("diff", str(path)), ("adopt", str(path), *people.signed(0))):
        ran = shelf.desk.trm("policy", *verb)
        assert (ran.exit_code, ran.stdout) == (1, "")
        assert words in ran.stderr
    assert shelf.changes() == before


def test_an_older_version_is_not_adopted_again(shelf: Shelf, people: KeyFiles) -> None:
    """The number only goes up, so that nobody is shown an old file as a new one."""
    ran = shelf.desk.trm("policy", "adopt", shelf.next(version=shelf.file()["version"]), *people.signed(0))
    assert ran.exit_code == 1
    assert "version" in ran.stderr
    assert ran.stdout == ""


def test_what_would_leave_is_shown_and_not_sent(shelf: Shelf) -> None:
    """The preview of a message file; nothing is stored."""
    path = shelf.folder / "enquiry.json"
    path.write_text(json.dumps(enquiry("AL")), encoding="utf-8")
    before = shelf.desk.ask("message.list")["messages"]
    ran = shelf.desk.trm("policy", "preview", str(path))
    assert ran.exit_code == 0, ran.stderr
    assert "enquiry.capacity/1" in ran.stdout
    assert shelf.desk.ask("message.list")["messages"] == before
