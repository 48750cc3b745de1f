"""`trm keys`: what the people who run a node and those who hold its roots do with keys (nrm1 2.27).

Nothing that is signed by roots is signed here: the node writes a REQUEST, holders sign it elsewhere
(`gateway.cli.identity.roots`), and what they signed is published.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import click

from gateway.cli import options
from gateway.cli import output as voice
from gateway.cli.identity import requests, roots
from gateway.cli.identity.machines import MACHINE_VERBS
from gateway.cli.identity.places import PLACES
from gateway.cli.identity.proofs import proof_commands
from gateway.cli.identity.requests import FILE, add_out
from gateway.cli.identity.tombstones import tombstone_commands
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import Code, RefusedError
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json

_KINDS = ("sig", "log", "http", "roots", "enc")


@click.group("keys", context_settings=CONTEXT)
def key_commands() -> None:
    """Rotate, revoke and publish keys; manage root keys, tombstones and proofs."""


for _found in (roots.root_commands, tombstone_commands, proof_commands, *MACHINE_VERBS):
    key_commands.add_command(_found)


@options.add_verb(key_commands, "list")
@options.pass_node
@options.as_json
def list_keys(reach: Reach, as_json: bool) -> None:
    """List every key with its use and age; no key bytes.

    \b
    Example:
      trm keys list --node /srv/trm/fr
    """
    voice.print_answer(reach.ask("keys.list"), as_json=as_json, people=_show_keys)


def _show_keys(value: Mapping[str, Json]) -> None:
    voice.print_table(
        ["use", "kid", "made", "current"],
        [[key["use"], key["kid"], time_text.when(key["made"]), key["current"]] for key in list_objects(value, "keys")],
        empty="no keys",
    )


@options.add_verb(key_commands, "rotate-epoch")
@options.pass_node
@options.as_json
def rotate_epoch(reach: Reach, as_json: bool) -> None:
    """Begin a new storage epoch now: no key of the node opens what was erased before. What older copies open says
    docs/keys.md.

    \b
    Example:
      trm keys rotate-epoch --node /srv/trm/fr
    """
    answer = reach.ask("keys.rotate_epoch")
    voice.print_answer(
        answer, as_json=as_json, people=lambda value: voice.print_line(f"storage epoch {value['epoch']} is in use")
    )


@options.add_verb(key_commands, "move")
@click.argument("place", metavar="PLACE", type=click.Choice(PLACES))
@click.option("--node", type=FILE, metavar="DIR", help="Node folder; else TRM_NODE.")
@click.option("--passphrase-file", type=FILE, metavar="FILE", help="File with the node's passphrase.")
@options.as_json
def move_keys(place: str, node: Path | None, passphrase_file: Path | None, as_json: bool) -> None:
    """Put the secret of the key store into a file, a tpm or a token (pkcs11). The node must be stopped.

    Section [keys] of node.toml says how the TPM or the token is reached (docs/settings.md). What an older copy of the
    disk held before stays as readable as it was: begin a new storage epoch afterwards (trm keys rotate-epoch).

    \b
    Example:
      trm keys move tpm --node /srv/trm/fr --passphrase-file fr.pass
    """
    from gateway.administration.key_place import move_key_store
    from gateway.foundation import environment
    from keys.keystore.destructible.secret import Place

    folder, passphrase = options.find_folder(node), environment.passphrase(passphrase_file)
    moved = asyncio.run(move_key_store(folder, passphrase, Place(place)))
    voice.print_answer(
        {"before": moved.before.value, "place": moved.place.value},
        as_json=as_json,
        people=lambda value: voice.print_line(f"the secret of the key store lies in: {value['place']}"),
    )
    if moved.before is not moved.place:
        voice.print_hint("start the node, then begin a new storage epoch: trm keys rotate-epoch; trm keys rotate enc")


@options.add_verb(key_commands, "rotate")
@click.argument("kinds", metavar="KIND...", nargs=-1, required=True, type=click.Choice(_KINDS))
@add_out
@click.option(
    "--now", "at_once", is_flag=True, help="Use the new keys as soon as the peers have them, not after 14 days."
)
@click.option("--root-public", type=FILE, multiple=True, metavar="FILE", help="With roots: every root from now on.")
@click.option("--threshold", type=click.IntRange(1, 9), metavar="N", help="With roots: how many must sign.")
@click.option("--revoke", "robbed", multiple=True, metavar="KID", help="With roots: one that goes and was stolen.")
@click.option("--since", metavar="TIME", help="With --revoke: not to be trusted from then on.")
@options.pass_node
def rotate_keys(
    reach: Reach,
    kinds: tuple[str, ...],
    out: Path | None,
    at_once: bool,
    root_public: tuple[Path, ...],
    threshold: int | None,
    robbed: tuple[str, ...],
    since: str | None,
) -> None:
    """Create successors of keys: sig, log, http and roots by a REQUEST that root holders sign; enc at once, without
    them.

    Every request also renews what would end within the 400 days of the new descriptor. `enc` destroys all encryption
    keys: what is in flight comes back to its sender and is sealed anew. A root that was stolen is revoked by the
    request that replaces it, and the tombstone of before ends nothing any more.

    \b
    Example:
      trm keys rotate sig --out /media/stick/fr-2.request --node /srv/trm/fr
      trm keys rotate enc --node /srv/trm/fr
    """
    if "enc" in kinds:
        if len(kinds) > 1 or out is not None:
            raise click.UsageError("enc needs no request: rotate it by itself, without --out")
        answer = reach.ask("keys.rotate_enc")
        voice.print_line(f"{answer['destroyed']} encryption keys destroyed; keyset {answer['keyset']} has a new one")
        return
    if ("roots" in kinds) != bool(root_public) or (threshold is not None and not root_public):
        raise click.UsageError("roots needs --root-public for every root from now on, and no other key type accepts it")
    wanted: dict[str, Json] = {"rotate": [kind for kind in kinds if kind != "roots"], "at_once": at_once}
    if root_public:
        public: list[Json] = [voice.read_json(path) for path in root_public]
        wanted["roots"] = {"public": public} | ({} if threshold is None else {"threshold": threshold})
    if bool(robbed) != (since is not None) or (robbed and not root_public):
        raise click.UsageError("--revoke names a root that goes, with --root-public and with --since")
    if since is not None:
        wanted["revoke"] = {"kids": [*robbed], "since": _time(since), "reason": "stolen_root"}
    _request(reach, out, wanted)


@options.add_verb(key_commands, "revoke")
@click.argument("kids", metavar="KID...", nargs=-1, required=True)
@click.option("--since", required=True, metavar="TIME", help="Not to be trusted from then on, e.g. 2027-03-01T18:00Z.")
@click.option("--reason", default="compromised", show_default=True, metavar="WORD", help="One word, lower case.")
@add_out
@options.pass_node
def revoke_keys(reach: Reach, kids: tuple[str, ...], since: str, reason: str, out: Path | None) -> None:
    """Revoke sig, http, log or wit keys for good and list new ones, by a REQUEST that root holders sign.

    Peers refuse the key as soon as it is published, and look again at what came under it since TIME.

    \b
    Example:
      trm keys revoke mF2yR5hYc0m8m0o2jXlQxw --since 2027-03-01T18:00Z --reason stolen_laptop \\
        --out /media/stick/fr-3.request --node /srv/trm/fr
    """
    revoke: dict[str, Json] = {"kids": [*kids], "since": _time(since), "reason": reason}
    _request(reach, out, {"revoke": revoke})


def _time(value: str) -> int:
    """Parse Unix seconds, or ISO 8601 with a UTC offset."""
    if value.isascii() and value.isdigit():
        return int(value)
    try:
        found = datetime.fromisoformat(value)
    except ValueError as exc:
        raise click.BadParameter("a time like 2027-03-01T18:00Z", param_hint="--since") from exc
    if found.tzinfo is None:
        raise click.BadParameter("say which clock: end it with Z or +01:00", param_hint="--since")
    return int(found.timestamp())


def _request(reach: Reach, out: Path | None, wanted: Mapping[str, Json]) -> None:
    from keys.primitives.encoding import canon

    if out is None:
        raise click.UsageError("--out names the file that goes to the root holders")
    if out.exists():
        raise RefusedError(Code.EXISTS, f"{out} exists already; nothing was made", hint="name another file")
    data = canon(reach.ask("keys.request", **wanted)["request"])
    voice.write_new(out, data)
    requests.show_request(requests.read_request(data))
    voice.print_line(f"written: {out}")
    voice.print_hint(
        f"root holders sign it: trm keys root sign {out.name} --root FILE --out SIG; then: trm keys publish"
    )
    voice.print_hint("sign only one request for a version: two would look like a betrayal")


@options.add_verb(key_commands, "publish")
@click.argument("request", type=FILE, metavar="REQUEST")
@click.argument("signatures", type=FILE, metavar="SIG...", nargs=-1, required=True)
@options.pass_node
@options.as_json
def publish_keys(reach: Reach, request: Path, signatures: tuple[Path, ...], as_json: bool) -> None:
    """Publish what root holders signed: verified as a peer would, appended, and sent to every peer.

    The first descriptor of a new node needs no passphrase and no running node.

    \b
    Example:
      trm keys publish fr-2.request fr-2.ana.sig fr-2.ben.sig --node /srv/trm/fr
    """
    from gateway.app import publish_first

    asked = requests.read_request(requests.read_file(request))
    if asked.new is None:
        raise RefusedError(
            Code.WRONG_TYPE,
            "this is a tombstone, which ends the node; nothing was published",
            hint="trm keys tombstone seal makes the file that is kept for the worst day",
        )
    document = requests.gather_signatures(asked, signatures)
    value: dict[str, Json]
    if asked.previous is None:
        first = asyncio.run(publish_first(reach.folder, document))
        value = {
            "version": 1,
            "hash": first.hash,
            "expires": first.expires,
            "fingerprint": first.fingerprint,
            "took": {},
            "silent": [],
        }
    else:
        value = reach.ask("keys.publish", document=document.to_json())
    voice.print_answer(value, as_json=as_json, people=_show_published)
    if asked.revokes_roots:
        voice.print_hint("the tombstone of before ends nothing any more; make a new one: trm keys tombstone request")


def _show_published(value: Mapping[str, Json]) -> None:
    took = value["took"]
    told = took if isinstance(took, dict) else {}
    voice.print_facts(
        [
            ("version", value["version"]),
            ("fingerprint", value["fingerprint"]),
            ("expires", time_text.when(value["expires"])),
            ("peers that hold it", [name for name, done in told.items() if done]),
            ("peers not reached yet", [name for name, done in told.items() if not done]),
        ]
    )
    silent = value["silent"]
    for use in silent if isinstance(silent, list) else []:
        voice.print_line(f"this node signs nothing with a {use} key now")
        voice.print_hint(f"make a new request at once: trm keys rotate {use} --now")


@options.add_verb(key_commands, "recover")
@click.argument("file", type=FILE, metavar="TOMBSTONE")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation: this node id ends for good.")
@options.pass_node
def recover_node(reach: Reach, file: Path, yes: bool) -> None:
    """Recover after two or more roots are lost or stolen: publish the tombstone to every peer, then begin anew.

    Nothing carries trust over to the new node: what the old keys sign is what a thief could sign. `trm peer tombstone`
    does the same by hand at a peer that is not reached.

    \b
    Example:
      trm keys recover fr.tombstone --node /srv/trm/fr
    """
    document = voice.read_object(file)
    if not yes:
        click.confirm("this ends the node id at every peer, for good; continue?", abort=True, err=True)
    took = reach.ask("keys.end", tombstone=document)["took"]
    for name, done in (took if isinstance(took, dict) else {}).items():
        voice.print_line(
            f"{name}: {'has revoked this node' if done else 'not reached; repeat, or send the file by hand'}"
        )
    for step in (
        "stop this node; keep its folder for reading what it received",
        "make new roots with their holders and a new node: docs/key-ceremony.md",
        "pair with each peer again from the start, over the telephone; tell them both node ids",
    ):
        voice.print_hint(step)
