"""docs/region-example.md does what it says, from the wheel alone: each command is run, each listing compared."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from support.house import ROOT
from support.wheels import InstalledWheel

PAGE = ROOT / "docs" / "region-example.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`(sahel/[\w./-]+\.json)`")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> InstalledWheel:
    """The program as it is installed, without its source."""
    return InstalledWheel(tmp_path_factory.mktemp("wheel"))


def test_the_page_is_followed(program: InstalledWheel, tmp_path: Path) -> None:
    """To the end, in its order; whatever it shows is printed, in this order."""
    output, kinds, end, text = "", list[str](), 0, PAGE.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        kind, content = block[1], block[2]
        kinds.append(kind)
        if kind == "sh":
            output = ""
            for line in content.splitlines():
                done = program.trm(shlex.split(line)[1:], where=tmp_path)
                assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
                output += done.stdout
        elif kind == "json":
            # the file is named in the sentence before, else in the one after
            named = [*NAMED.findall(text[end : block.start()]), *NAMED.findall(text[block.end() :])]
            (tmp_path / named[0]).write_text(content, encoding="utf-8")
        else:
            at = 0
            for line in content.splitlines():
                assert line in output[at:], f"the page shows {line!r}, but the output was\n{output}"
                at = output.index(line, at)
        end = block.end()
    assert kinds.count("sh") == 4 and kinds.count("json") == 4


def test_a_region_of_invented_countries_works_from_the_wheel(program: InstalledWheel, tmp_path: Path) -> None:
    """For an exercise: begun, checked and shown, where only the installed program is."""
    new = ["region", "new", "./exercise", "--from", "XA:en:Ruritania", "--to", "ZZ:fr:Zenda"]
    for words in (new, ["region", "check", "./exercise"], ["procedure", "list", "--region", "./exercise"]):
        done = program.trm(words, where=tmp_path)
        assert done.returncode == 0, done.stderr
    assert "return.propose" in done.stdout
