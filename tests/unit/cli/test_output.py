"""How results and refusals look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.desks import run

from gateway.cli import output
from gateway.cli.root import report_error
from gateway.errors import Code, Finding, RefusedError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "-"),
        ("", "-"),
        (True, "yes"),
        (False, "no"),
        (3, "3"),
        (["a", "b"], "a, b"),
        ([], "-"),
        ({"a": 1}, '{"a": 1}'),
    ],
)
def test_a_value_as_a_cell(value, expected):
    """Cells hold words, not Python."""
    assert output.format_value(value) == expected


@pytest.mark.parametrize("character", ["\x1b", "\x9b", "\x07", "\u202e", "\u2066", "\r"])
def test_what_steers_a_terminal_is_not_printed(character, capsys):
    """A name from a peer can not move the cursor or turn the direction of text."""
    output.print_line(f"a{character}b")
    output.print_facts([("name", f"a{character}b")])
    output.print_table(["name"], [[f"a{character}b"]], empty="none")
    output.print_json({"name": f"a{character}b"})
    shown = capsys.readouterr().out
    assert character not in shown
    assert json.loads(shown[shown.index("{") :]) == {"name": f"a{character}b"}


def test_a_fact_stays_on_its_line(capsys):
    """A value with a line break can not look like another fact."""
    output.print_facts([("name", "FR\nfingerprint  00000"), ("state", "active")])
    assert capsys.readouterr().out == "name   FR fingerprint  00000\nstate  active\n"


def test_markup_in_a_cell_is_text(capsys):
    """Square brackets of a value are shown as they are."""
    output.print_table(["name"], [["[red]x[/red]"]], empty="none")
    assert "[red]x[/red]" in capsys.readouterr().out


def test_an_empty_table_says_so(capsys):
    """A list without items is a sentence."""
    output.print_table(["name"], [], empty="no peer yet")
    assert capsys.readouterr().out == "no peer yet\n"


@pytest.mark.parametrize("unsettled", [True, False])
def test_a_list_that_is_not_whole_says_so(unsettled: bool, capsys: pytest.CaptureFixture[str]):
    """On the stream of hints, so that what a program reads stays what it was."""
    output.print_answer({"unsettled": unsettled}, as_json=False, people=lambda _: output.print_line("a list"))
    printed = capsys.readouterr()
    assert (printed.out, "not in this list yet" in printed.err) == ("a list\n", unsettled)


def test_an_error_has_its_findings_and_hint(capsys):
    """One line for what happened, one for each place, one for what to do next; nothing on standard output."""
    error = RefusedError(
        Code.SCHEMA,
        "the draft has 2 fault(s); nothing was stored",
        hint="correct it",
        findings=[Finding(place="/header/language", rule="required"), Finding(place="", rule="type", hint="an object")],
    )
    assert report_error(error) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "trm: error: the draft has 2 fault(s); nothing was stored",
        "  /header/language: required",
        "  (whole): type  an object",
        "trm: hint: correct it",
    ]


def test_a_file_is_never_overwritten(tmp_path: Path):
    """An existing file keeps its bytes, and a new one is private."""
    target = tmp_path / "out"
    output.write_new(target, b"first")
    with pytest.raises(RefusedError, match="exists already; it was left as it is"):
        output.write_new(target, b"second")
    assert target.read_bytes() == b"first"
    assert target.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"{", "see line 1 column 2"),
        (b"", "see line 1 column 1"),
        (b'"\xff', "save it as UTF-8; it is valid UTF-8 only up to byte 1"),
        ('{"a": 1}'.encode("utf-16"), "save it as UTF-8"),
        (b'\xef\xbb\xbf{"a": 1}', "without a byte order mark"),
        (b'{"a":1,"a":2}', "a member occurs twice"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a": 1' + b"0" * 5_000 + b"}", "a number in it is too long"),
        (b"[]", "holds no JSON object"),
    ],
    ids=["cut", "empty", "latin", "utf-16", "bom", "twice", "deep", "number", "list"],
)
def test_a_file_that_is_no_draft_is_refused(tmp_path: Path, text: bytes, words: str):
    """What can not be read as one JSON object is named with what to do about it, not its content."""
    path = tmp_path / "draft.json"
    path.write_bytes(text)
    ran = run("schema", "check", str(path))
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"trm: error: {path} ") and words in ran.stderr and "nothing was done" in ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("trm: hint: ")


def test_a_missing_file_is_refused(tmp_path: Path):
    """The path and the reason are named."""
    ran = run("schema", "check", str(tmp_path / "none.json"))
    assert ran.exit_code == 1
    assert ran.stderr.splitlines()[-1] == "trm: hint: no such file or directory"


def test_a_file_is_replaced_in_one_step(tmp_path: Path):
    """Behind a link too, with the rights that it had; where that cannot be, it is what it was."""
    folder = tmp_path / "office"
    folder.mkdir()
    file, link = folder / "office.yaml", tmp_path / "link.yaml"
    file.write_bytes(b"before")
    file.chmod(0o640)
    link.symlink_to(file)
    output.replace_file(link, b"after")
    assert (link.is_symlink(), file.read_bytes(), file.stat().st_mode & 0o777) == (True, b"after", 0o640)
    assert [path.name for path in folder.iterdir()] == ["office.yaml"]
    with pytest.raises(RefusedError, match="cannot be replaced; it was left as it is") as told:
        output.replace_file(folder, b"after")
    assert told.value.code is Code.INVALID and file.read_bytes() == b"after"
