"""`trm diagnostics`: one file for the people who help, without content, names or ids."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import GatewayError
from gateway.ports import Json


@click.command("diagnostics", context_settings=CONTEXT)
@click.option(
    "-o", "--output", "file", type=click.Path(path_type=Path), metavar="FILE", help="New file; never overwrites."
)
@options.pass_node
@options.as_json
def collect_diagnostics(reach: Reach, file: Path | None, as_json: bool) -> None:
    """Say what a file for the people who help would hold, and write it if one is named.

    It holds versions, settings without texts, states of the checks, sizes, counts, ages of queues, dates and the newest
    log lines by code; no content, no names, no ids of cases or messages, no keys. Read it before you send it.

    \b
    Example:
      trm diagnostics --node /srv/trm/fr -o fr.diagnostics.json
    """
    import json

    from gateway.administration.diagnostics import describe_diagnostics

    found = collect(reach)
    text = json.dumps(found, indent=2, sort_keys=True) + "\n"
    if as_json and file is None:
        click.echo(text, nl=False)
        return
    parts: list[list[Json]] = [[part, count, about] for part, count, about in describe_diagnostics(found)]
    output.print_table(["part", "entries", "what it holds"], parts, empty="nothing")
    if file is None:
        output.print_hint("nothing was written; -o FILE writes it, --json prints it")
        return
    output.write_new(file, text.encode())
    output.print_line(f"written: {file}, {len(text)} bytes")


def collect(reach: Reach) -> dict[str, Json]:
    """Ask the node, or what can be seen of its folder without it."""
    from gateway.administration.diagnostics import ASKED, build_diagnostics
    from gateway.cli.administration.doctor import examine_folder
    from gateway.cli.connection import read_answers
    from gateway.foundation import config
    from gateway.foundation.clock import SystemClock

    checks = examine_folder(reach.folder, reach.passphrase_file)
    try:
        told = read_answers(reach.folder, ASKED, passphrase_file=reach.passphrase_file)
    except GatewayError:
        told = {}  # the checks say why
    try:
        settings = config.load(reach.folder)
    except GatewayError:
        settings = None
    return build_diagnostics(told=told, checks=checks, config=settings, folder=reach.folder, now=SystemClock().now())
