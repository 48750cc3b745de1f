"""`trm change`: a change of trust, read on this machine from the exact object that people sign."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.cli.trust.signing import read_named
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json

if TYPE_CHECKING:
    from keys.documents.change import Change


@click.group("change", context_settings=CONTEXT)
def change_commands() -> None:
    """Read changes of trust on a second device, before somebody signs them."""


@options.add_verb(change_commands, "show")
@click.argument("hash")
@options.pass_node
@options.as_json
def show_change(reach: Reach, hash: str, as_json: bool) -> None:
    """Print a change in words that are made here, from the object that HASH names, and its digits.

    Compare both with the screen at which you are about to sign. A node that shows another change than HASH names is
    refused.

    \b
    Example:
      trm change show Xh3wPq... --node /srv/trm/fr
    """
    from gateway.trust.change_text import words

    told = reach.ask("change.show", id=hash)
    change = read_named(told["change"], hash)
    exact: dict[str, Json] = {"change": change.to_json(), "digits": change.digits, "words": [*words(change.to_json())]}
    output.print_answer({**told, **exact}, as_json=as_json, people=lambda value: _show(change, value))


def _show(change: Change, told: Mapping[str, Json]) -> None:
    from gateway.trust.change_text import words

    for line in words(change.to_json()):
        output.print_line(line)
    output.print_line(f"hash: {change.hash}")
    output.print_line(f"digits: {change.digits}")
    output.print_line(f"state: {told['state']}")
    for one in list_objects(told, "approvals"):
        output.print_line(f"approved by: {one['label'] or one['admin']}, {time_text.when(one['at'])}")
