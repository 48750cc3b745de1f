"""The verbs of `trm peer` that change trust: each is signed with the key file of the person who asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from gateway.changes.rules import CHANNELS, ROOTS_CHANGED
from gateway.cli import options, output
from gateway.cli.options import Reach
from gateway.cli.trust import signing
from gateway.cli.trust.signing import Signer, emergency, pass_signer
from gateway.errors import Code, RefusedError
from gateway.foundation.json import list_objects
from gateway.ports import Json

STOPPABLE = ("active", "verified")
"""States of a peer that a person can suspend."""
_SCOPE = click.option(
    "--scope", required=True, type=click.Path(path_type=Path), metavar="FILE", help="A scope file; see trm peer scope."
)


@click.command("verify", context_settings=options.CONTEXT)
@click.argument("peer")
@click.option(
    "--digits",
    metavar="DIGITS",
    help="The 60 digits and two versions as they were read to you; asked for if not given.",
)
@click.option("--scanned", metavar="TEXT", help="What their QR code says (trm peer code --qr), instead of the digits.")
@click.option("--channel", required=True, type=click.Choice(CHANNELS), help="How you spoke with them.")
@click.option("--scope", type=click.Path(path_type=Path), metavar="FILE", help="A scope file; everything if not given.")
@emergency
@pass_signer
@options.pass_node
@options.as_json
def verify_peer(
    reach: Reach,
    signer: Signer,
    peer: str,
    digits: str | None,
    scanned: str | None,
    channel: str,
    scope: Path | None,
    emergency: bool,
    as_json: bool,
) -> None:
    """Type the 60 digits and two versions that the other administrator read to you, and be the first of two people to
    trust the peer.

    The same verb confirms a peer whose root keys have changed; that takes one person.

    \b
    Example:
      trm peer verify AL --channel video --as /media/ana/admin.key --node /srv/trm/fr
    """
    if digits is not None and scanned is not None:
        raise click.UsageError("name either --digits or --scanned")
    typed = _compared(digits, scanned)
    compared = "".join(character for character in typed if character.isdigit())
    chosen = None if scope is None else output.read_json(scope)
    roots = reach.ask("peer.show", id=peer)["cause"] == ROOTS_CHANGED

    def wanted(body: Mapping[str, Json]) -> bool:
        mine = str(body["fingerprint"]).replace(" ", "")
        return mine in (compared[:30], compared[30:60]) and body["channel"] == channel and _same_scope(body, chosen)

    action = "peer.confirm_roots" if roots else "peer.activate"
    answer = signer.propose(
        reach, action, peer, wanted=wanted, emergency=emergency, digits=typed, channel=channel, scope=chosen
    )
    output.print_answer(answer, as_json=as_json, people=signing.show_change)


def _compared(digits: str | None, scanned: str | None) -> str:
    if scanned is not None:
        from keys.documents.fingerprint import read_pair

        return read_pair(scanned)
    return digits if digits is not None else str(click.prompt("digits and versions as they were read to you", err=True))


def _same_scope(body: Mapping[str, Json], chosen: Json) -> bool:
    """Whether the change permits what the file says, in any order."""
    from gateway.peers.scope import Scope

    return chosen is None or "scope" not in body or Scope.from_json(body["scope"]) == Scope.from_json(chosen)


@click.command("approve", context_settings=options.CONTEXT)
@click.argument("peer")
@click.option("--change", metavar="ID", help="Which one, if several changes are pending.")
@emergency
@pass_signer
@options.pass_node
@options.as_json
def approve_peer_change(
    reach: Reach, signer: Signer, peer: str, change: str | None, emergency: bool, as_json: bool
) -> None:
    """Approve what a colleague proposed about a peer, as the next person. It is printed in words before you sign.

    \b
    Example:
      trm peer approve AL --as /media/ben/admin.key --node /srv/trm/fr
    """
    answer = signer.approve(reach, find_pending(reach, peer, change), emergency=emergency)
    output.print_answer(answer, as_json=as_json, people=signing.show_change)


def find_pending(reach: Reach, subject: str, id: str | None) -> Mapping[str, Json]:
    """Return the one change about a subject that waits for approval."""
    found = list_objects(reach.ask("change.list", subject=subject, state="pending"), "changes")
    listed = [item for item in found if id is None or item["id"] == id]
    if len(listed) != 1:
        several = ", ".join(f"{item['id']} ({item['action']})" for item in listed)
        raise RefusedError(
            Code.NOT_FOUND if not listed else Code.CONFLICT,
            "nothing is pending there" if not listed else "several changes are pending; nothing was signed",
            hint=f"name one with --change: {several}" if listed else "a colleague proposes it first",
        )
    return listed[0]


@click.command("narrow", context_settings=options.CONTEXT)
@click.argument("peer")
@_SCOPE
@pass_signer
@options.pass_node
@options.as_json
def narrow_scope(reach: Reach, signer: Signer, peer: str, scope: Path, as_json: bool) -> None:
    """Permit a peer less, at once; takes one person.

    \b
    Example:
      trm peer narrow AL --scope less.json --as /media/ana/admin.key --node /srv/trm/fr
    """
    _rescope(reach, signer, "peer.narrow", peer, scope, emergency=False, as_json=as_json)


@click.command("widen", context_settings=options.CONTEXT)
@click.argument("peer")
@_SCOPE
@emergency
@pass_signer
@options.pass_node
@options.as_json
def widen_scope(reach: Reach, signer: Signer, peer: str, scope: Path, emergency: bool, as_json: bool) -> None:
    """Permit a peer more, or something else; takes two people and 24 hours.

    \b
    Example:
      trm peer widen AL --scope more.json --as /media/ana/admin.key --node /srv/trm/fr
    """
    _rescope(reach, signer, "peer.widen", peer, scope, emergency=emergency, as_json=as_json)


def _rescope(
    reach: Reach, signer: Signer, action: str, peer: str, file: Path, *, emergency: bool, as_json: bool
) -> None:
    chosen = output.read_json(file)
    answer = signer.propose(
        reach, action, peer, wanted=lambda body: _same_scope(body, chosen), emergency=emergency, scope=chosen
    )
    output.print_answer(answer, as_json=as_json, people=signing.show_change)


def _plain(reach: Reach, signer: Signer, action: str, peer: str, *, as_json: bool) -> None:
    answer = signer.propose(reach, action, peer, wanted=lambda body: set(body) <= {"expires"})
    output.print_answer(answer, as_json=as_json, people=signing.show_change)


@click.command("renew", context_settings=options.CONTEXT)
@click.argument("peer")
@pass_signer
@options.pass_node
@options.as_json
def renew_peer(reach: Reach, signer: Signer, peer: str, as_json: bool) -> None:
    """Confirm a peer for another year; takes two people.

    \b
    Example:
      trm peer renew AL --as /media/ana/admin.key --node /srv/trm/fr
    """
    _plain(reach, signer, "peer.renew", peer, as_json=as_json)


@click.command("suspend", context_settings=options.CONTEXT)
@click.argument("peer", required=False)
@click.option("--all", "every", is_flag=True, help="Suspend every peer with which messages pass, or soon would.")
@pass_signer
@options.pass_node
@options.as_json
def suspend_peer(reach: Reach, signer: Signer, peer: str | None, every: bool, as_json: bool) -> None:
    """Suspend a peer, or all of them, at once; takes one person. Withdrawals and safety alerts still pass.

    \b
    Example:
      trm peer suspend AL --as /media/ana/admin.key --node /srv/trm/fr
      trm peer suspend --all --as /media/ana/admin.key --node /srv/trm/fr
    """
    if every == (peer is not None):
        raise click.UsageError("name either PEER or --all")
    if peer is not None:
        _plain(reach, signer, "peer.suspend", peer, as_json=as_json)
        return
    output.print_answer(_suspend_all(reach, signer), as_json=as_json, people=_show_suspended)


def _suspend_all(reach: Reach, signer: Signer) -> dict[str, Json]:
    """Suspend one after the other; what refuses one stops none of those behind it."""
    done: list[Json] = []
    left: list[Json] = []
    for item in list_objects(reach.ask("peer.list"), "peers"):
        if item["state"] not in STOPPABLE:
            continue
        try:
            signer.propose(reach, "peer.suspend", str(item["node"]), wanted=lambda body: not body)
        except RefusedError as error:
            left.append({"peer": item["name"], "code": str(error.code), "what": error.what})
        else:
            done.append(item["name"])
    return {"suspended": done, "left": left}


def _show_suspended(value: Mapping[str, Json]) -> None:
    names = value["suspended"]
    for name in names if isinstance(names, list) else []:
        output.print_line(f"suspended: {name}")
    left = list_objects(value, "left")
    for item in left:
        output.print_line(f"not suspended: {item['peer']}: {item['what']}")
    if not names and not left:
        output.print_line("no peer is active")
    if left:
        raise RefusedError(Code.CONFLICT, "some peers were not suspended", hint="trm peer list shows where each stands")
    if names:
        output.print_hint("two administrators resume each of them: trm peer resume PEER")


@click.command("resume", context_settings=options.CONTEXT)
@click.argument("peer")
@pass_signer
@options.pass_node
@options.as_json
def resume_peer(reach: Reach, signer: Signer, peer: str, as_json: bool) -> None:
    """Undo a suspension, also one after a proof of misbehaviour; takes two people.

    \b
    Example:
      trm peer resume AL --as /media/ana/admin.key --node /srv/trm/fr
    """
    _plain(reach, signer, "peer.resume", peer, as_json=as_json)


@click.command("revoke", context_settings=options.CONTEXT)
@click.argument("peer")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@pass_signer
@options.pass_node
@options.as_json
def revoke_peer(reach: Reach, signer: Signer, peer: str, yes: bool, as_json: bool) -> None:
    """End the trust for good; this node id cannot come back. Takes two people; to stop a peer now, suspend it.

    \b
    Example:
      trm peer revoke AL --as /media/ana/admin.key --node /srv/trm/fr
    """
    if not yes:
        click.confirm(f"revoke {output.strip_controls(peer)} for good?", abort=True, err=True)
    _plain(reach, signer, "peer.revoke", peer, as_json=as_json)


@click.command("scope", context_settings=options.CONTEXT)
@click.argument("peer")
@options.pass_node
def show_scope(reach: Reach, peer: str) -> None:
    """Print what this node permits a peer, as a scope file to edit; everything for a peer that is not trusted yet.

    \b
    Example:
      trm peer scope AL --node /srv/trm/fr > al.scope.json
    """
    output.print_json(reach.ask("peer.scope", id=peer))


VERBS = (
    show_scope,
    verify_peer,
    approve_peer_change,
    narrow_scope,
    widen_scope,
    renew_peer,
    suspend_peer,
    resume_peer,
    revoke_peer,
)
"""In the order in which a peer meets them."""
