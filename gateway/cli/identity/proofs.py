"""`trm keys proof`: evidence that the roots of a node signed two descriptors under one version (nrm1 2.26)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from gateway.cli import options
from gateway.cli import output as voice
from gateway.cli.identity import requests
from gateway.cli.identity.requests import FILE
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import RefusedError, RemoteError
from gateway.ports import Json


@click.group("proof", context_settings=CONTEXT)
def proof_commands() -> None:
    """Export and verify the proof that roots signed two descriptors under one version."""


@options.add_verb(proof_commands, "export")
@click.argument("alarm")
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    metavar="FILE",
    help="New file to write it to; never overwrites.",
)
@options.pass_node
def export_proof(reach: Reach, alarm: str, output: Path) -> None:
    """Write the proof behind an alarm own.split_view or peer.equivocation as a file for anybody.

    \b
    Example:
      trm keys proof export 12 -o fr.proof --node /srv/trm/fr
    """
    from keys.primitives.encoding import canon

    voice.write_new(output, canon(reach.ask("keys.proof", id=alarm)["proof"]))
    voice.print_line(f"written: {output}")


@options.add_verb(proof_commands, "verify")
@click.argument("file", type=FILE, metavar="FILE")
@options.as_json
def check_proof(file: Path, as_json: bool) -> None:
    """Verify a proof, without a node and without trusting whoever sent it.

    \b
    Example:
      trm keys proof verify fr.proof
    """
    from keys.documents.equivocation import verify_proof

    try:
        found = verify_proof(requests.read_file(file))
    except RemoteError as exc:
        raise RefusedError(exc.code, f"nothing is proven: {exc.what}", hint="ask for the file again") from exc
    value: dict[str, Json] = {
        "node": found.node,
        "name": found.name,
        "fingerprint": found.fingerprint,
        "version": found.version,
        "hashes": [*found.hashes],
        "signed_by": [[*kids] for kids in found.signers],
    }
    voice.print_answer(value, as_json=as_json, people=_show_proof)


def _show_proof(value: Mapping[str, Json]) -> None:
    voice.print_line("proven: the roots of this node signed two different descriptors under one version")
    voice.print_facts([(name, value[name]) for name in ("node", "name", "fingerprint", "version", "hashes")])
    voice.print_hint("compare the fingerprint with the one you know: the name is only what the node calls itself")
