"""The reference pages say what the code says: settings, operations of the local API, audit events."""

from __future__ import annotations

import re
import shlex

import click
import pytest
from support import pages
from support.house import ROOT

from gateway.cli.root import trm

ROW = re.compile(r"^\| `([^`]+)` \| ([^|]*) \|", re.MULTILINE)


def rows(page: str) -> dict[str, str]:
    """First and second cell of the rows that begin with a word of the code."""
    return dict(ROW.findall((ROOT / "docs" / page).read_text(encoding="utf-8")))


def test_every_setting_has_its_row():
    """settings.md lists each key of node.toml with its default, and no other; those of each adapter under its kind."""
    page, *kinds = re.split(r'^### kind = "(\w+)"$', (ROOT / "docs" / "settings.md").read_text("utf-8"), flags=re.M)
    assert dict(ROW.findall(page)) == pages.settings()
    told = {kind: dict(ROW.findall(text)) for kind, text in zip(kinds[::2], kinds[1::2], strict=True)}
    assert told == pages.adapter_settings()


def test_every_operation_has_its_row():
    """local-api.md lists each operation with its path and arguments; `./dev docs` renews it."""
    page = ROOT / "docs" / "local-api.md"
    assert page.read_text(encoding="utf-8") == pages.with_operations(page)


def test_every_audit_entry_has_its_row():
    """audit-events.md lists each event with every member that an entry can state."""
    told = {event: set(re.findall(r"`([a-z]+)`", members)) for event, members in rows("audit-events.md").items()}
    assert told == pages.audit_entries()


def test_every_alarm_has_its_row():
    """operations.md says of each alarm what it means and what to do."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").partition("## Alarms")[2].partition("\n## ")[0]
    told = {
        kind for row in re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE) for kind in re.findall(r"`([^`]+)`", row)
    }
    assert told == pages.alarms()


def test_an_operation_says_what_it_takes():
    """The scan finds arguments where there are some."""
    assert pages.arguments("peer.add") == ("name", "chain", "url", "fingerprint", "version")
    assert pages.arguments("node.show") == ()


def commands(page: str) -> list[list[str]]:
    """The words of each `trm` command in the code blocks of a page; a line that ends in a backslash goes on."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.startswith("    ") and line.strip().startswith("trm ")]
    return [shlex.split(line) for line in lines]


@pytest.mark.parametrize("page", ["integrator-quickstart.md", "operations.md", "first-hour.md"])
def test_a_command_of_a_page_is_one(page):
    """Each command has its verb, and each option is one of that verb."""
    found = commands(page)
    assert found
    for words in found:
        command: click.Command = trm
        rest = words[1:]
        while isinstance(command, click.Group):
            inner = command.get_command(click.Context(command), rest[0])
            assert inner is not None, words
            command, rest = inner, rest[1:]
        known = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in rest if word.startswith("-") and word != "-"} <= known, words
