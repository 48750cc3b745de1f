"""Output: JSON for programs, plain tables for people, times as ISO UTC with the distance from now.

What came from a peer or a file is printed without the characters that steer a terminal.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway import strict_json
from gateway.errors import Code, RefusedError
from gateway.foundation.json import list_objects
from gateway.ports import Json
from gateway.strict_json import Rule

if TYPE_CHECKING:
    from schemas.render import Rendering

WIDE = 220
"""Columns where the output goes to a file or another program: ids are not to be folded there."""

_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def strip_controls(text: str) -> str:
    """Replace control characters and marks that change the direction of text."""
    return _STEERING.sub("\ufffd", text)


def print_json(value: Json) -> None:
    """Print the node's whole answer for programs, in its own order."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    click.echo(re.sub(r"[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", lambda m: f"\\u{ord(m[0]):04x}", text))


def print_answer(value: Json, *, as_json: bool, people: Callable[[Mapping[str, Json]], None]) -> None:
    """Print an answer of the node as JSON, or for people with `people`; and that a list is not whole yet."""
    if as_json or not isinstance(value, dict):
        print_json(value)
        return
    people(value)
    if value.get("unsettled") is True:
        print_hint("some of what changed last is not in this list yet: ask again in a moment")


def print_line(text: str) -> None:
    """Print one line of the result."""
    click.echo(strip_controls(text))


def case_name(value: Mapping[str, Json]) -> str:
    """Find the name here of the case of something, as `of_case` says it; empty where it is of none."""
    named = value.get("of_case")
    if not isinstance(named, dict):
        return ""
    return str(named["name"] or named["id"])


def print_hint(text: str) -> None:
    """Print what to do next, on standard error."""
    click.echo(strip_controls(f"trm: hint: {text}"), err=True)


def print_refusal(name: str, refused: Mapping[str, Json]) -> None:
    """Print why one of several was refused, as the refusal of one alone is printed."""
    click.echo(strip_controls(f"trm: error: {name}: {refused['title']}"), err=True)
    for found in list_objects(refused, "findings"):
        line = f"  {found['place'] or '(whole)'}: {found['rule']}  {found['hint']}"
        click.echo(strip_controls(line.rstrip()), err=True)
    if refused["hint"]:
        print_hint(str(refused["hint"]))


def format_value(value: Json) -> str:
    """Format a value as a cell: a dash for none, yes and no, lists with commas."""
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(format_value(item) for item in value) or "-"
        case dict():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Json]], *, empty: str) -> None:
    """Print a plain table, or `empty` if it has no rows."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    listed = [[Text(strip_controls(format_value(cell)), overflow="fold") for cell in row] for row in rows]
    if not listed:
        print_line(empty)
        return
    drawn = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for row in listed:
        drawn.add_row(*row)
    terminal = sys.stdout.isatty()
    Console(file=sys.stdout, width=None if terminal else WIDE, highlight=False, markup=False).print(drawn)


def print_facts(pairs: Iterable[tuple[str, Json]]) -> None:
    """Print names and values, aligned, one pair to a line."""
    listed = [(name, format_value(value)) for name, value in pairs]
    width = max((len(name) for name, _ in listed), default=0)
    for name, value in listed:
        print_line(f"{name:<{width}}  {' '.join(value.splitlines())}")


def print_rendering(page: Rendering) -> None:
    """Print a page of `schemas.render`. It strips controls from values itself, and its own direction marks must
    stay.
    """
    click.echo(page.text(), nl=False)


def rendering_to_json(page: Rendering) -> dict[str, Json]:
    """Convert a page of `schemas.render` to JSON."""
    lines: list[Json] = [{"depth": line.depth, "label": line.label, "value": line.value} for line in page.lines]
    return {"language": page.language, "direction": page.direction, "draft": page.draft, "lines": lines}


def read_json(path: Path) -> Json:
    """Read a JSON file of the caller; `-` is standard input."""
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as exc:
        raise RefusedError(
            Code.NOT_FOUND, f"{path} cannot be read; nothing was done", hint=(exc.strerror or "").lower()
        ) from exc
    value, flaws = strict_json.read_json(data, whole=False)
    if flaws:
        hint = _MEND[flaws[0].rule].format(*flaws[0].at)
        raise RefusedError(Code.MALFORMED, f"{path} is not JSON; nothing was done", hint=hint)
    return value


_MEND = {
    Rule.DUPLICATE_MEMBER: "a member occurs twice in one object: keep one of them",
    Rule.NOT_UTF8: "save it as UTF-8; it is valid UTF-8 only up to byte {}",
    Rule.BYTE_ORDER_MARK: "save it as UTF-8 without a byte order mark",
    Rule.MALFORMED: "see line {} column {}",
    Rule.TOO_DEEP: "it is nested too deeply",
    Rule.NUMBER_TOO_LARGE: "a number in it is too long",
    Rule.BAD_TEXT: "it has a lone surrogate",
    Rule.BAD_NAME: "it has a lone surrogate",
}
"""How to mend a file that is not JSON, without a word of it."""


def read_object(path: Path) -> dict[str, Json]:
    """Read a JSON file that holds one object."""
    value = read_json(path)
    if not isinstance(value, dict):
        raise RefusedError(
            Code.MALFORMED,
            f"{path} holds no JSON object; nothing was done",
            hint="put one pair of braces around it all",
        )
    return value


def print_qr_code(text: str) -> None:
    """Print a text as a QR code, dark on light whatever the terminal's colours are, and in letters below."""
    import segno

    drawn = io.StringIO()
    segno.make(text, error="m", micro=False).terminal(drawn, compact=True, border=2)
    print_line(drawn.getvalue().rstrip("\n"))
    print_line(text)


def write_new(path: Path, data: bytes) -> None:
    """Write a new private file, whole or not at all; an existing one is never touched."""
    import os

    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as exc:
        raise RefusedError(
            Code.EXISTS, f"{path} exists already; it was left as it is", hint="name another file"
        ) from exc
    except OSError as exc:
        raise RefusedError(Code.INVALID, f"{path} cannot be written", hint=(exc.strerror or "").lower()) from exc
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as exc:
        path.unlink()
        raise RefusedError(
            Code.DISK, f"{path} cannot be kept; it was taken away again", hint=(exc.strerror or "").lower()
        ) from exc


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` in the place of a file that is there, in one step; who may read it, and whose it is, stay."""
    import os

    whole = path.resolve()
    aside = whole.with_name(f".{whole.name}.new")
    try:
        old = whole.stat()
        aside.unlink(missing_ok=True)
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            if os.geteuid() == 0:
                os.fchown(handle, old.st_uid, old.st_gid)
            os.fchmod(handle, old.st_mode & 0o777)
            os.fsync(handle)
        aside.replace(whole)
    except OSError as exc:
        aside.unlink(missing_ok=True)
        raise RefusedError(
            Code.INVALID, f"{path} cannot be replaced; it was left as it is", hint=(exc.strerror or "").lower()
        ) from exc
