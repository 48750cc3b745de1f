"""`trm keys proof`: evidence that a node signed two things under one number: its roots two descriptors under one
version (nrm1 2.26), or it itself two messages (nrm1 7.15).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from gateway.cli import options
from gateway.cli import output as voice
from gateway.cli.identity import requests
from gateway.cli.identity.requests import FILE
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import Code, RefusedError, RemoteError
from gateway.ports import Json


@click.group("proof", context_settings=CONTEXT)
def proof_commands() -> None:
    """Export and verify the proof that a node signed two descriptors, or two messages, under one number."""


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

    The proof of two messages is evidence of both without their content, which a focal point exports.

    \b
    Example:
      trm keys proof export 12 -o fr.proof --node /srv/trm/fr
    """
    from keys.primitives.encoding import canon

    try:
        proof = reach.ask("keys.proof", id=alarm)["proof"]
    except RefusedError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        proof = reach.ask("evidence.contradiction", id=alarm)
    voice.write_new(output, canon(proof))
    voice.print_line(f"written: {output}")


@options.add_verb(proof_commands, "verify")
@click.argument("file", type=FILE, metavar="FILE")
@click.option(
    "--fingerprint",
    "fingerprints",
    multiple=True,
    metavar="DIGITS",
    help="Of a proof of two messages: six groups of five digits, for each of the two nodes.",
)
@options.as_json
def check_proof(file: Path, fingerprints: tuple[str, ...], as_json: bool) -> None:
    """Verify a proof, without a node and without trusting whoever sent it.

    Exit 0 where it proves who signed two things, else 1. What a thief of a key may have signed proves nothing.

    \b
    Examples:
      trm keys proof verify fr.proof
      trm keys proof verify al.proof --fingerprint "12345 ..." --fingerprint "67890 ..."
    """
    from keys.documents.equivocation import verify_proof

    data = requests.read_file(file)
    if b'"type":"nrm.evidence/' in data:
        voice.print_answer(_prove_messages(data, fingerprints), as_json=as_json, people=_show_messages)
        return
    try:
        found = verify_proof(data)
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


def _prove_messages(data: bytes, fingerprints: tuple[str, ...]) -> dict[str, Json]:
    """Return what a bundle proves of two contents. Raises RefusedError where that is nothing."""
    from gateway.evidence.build import parse_anchors, verify

    if not fingerprints:
        raise click.UsageError("this is a proof of two messages: give --fingerprint for both nodes")
    anchors = {party.fingerprint for text in fingerprints for party in parse_anchors(text)}
    try:
        report = verify(data, anchors)
    except RemoteError as exc:
        raise RefusedError(exc.code, f"nothing is proven: {exc.what}", hint="compare the fingerprints") from exc
    if not report.two_contents:
        told = report.warnings[0] if report.warnings else "it shows no two contents under one number"
        raise RefusedError(Code.BAD_SIGNATURE, f"nothing is proven: {told}", hint="trm evidence verify says the rest")
    return {"proven": [*report.two_contents], "parties": [*report.parties]}


def _show_messages(value: Mapping[str, Json]) -> None:
    for name in ("proven", "parties"):
        listed = value[name]
        for line in listed if isinstance(listed, list) else []:
            voice.print_line(f"{name.replace('parties', 'party')}: {line}")


def _show_proof(value: Mapping[str, Json]) -> None:
    voice.print_line("proven: the roots of this node signed two different descriptors under one version")
    voice.print_facts([(name, value[name]) for name in ("node", "name", "fingerprint", "version", "hashes")])
    voice.print_hint("compare the fingerprint with the one you know: the name is only what the node calls itself")
