"""`trm doctor`: every check of a node, with the fix for each finding. It changes nothing, except for a page of zeros
that it writes and removes to test the disk, and an object with which it does so to a bucket.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import Code, RefusedError
from gateway.foundation.json import list_objects
from gateway.ports import Json


@click.command("doctor", context_settings=CONTEXT)
@options.pass_node
@options.as_json
def check_node(reach: Reach, as_json: bool) -> None:
    """Check files, disk, settings, keys, expiry dates, clock, log, process, peers and adapter. Exit 1 if a finding is
    red.

    A running node is asked; a stopped one is opened if --passphrase-file is given, and looked at from outside if not.

    \b
    Example:
      trm doctor --node /srv/trm/fr
    """
    from gateway.administration.doctor.folder import State

    checks = examine_folder(reach.folder, reach.passphrase_file)
    value: dict[str, Json] = {"ok": all(item["state"] != State.RED for item in checks), "checks": [*checks]}
    output.print_answer(value, as_json=as_json, people=_show)
    if value["ok"] is not True:
        raise click.exceptions.Exit(1)


def examine_folder(folder: Path, passphrase_file: Path | None) -> list[dict[str, Json]]:
    """Run every check of a node folder. Raises RefusedError if there is no folder."""
    from gateway.administration.doctor.attachments import check_attachments
    from gateway.administration.doctor.database import check_database
    from gateway.administration.doctor.folder import State, settings, standing
    from gateway.administration.doctor.host import secret, writing
    from gateway.administration.doctor.node import inside
    from gateway.administration.doctor.signatures import check_speed, measure_speed
    from gateway.cli.connection import is_running, read_answers
    from gateway.foundation.clock import SystemClock

    if not folder.is_dir():
        raise RefusedError(Code.NOT_FOUND, f"there is no folder {folder}", hint="name a node folder with --node")
    running = is_running(folder)
    config, first = settings(folder)
    database = check_database(folder, config, running=running)
    found = [first, *standing(folder, config), database, writing(folder), *secret(passphrase_file)]
    now = SystemClock().now()
    found += check_attachments(folder, config, now=now)
    found.append(check_speed(measure_speed))
    whole = all(item.state is not State.RED for item in found if item.name in ("settings", "database", "key store"))
    if whole:
        ask = partial(read_answers, folder, passphrase_file=passphrase_file)
        proxy = None if config is None else config.proxy
        found += inside(ask, passphrase_file, running=running, now=now, proxy=proxy)
    return [{"check": item.name, "state": str(item.state), "found": item.found, "fix": item.fix} for item in found]


def _show(value: Mapping[str, Json]) -> None:
    columns = ("state", "check", "found", "fix")
    listed = list_objects(value, "checks")
    output.print_table(columns, [[item[name] for name in columns] for item in listed], empty="nothing was checked")
    count = sum(item["state"] == "red" for item in listed)
    output.print_line(f"{count} red" if count else "nothing is red")
