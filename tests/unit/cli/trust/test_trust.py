"""The transcript of docs/trust.md is replayed on two real nodes, line by line."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.ceremony import key_files
from support.desks import Desk, enquiry, make, served
from support.house import ROOT
from support.keycost import CHEAP
from support.patience import PATIENCE

from gateway.foundation.clock import SystemClock
from keys.offline.administrator_key import new_admin, write_admin

PAGE = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
PEOPLE = {"FR": {"ana": "Ana B.", "ben": "Ben C."}, "AL": {"besa": "Besa K.", "dritan": "Dritan L."}}
SECRET = "secret of a person"


@dataclass
class Scene:
    """One command of the transcript, what was said before it, and the lines that it must print."""

    said: str
    country: str
    words: list[str]
    lines: list[str] = field(default_factory=list)


def scenes() -> list[Scene]:
    """The transcript, command by command."""
    found: list[Scene] = []
    said = ""
    for line in re.findall(r"```transcript\n(.*?)```", PAGE, re.DOTALL)[0].splitlines():
        if line.startswith("# "):
            said = line
        elif match := re.fullmatch(r"(FR|AL)\$ trm (.*)", line):
            found.append(Scene(said, match[1], shlex.split(match[2])))
            said = ""
        else:
            found[-1].lines.append(line)
    return found


@pytest.fixture
def desks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Desk]]:
    """Both countries, each with two administrators, and the files that the transcript names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text(SECRET, encoding="utf-8")
    made = {}
    for name, people in PEOPLE.items():
        admins = [new_admin(label=label, now=SystemClock().now()) for label in people.values()]
        for file, admin in zip(people, admins, strict=True):
            write_admin(tmp_path / f"{file}.key", SECRET, admin)
        key_files(tmp_path / f"{name}-admins", admins, cost=CHEAP)  # who let the people in that act here
        made[name] = make(tmp_path, name, admins=[admin.card for admin in admins])
    (tmp_path / "enquiry.json").write_text(json.dumps(enquiry("AL")), encoding="utf-8")
    with served(*made.values()):
        for name, desk in made.items():
            (tmp_path / f"{name.lower()}.pairing").write_text(json.dumps(desk.ask("node.pairing")), encoding="utf-8")
        yield made


def typed(scene: Scene, desks: dict[str, Desk]) -> str | None:
    """The digits as the other side reads them, one of them wrong where the page says so."""
    if scene.words[:2] != ["peer", "verify"]:
        return None
    other = desks["AL" if scene.country == "FR" else "FR"]
    digits = other.trm("peer", "code", scene.country).stdout.strip()
    return (str((int(digits[0]) + 1) % 10) + digits[1:] if "wrong" in scene.said else digits) + "\n"


def agreed(desks: dict[str, Desk]) -> bool:
    """Whether both sides hold both records."""
    return all(peer["missing"] is None for desk in desks.values() for peer in desk.ask("peer.list")["peers"])


def squeezed(text: str) -> list[str]:
    """Printed lines with single spaces, and without the columns of tables."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_row_36_the_pairing_as_a_newcomer_reads_it(desks: dict[str, Desk]) -> None:
    """Each command of the page prints what the page says; an error line means exit code 1."""
    told = scenes()
    assert len(told) >= 15
    for scene in told:
        if "Both nodes have told each other" in scene.said or scene.words[1] == "show":
            end = time.monotonic() + PATIENCE
            while not agreed(desks):
                assert time.monotonic() < end
                time.sleep(0.05)
        secret = ["--admin-passphrase-file", "secret"] if "--as" in scene.words else []
        ran = desks[scene.country].trm(*scene.words, *secret, given=typed(scene, desks))
        printed = squeezed(ran.stderr + "\n" + ran.stdout)
        assert ran.exit_code == any(line.startswith("trm: error") for line in scene.lines), (scene, ran.stderr)
        for line in scene.lines:
            pattern = re.escape(" ".join(line.split())).replace(r"\.\.\.", ".*")
            assert any(re.fullmatch(f".*?{pattern}", shown) for shown in printed), (line, printed)
