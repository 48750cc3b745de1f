"""`trm sheet`: a line list for an office that has no case system."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT


@click.group("sheet", context_settings=CONTEXT)
def sheet_commands() -> None:
    """Make a line list for an office that has no case system."""


@options.add_verb(sheet_commands, "new")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--language", required=True, metavar="LANG", help="Language of headings, drop-downs and instructions.")
@click.option(
    "--mapping", type=click.Path(path_type=Path), metavar="FILE", help="As adapter.mapping; else the built-in one."
)
def create_sheet(file: Path, language: str, mapping: Path | None) -> None:
    """Write an empty workbook FILE (.xlsx) with drop-downs and instructions in a language. Needs no node.

    Set the same language as adapter.language in node.toml: then what people choose is understood, and faults are told
    in their language. A label that the language lacks is shown as missing; it can be chosen all the same.

    \b
    Example:
      trm sheet new cases.xlsx --language fr
    """
    from gateway.mapping.line_list import new_line_list

    if file.suffix != ".xlsx":
        raise click.UsageError("FILE ends in .xlsx")
    output.write_new(file, new_line_list(language, mapping))
    output.print_line(f"wrote {file}")
    output.print_hint(f'in node.toml: kind = "sheet" and language = "{language}" under [adapter]')
