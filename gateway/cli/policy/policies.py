"""`trm policy`: what may leave this node; anybody shows and compares it, administrators with key files change it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import options, output
from gateway.cli.messages.drafts import show_preview
from gateway.cli.options import CONTEXT, Reach
from gateway.cli.trust import signing
from gateway.cli.trust.history import show_history
from gateway.cli.trust.signing import Signer, emergency, pass_signer
from gateway.cli.trust.trust import find_pending
from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json

if TYPE_CHECKING:
    from schemas.region_pack.policies import CorridorPolicy

_FILE = click.argument("file", type=click.Path(path_type=Path), metavar="FILE")


@click.group("policy", context_settings=CONTEXT)
def policy_commands() -> None:
    """Show and change the corridor policy: what may leave, by corridor, purpose and step of disclosure."""


@options.add_verb(policy_commands, "show")
@click.option("--file", "bare", is_flag=True, help="Only the file itself, to be edited and adopted again.")
@options.pass_node
@options.as_json
def show_policy(reach: Reach, bare: bool, as_json: bool) -> None:
    """Show the policy in force and its history; each signature is verified, exit 1 if anything was altered.

    \b
    Example:
      trm policy show --file --node /srv/trm/fr > two-step.json
    """
    answer = reach.ask("policy.show")
    held = answer["in_force"]
    if bare:
        if not isinstance(held, dict):
            raise RefusedError(Code.NOT_FOUND, "no policy is in force: nothing may leave this node")
        output.print_json(json.loads(str(held["file"])))
        return
    output.print_answer(answer, as_json=as_json, people=_show)
    if isinstance(answer["faults"], list) and answer["faults"]:
        raise RefusedError(
            Code.INVALID,
            "the history of the policy was altered: " + "; ".join(str(fault) for fault in answer["faults"]),
            hint="keep a copy of the node folder, and compare with the audit log: trm audit verify",
        )


def _show(value: Mapping[str, Json]) -> None:
    held = value["in_force"]
    if not isinstance(held, dict):
        output.print_line("no policy is in force: nothing may leave this node")
    else:
        output.print_facts(
            [
                ("policy", f"{held['name']} version {held['version']}"),
                ("in force since", time_text.when(held["since"])),
                ("digest", held["digest"]),
                ("corridors", held["ways"]),
                ("attested", _attested(held)),
                ("applied", held["usable"]),
            ]
        )
        for fault in list_objects(held, "faults"):
            output.print_line(f"fault: {fault['place']}: {fault['rule']}, {fault['hint']}; nothing may leave this node")
    for item in list_objects(value, "waiting"):
        output.print_line(
            f"waiting: {item['name']} version {item['version']} takes effect {time_text.when(item['since'])}"
        )
    show_history(value, "changes", empty="no policy has been adopted yet", approve="trm policy approve")


def _attested(held: Json) -> str:
    """Describe what may leave on the attestation of a case system, and for which types it may attest two people."""
    policy = _policy(held)
    if policy is None or policy.attested is None:
        return "nothing" if policy is None else "nothing: trm policy upgrade"
    first, second = (", ".join(sorted(types)) for types in (policy.attested.first, policy.attested.second))
    return f"{first or 'nothing'}{second and f'; both of two people: {second}'}"


@options.add_verb(policy_commands, "diff")
@_FILE
@options.pass_node
@options.as_json
def compare_policy(reach: Reach, file: Path, as_json: bool) -> None:
    """Show what a policy file would change, in sentences, and how many administrators that takes.

    \b
    Example:
      trm policy diff two-step.json --node /srv/trm/fr
    """
    from gateway.policy.comparison import diff, widens

    new, held = _read(file), _in_force(reach)
    wider = held is None or widens(held, new)
    changes: list[Json] = [*(diff(held, new) if held is not None else _all(new))]
    value: dict[str, Json] = {"changes": changes, "widens": wider, "people": 2 if wider else 1}
    output.print_answer(value, as_json=as_json, people=_show_diff)


def _show_diff(value: Mapping[str, Json]) -> None:
    lines = value["changes"]
    for line in lines if isinstance(lines, list) else []:
        output.print_line(str(line))
    if not lines:
        output.print_line("the same may leave as now")
    output.print_hint(f"adopting it takes {'two administrators' if value['widens'] else 'one administrator'}")


@options.add_verb(policy_commands, "adopt")
@_FILE
@emergency
@pass_signer
@options.pass_node
@options.as_json
def adopt_policy(reach: Reach, signer: Signer, file: Path, emergency: bool, as_json: bool) -> None:
    """Adopt a policy file: at once and alone where less may leave; two people and 24 hours where more may.

    \b
    Example:
      trm policy adopt two-step.json --as /media/ana/admin.key --node /srv/trm/fr
    """
    answer = _propose(reach, signer, _in_force(reach), _read(file), emergency=emergency)
    output.print_answer(answer, as_json=as_json, people=signing.show_change)


@options.add_verb(policy_commands, "upgrade")
@emergency
@pass_signer
@options.pass_node
@options.as_json
def upgrade_policy(reach: Reach, signer: Signer, emergency: bool, as_json: bool) -> None:
    """Propose the policy in force in format 2, which says what may leave where a case system attests who released it.

    Two administrators adopt it. It lets enquiries and answers that rest on no consent go on an attestation: the types
    enquiry.capacity, enquiry.reply and reminder.due. Everything else about a person, and danger to life, stays with the
    people of this node. Until then, as under any policy of format 1, nothing but withdrawals, erasure and alerts leaves
    on an attestation.

    \b
    Example:
      trm policy upgrade --as /media/ana/admin.key --node /srv/trm/fr
      trm policy approve --as /media/ben/admin.key --node /srv/trm/fr
    """
    from gateway.policy.attestation import upgrade_in_force

    answer = reach.ask("policy.show")
    wanted = upgrade_in_force(answer)
    proposed = _propose(reach, signer, _policy(answer["in_force"]), wanted, emergency=emergency)
    output.print_answer(proposed, as_json=as_json, people=signing.show_change)


@options.add_verb(policy_commands, "approve")
@click.option("--change", metavar="ID", help="Which one, if several changes are pending.")
@emergency
@pass_signer
@options.pass_node
@options.as_json
def approve_policy(reach: Reach, signer: Signer, change: str | None, emergency: bool, as_json: bool) -> None:
    """Approve a policy as the second person. What it changes, and all that it permits, is printed before you sign.

    \b
    Example:
      trm policy approve --as /media/ben/admin.key --node /srv/trm/fr
    """
    pending = find_pending(reach, "node", change)
    new, before = _adopted_by(pending["change"]), _before(reach, pending["change"])
    if new is not None:
        _tell(before, new)
    output.print_answer(
        signer.approve(reach, pending, emergency=emergency), as_json=as_json, people=signing.show_change
    )


@options.add_verb(policy_commands, "preview")
@_FILE
@options.pass_node
@options.as_json
def preview_message(reach: Reach, file: Path, as_json: bool) -> None:
    """Show exactly what of a message file (as for trm send) would leave now, what would not, and why; nothing is sent.

    \b
    Example:
      trm policy preview referral.json --node /srv/trm/fr
    """
    answer = reach.ask("message.preview", draft=output.read_object(file))
    output.print_answer(answer, as_json=as_json, people=show_preview)


def _propose(
    reach: Reach, signer: Signer, held: CorridorPolicy | None, new: CorridorPolicy, *, emergency: bool
) -> dict[str, Json]:
    """Print what changes, then sign and propose it: as a narrowing where it lets nothing more leave."""
    from gateway.policy.comparison import widens
    from schemas.region_pack.policies import canonical_bytes

    _tell(held, new)
    action = "policy.widen" if held is None or widens(held, new) else "policy.narrow"
    text = canonical_bytes(new).decode()
    return signer.propose(
        reach, action, "node", wanted=lambda body: body.get("file") == text, emergency=emergency, policy=text
    )


def _tell(held: CorridorPolicy | None, new: CorridorPolicy) -> None:
    """Summarise what a person is about to change, before all of it is printed to be signed."""
    from gateway.policy.comparison import diff

    lines = diff(held, new) if held is not None else _all(new)
    click.echo("trm: it changes:", err=True)
    for line in lines or ("nothing of what may leave",):
        click.echo(output.strip_controls(f"trm:   {line}"), err=True)


def _all(new: CorridorPolicy) -> tuple[str, ...]:
    """Describe a first policy: everything that it permits is new."""
    from gateway.policy.comparison import rules_in_words

    return tuple(f"opens {line}" for line in rules_in_words(new))


def _read(file: Path) -> CorridorPolicy:
    from schemas.region_pack.policies import read_policy

    try:
        return read_policy(file.read_bytes(), place=file.name)
    except OSError as exc:
        raise RefusedError(
            Code.NOT_FOUND, f"{file} cannot be read; nothing was done", hint=(exc.strerror or "").lower()
        ) from exc


def _in_force(reach: Reach) -> CorridorPolicy | None:
    """Return the policy in force; None if there is none, or none that can be read."""
    return _policy(reach.ask("policy.show")["in_force"])


def _adopted_by(change: Json) -> CorridorPolicy | None:
    return _policy(change["body"]) if isinstance(change, dict) else None


def _before(reach: Reach, change: Json) -> CorridorPolicy | None:
    """Return the policy that a pending change replaces, found by the hash that the change follows."""
    from keys.documents.change import Change
    from keys.primitives.encoding import canon

    prev = change["prev"] if isinstance(change, dict) else None
    if prev is None:
        return None
    try:
        earlier = Change.parse(canon(reach.ask("change.show", id=prev)["change"]))
    except RemoteError as exc:
        raise RefusedError(Code.INVALID, "the policy before it cannot be read; nothing was signed") from exc
    if earlier.hash != prev:
        raise RefusedError(Code.CONFLICT, "the node showed another policy than the one before; nothing was signed")
    return _policy(dict(earlier.body))


def _policy(holder: Json) -> CorridorPolicy | None:
    from gateway.policy.attestation import policy_in

    return policy_in(holder)
