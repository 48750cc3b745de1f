"""`trm evidence`: proof of a conversation for an outsider, verified without node, network or clock."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli import options
from gateway.cli import output as voice
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation.json import list_objects


@click.group("evidence", context_settings=CONTEXT)
def evidence_commands() -> None:
    """Export the proof of a conversation; verify it without a node."""


@options.add_verb(evidence_commands, "export")
@click.option("--conversation", required=True, metavar="ID", help="As trm conversation list shows it.")
@click.option(
    "--disclose",
    is_flag=False,
    flag_value="",
    multiple=True,
    type=str.strip,
    metavar="[POINTER]",
    help="Also include the content, or a field of it, like /content/person: an act of who is signed in (trm login).",
)
@click.option("--peer", metavar="NAME", help="Which peer, if the conversation has several.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="FILE", help="New file; never overwrites."
)
@options.pass_node
def export_evidence(reach: Reach, conversation: str, disclose: tuple[str, ...], peer: str | None, output: Path) -> None:
    """Write the proof of a conversation: who sent what to whom, and when it was received; without the content.

    With --disclose alone the whole content is in the file. With a JSON pointer, and as often as needed, it shows and
    proves that field of each message that has it, or of one whose id stands before the pointer, and no other field.

    \b
    Examples:
      trm evidence export --conversation Vt5m0bJr3QkK0m1c5n8sT4 -o proof.json --node /srv/trm/fr
      trm evidence export --conversation Vt5m0bJr3QkK0m1c5n8sT4 -o proof.json --disclose /content/immediate_risk/level
    """
    from keys.primitives.encoding import canon

    if output.exists():
        raise RefusedError(Code.EXISTS, f"{output} exists already; it was left as it is", hint="name another file")
    fields = " ".join(filter(None, disclose)) or None
    whole = "true" if "" in disclose else None
    bundle = reach.ask("evidence.export", id=conversation, disclose=whole, fields=fields, peer=peer)
    voice.write_new(output, canon(bundle))
    voice.print_line(f"written: {output}")
    voice.print_hint(f"anybody can check it with: trm evidence verify {output} --fingerprint A --fingerprint B")


@options.add_verb(evidence_commands, "verify")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--fingerprint",
    "fingerprints",
    multiple=True,
    metavar="DIGITS",
    help="Six groups of five digits, for each of the two nodes and each witness; or 60 digits and the versions.",
)
@click.option("--node", type=click.Path(path_type=Path), metavar="DIR", help="Take the fingerprints from this node.")
@click.option(
    "--passphrase-file", type=click.Path(path_type=Path), metavar="FILE", help="For --node while it is stopped."
)
@options.as_json
def verify_evidence(
    file: Path, fingerprints: tuple[str, ...], node: Path | None, passphrase_file: Path | None, as_json: bool
) -> None:
    """Verify FILE and say what it proves and what it does not. Needs no network, and with fingerprints no node.

    The fingerprints come from somewhere else than the file: from the two administrators, or a printed record. With the
    fingerprint of a third node, its word as a witness of the log counts too. All that trm peer code shows, 60 digits
    and two versions, also refuses a file that ends before those versions.

    Exit 0 if everything verifies, 1 if anything does not, 2 without fingerprints. What was signed by a key that was
    revoked later verifies and is printed as in doubt or disputed where it depends on whom you believe: read the lines.

    \b
    Example:
      trm evidence verify proof.json --fingerprint "12345 ..." --fingerprint "67890 ..."
    """
    from gateway.evidence.build import parse_anchors, verify

    if not fingerprints and node is None:
        raise click.UsageError("no anchor: give --fingerprint for both nodes, or --node DIR")
    try:
        parties = [party for text in fingerprints for party in parse_anchors(text)]
    except RefusedError as exc:
        raise click.UsageError(f"{exc.what}; {exc.hint}") from exc
    anchors = {party.fingerprint for party in parties}
    lowest = {fingerprint: max(v for other, v in parties if other == fingerprint) for fingerprint in anchors}
    if node is not None:
        anchors |= _known(Reach(folder=node, passphrase_file=passphrase_file))
    data = _bundle(file)
    try:
        report = verify(data, anchors, lowest)
    except RemoteError as exc:
        raise RefusedError(
            exc.code,
            f"{file} proves nothing: {exc.what} ({exc.code})",
            hint="compare the fingerprints, also of witnesses, and ask for the file again; one changed byte is enough",
        ) from exc
    if as_json:
        voice.print_json(report.to_json())
        return
    for line in report.lines:
        voice.print_line(line)
    doubts = f"; in doubt: {report.doubts}" if report.doubts else ""
    disputes = f"; disputed: {report.disputes}" if report.disputes else ""
    voice.print_line(f"verified: every signature and every link is valid{doubts}{disputes}")


def _known(reach: Reach) -> set[str]:
    """Return the fingerprints that a node knows: its own, and those of peers whose digits were compared."""
    found = {str(reach.ask("node.show")["fingerprint"])}
    for peer in list_objects(reach.ask("peer.list"), "peers"):
        shown = reach.ask("peer.show", id=peer["node"])
        if shown["verified"] is not None:
            found.add(str(shown["fingerprint"]))
    return found


def _bundle(file: Path) -> bytes:
    from gateway.evidence.verify import LIMIT

    try:
        with file.open("rb") as opened:
            return opened.read(LIMIT + 1)
    except OSError as exc:
        raise RefusedError(Code.NOT_FOUND, f"{file} cannot be read", hint=(exc.strerror or "").lower()) from exc
