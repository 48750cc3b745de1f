"""`trm keys tombstone`: the document that ends a node id, prepared early and kept sealed (nrm1 2.24)."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli import options
from gateway.cli import output as voice
from gateway.cli.identity import requests
from gateway.cli.identity.requests import FILE, add_out
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import Code, RefusedError, RemoteError


@click.group("tombstone", context_settings=CONTEXT)
def tombstone_commands() -> None:
    """Prepare the document that ends this node id, signed by all roots and kept sealed for the worst day."""


@options.add_verb(tombstone_commands, "request")
@add_out
@options.pass_node
def request_tombstone(reach: Reach, out: Path | None) -> None:
    """Write the request for a tombstone: after a change of roots, the new holders sign one too.

    \b
    Example:
      trm keys tombstone request --out /media/stick/fr-tombstone.request --node /srv/trm/fr
    """
    from keys.primitives.encoding import canon

    if out is None:
        raise click.UsageError("--out names the file that goes to the root holders")
    voice.write_new(out, canon(reach.ask("keys.tombstone")["request"]))
    voice.print_line(f"written: {out}")
    voice.print_hint("every root holder signs it; then: trm keys tombstone seal")


@options.add_verb(tombstone_commands, "seal")
@click.argument("request", type=FILE, metavar="REQUEST")
@click.argument("signatures", type=FILE, metavar="SIG...", nargs=-1, required=True)
@click.option("--out", type=FILE, required=True, metavar="FILE", help="The tombstone; never overwrites.")
def seal_tombstone(request: Path, signatures: tuple[Path, ...], out: Path) -> None:
    """Combine the signatures of all root holders: FILE goes into two sealed envelopes at two places.

    \b
    Example:
      trm keys tombstone seal fr-tombstone.request ana.sig ben.sig eva.sig --out fr.tombstone
    """
    from gateway.foundation.clock import SystemClock
    from keys.documents.tombstone import accept_tombstone

    asked = requests.read_request(requests.read_file(request))
    if asked.tombstone is None or asked.previous is None:
        raise RefusedError(Code.WRONG_TYPE, "this is not a request for a tombstone; nothing was written")
    document = requests.gather_signatures(asked, signatures)
    try:
        accept_tombstone([asked.previous], document, SystemClock().now())
    except RemoteError as exc:
        raise RefusedError(
            exc.code,
            f"peers would refuse this tombstone: {exc.what}; nothing was written",
            hint=f"all {len(asked.previous.roots)} root holders sign it",
        ) from exc
    voice.write_new(out, document.encode())
    voice.print_line(f"written: {out}")
    voice.print_hint("whoever publishes it ends this node for good: keep it sealed, at two places, never on the node")
