"""`trm words`: the texts of the program in a language, out to whoever reviews them and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT
from gateway.errors import Finding
from gateway.foundation.json import list_objects
from gateway.ports import Json

if TYPE_CHECKING:
    from gateway.translations.exchange import Imported


@click.group("words", context_settings=CONTEXT)
def words_commands() -> None:
    """Review the translations of the program: a workbook for each language, out and back."""


@options.add_verb(words_commands, "export")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--language", required=True, metavar="LANG", help="Language to be reviewed, such as fr.")
def export_words(file: Path, language: str) -> None:
    """Write a workbook FILE (.xlsx) with every text of the program in a language. Needs no node.

    Each row has where the text stands, its English, its wording, its status, the reviewer and a remark. Whoever speaks
    the language corrects wordings and marks them as reviewed; its first page says how.

    \b
    Example:
      trm words export french.xlsx --language fr
    """
    from gateway.translations.exchange import export_words as make_workbook

    if file.suffix != ".xlsx":
        raise click.UsageError("FILE ends in .xlsx")
    output.write_new(file, make_workbook(language))
    output.print_line(f"wrote {file}")
    output.print_hint(f"when it comes back: trm words import {file}")


@options.add_verb(words_commands, "import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--check", "check_only", is_flag=True, help="Only say what would be taken; write nothing.")
@options.as_json
def import_words(file: Path, check_only: bool, as_json: bool) -> None:
    """Take the reviewed rows of a workbook FILE into the files of this program, a copy of its repository. Needs no
    node.

    A row is taken if it is marked as reviewed, if its text has not changed since the export, and if its wording breaks
    no rule: placeholders, every form of a plural, the signs of the language. Any other is named by its cell and stays
    as it was; then the exit code is 1.

    \b
    Example:
      trm words import french.xlsx
    """
    from gateway.translations.exchange import import_words as compare
    from gateway.translations.tree import ROOT

    done = compare(file.read_bytes())
    if not check_only:
        _write(ROOT, done.files)
    output.print_answer(_say(done, written=not check_only), as_json=as_json, people=_show)
    if done.refused or done.left:
        raise click.exceptions.Exit(1)


def _write(tree: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (tree / path).parent.mkdir(exist_ok=True)
        (tree / path).write_text(text, encoding="utf-8")


def _say(done: Imported, *, written: bool) -> dict[str, Json]:
    return {
        "language": done.language,
        "taken": done.taken,
        "unmarked": done.unmarked,
        "refused": _list(done.refused),
        "left": _list(done.left),
        "files": [*sorted(done.files)],
        "written": written,
        "reviewed": done.reviewed,
        "total": done.total,
    }


def _list(findings: Sequence[Finding]) -> Json:
    return [{"cell": one.place, "rule": one.rule, "hint": one.hint} for one in findings]


def _show(value: Mapping[str, Json]) -> None:
    for title in ("refused", "left"):
        for one in list_objects(value, title):
            output.print_line(f"{one['cell']}: {one['rule']}  {one['hint']}")
    output.print_line(f"{value['language']}: {value['reviewed']} of {value['total']} texts are reviewed")
