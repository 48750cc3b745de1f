"""`trm clock`: whether this node's time is confirmed, and what people do where it is not."""

from __future__ import annotations

from collections.abc import Mapping

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.cli.trust import signing
from gateway.cli.trust.signing import Signer, pass_signer
from gateway.cli.trust.trust import find_pending
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json

DOUBTS = {
    "unseen": "no peer has signed a time since the start",
    "moved": "the clock was set, or the machine slept",
    "contradicted": "peers sign another time: set the clock of this machine (NTP)",
    "back": "it is earlier than what this node has signed: set it; if it is right, trm clock reset",
}


@click.group("clock", context_settings=CONTEXT)
def clock_commands() -> None:
    """Show, confirm and reset the time by which this node erases, destroys keys and ends lives."""


@options.add_verb(clock_commands, "show")
@options.pass_node
@options.as_json
def show_clock(reach: Reach, as_json: bool) -> None:
    """Show whether the time is confirmed, by whom, and by how much each peer's clock differs.

    \b
    Example:
      trm clock show --node /srv/trm/fr
    """
    output.print_answer(reach.ask("clock.show"), as_json=as_json, people=_show)


@options.add_verb(clock_commands, "confirm")
@options.pass_node
@options.as_json
def confirm_clock(reach: Reach, as_json: bool) -> None:
    """Confirm that the clock of this machine is right, after comparing it: for a node that reaches no peer.

    It counts until the next start, or until the clock is set. It overrules no peer that signs another time.

    \b
    Example:
      trm clock confirm --node /srv/trm/fr
    """
    output.print_answer(reach.ask("clock.confirm"), as_json=as_json, people=_show)


@options.add_verb(clock_commands, "reset")
@pass_signer
@options.pass_node
@options.as_json
def reset_clock(reach: Reach, signer: Signer, as_json: bool) -> None:
    """Take back a time that was wrongly believed: the clock is right now, and was ahead before; two administrators.

    The keyset of that future is superseded by one of today.

    \b
    Example:
      trm clock reset --as /media/ana/admin.key --node /srv/trm/fr
    """
    until = reach.ask("clock.show")["signed_until"]
    answer = signer.propose(reach, "clock.reset", "clock", wanted=lambda body: body["until"] == until)
    output.print_answer(answer, as_json=as_json, people=signing.show_change)


@options.add_verb(clock_commands, "approve")
@click.option("--change", metavar="ID", help="Which one, if several changes are pending.")
@pass_signer
@options.pass_node
@options.as_json
def approve_reset(reach: Reach, signer: Signer, change: str | None, as_json: bool) -> None:
    """Approve a reset of the clock as the second administrator.

    \b
    Example:
      trm clock approve --as /media/ben/admin.key --node /srv/trm/fr
    """
    pending = find_pending(reach, "clock", change)
    output.print_answer(signer.approve(reach, pending), as_json=as_json, people=signing.show_change)


def _show(value: Mapping[str, Json]) -> None:
    output.print_facts(
        [
            ("time here", time_text.when(value["now"])),
            ("confirmed", value["confirmed"]),
            ("why not", None if value["doubt"] is None else DOUBTS.get(str(value["doubt"]), value["doubt"])),
            ("sending", "held: only what nothing may block is tried" if value["held"] else "goes on"),
            ("signed until", time_text.when(value["signed_until"])),
        ]
    )
    output.print_table(
        ["peer", "seconds ahead of it"],
        [[item["peer"], item["ahead"]] for item in list_objects(value, "peers")],
        empty="no peer has signed a time since the start",
    )
    if value["doubt"] in ("unseen", "moved"):
        output.print_hint("a peer that answers confirms it; without one, compare the clock: trm clock confirm")
