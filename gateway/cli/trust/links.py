"""The verbs of `trm peer` after a restore: a link starts anew when two people of the restored node and one of its peer
have signed it (docs/backup.md).
"""

from __future__ import annotations

from collections.abc import Mapping

import click

from gateway.cli import options, output
from gateway.cli.options import Reach
from gateway.cli.trust import signing
from gateway.cli.trust.signing import Signer, pass_signer
from gateway.errors import Code, RefusedError
from gateway.foundation import time_text
from gateway.ports import Json


@click.command("reset-link", context_settings=options.CONTEXT)
@click.argument("peer")
@pass_signer
@options.pass_node
@options.as_json
def reset_link(reach: Reach, signer: Signer, peer: str, as_json: bool) -> None:
    """Start the link to a peer anew, on a node that was restored from a backup. Takes two people; trm peer approve is
    the second.

    \b
    Example:
      trm peer reset-link AL --as /media/ana/admin.key --node /srv/trm/fr
    """
    link = _link(reach, peer)
    backup = link.get("backup")
    answer = signer.propose(reach, "link.reset", peer, wanted=lambda body: body["backup"] == backup)
    output.print_answer(answer, as_json=as_json, people=signing.show_change)
    output.print_hint("call the other administrator: one person there runs trm peer accept-reset")


@click.command("accept-reset", context_settings=options.CONTEXT)
@click.argument("peer")
@pass_signer
@options.pass_node
@options.as_json
def accept_reset(reach: Reach, signer: Signer, peer: str, as_json: bool) -> None:
    """Accept that a peer was restored from a backup, and start the link to it anew. Call its administrator first.

    \b
    Example:
      trm peer accept-reset FR --as /media/ben/admin.key --node /srv/trm/al
    """
    offer = _link(reach, peer).get("offer")
    if not isinstance(offer, dict):
        raise RefusedError(
            Code.NOT_FOUND,
            "this peer does not ask for a reset of the link; nothing was signed",
            hint="two people there approve trm peer reset-link first; their request arrives within a minute",
        )
    asked = offer["reset"]
    answer = signer.propose(reach, "link.accept_reset", peer, wanted=lambda body: body["reset"] == asked)
    output.print_answer(answer, as_json=as_json, people=signing.show_change)
    output.print_hint("trm alarm list names what the peer has no memory of: message.forgotten")


def _link(reach: Reach, peer: str) -> Mapping[str, Json]:
    link = reach.ask("peer.show", id=peer)["link"]
    return link if isinstance(link, dict) else {}


def describe_link(link: Json) -> str:
    """Describe the state of a link in words."""
    if not isinstance(link, dict) or not link["waits"]:
        return "open"
    if isinstance(link["offer"], dict):
        return f"the peer was restored to {time_text.when(link['offer']['backup'])}: trm peer accept-reset"
    if link["state"] == "asked":
        return f"waits for the peer's administrator since {time_text.when(link['since'])}"
    return f"this node was restored to {time_text.when(link['backup'])}: trm peer reset-link"


VERBS = (reset_link, accept_reset)
