"""`trm message`: every message with its state and receipts, and the actions a person has."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import Code
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json

if TYPE_CHECKING:
    from schemas.render import Rendering


def show_change(value: Mapping[str, Json]) -> None:
    """Print the new state of something."""
    output.print_line(f"{value['id']} is {value['state']}")


@click.group("message", context_settings=CONTEXT)
def message_commands() -> None:
    """Show messages with their states and receipts; resend, cancel and review them."""


@options.add_verb(message_commands, "list")
@click.option("--in", "direction", flag_value="in", help="Only incoming messages.")
@click.option("--out", "direction", flag_value="out", help="Only outgoing messages.")
@click.option("--peer", metavar="NAME", help="Only of one peer.")
@click.option("--state", metavar="STATE", help="Only in one state; 'failed' shows the dead letters.")
@click.option("--conversation", metavar="ID", help="Only of one conversation.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@click.option("--cursor", metavar="CURSOR", help="The next page, by the cursor of the page before.")
@options.pass_node
@options.as_json
def list_messages(
    reach: Reach,
    direction: str | None,
    peer: str | None,
    state: str | None,
    conversation: str | None,
    limit: int,
    cursor: str | None,
    as_json: bool,
) -> None:
    """List messages, newest first, without their content.

    \b
    Example:
      trm message list --out --state failed --node /srv/trm/fr
    """
    answer = reach.ask(
        "message.list",
        direction=direction,
        peer=peer,
        state=state,
        conversation=conversation,
        limit=limit,
        cursor=cursor,
    )
    output.print_answer(answer, as_json=as_json, people=show_messages)


def show_messages(value: Mapping[str, Json]) -> None:
    """Print messages as a table, without their content."""
    output.print_table(
        ["id", "way", "peer", "type", "state", "reason", "at", "n"],
        [
            [
                item["id"],
                item["direction"],
                item["peer"],
                item["type"] or "(erased)",
                item["state"],
                item["reason"],
                time_text.when(item["at"]),
                item["n"],
            ]
            for item in list_objects(value, "messages")
        ],
        empty="no message",
    )
    if value.get("next"):
        output.print_hint(f"there are more: add --cursor {value['next']}")


@options.add_verb(message_commands, "show")
@click.argument("id")
@click.option("--in", "direction", flag_value="in", help="The incoming one.")
@click.option("--out", "direction", flag_value="out", help="The outgoing one.")
@options.language
@options.pass_node
@options.as_json
def show_message(reach: Reach, id: str, direction: str | None, lang: str | None, as_json: bool) -> None:
    """Show one message with its content and receipts. The audit log records that the content was read.

    \b
    Example:
      trm message show q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/fr
      trm message show q2x0bJr3QkK0m1c5n8sT4g --language fr --node /srv/trm/fr
    """
    from schemas.labels import load_labels
    from schemas.render import render_message

    spoken = (
        None if lang is None else load_labels(lang)
    )  # a wrong one is refused before content is read and that logged
    value = reach.ask("message.show", id=id, direction=direction)
    page = None
    if spoken is not None and "content" in value:
        page = render_message(str(value["type"]), {"header": value["header"], "content": value["content"]}, spoken)
        value["rendered"] = output.rendering_to_json(page)
    output.print_answer(value, as_json=as_json, people=lambda value: _show_message(value, page))


_TO_DO: dict[str, str] = {
    Code.CLOSED_BY_POLICY: "the corridor policy was narrowed while it waited: trm policy show; write it again",
    Code.GATE_G7: "the person took back the consent: nothing more is done on it; erase it when nothing else needs it",
    Code.NOT_FOR_EXPORT: "its sender wants it in no case system: run trm message ack when somebody has taken it here",
}
"""What a person does about a reason that does not say so itself."""


def _show_message(value: Mapping[str, Json], page: Rendering | None) -> None:
    names = ("id", "direction", "peer", "type", "conversation", "in_reply_to", "purpose", "state", "reason", "n")
    output.print_facts(
        [
            *((name, value[name]) for name in names),
            ("at", time_text.when(value["at"])),
            ("expires", time_text.when(value["expires"])),
            ("out_of_order", value["out_of_order"]),
        ]
    )
    if (hint := _TO_DO.get(str(value["reason"]))) is not None:
        output.print_hint(hint)
    output.print_line("")
    output.print_table(
        ["receipt", "at", "code"],
        [[item["status"], time_text.when(item["at"]), item["code"]] for item in list_objects(value, "receipts")],
        empty="no receipt yet",
    )
    if page is not None:
        output.print_line("")
        output.print_rendering(page)
    elif "content" in value:
        output.print_line("")
        output.print_json({"header": value["header"], "content": value["content"]})


@options.add_verb(message_commands, "ack")
@click.argument("id")
@options.pass_node
@options.as_json
def acknowledge_message(reach: Reach, id: str, as_json: bool) -> None:
    """Take an incoming message for the desk: the sender gets the receipt `delivered`.

    \b
    Example:
      trm message ack q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/al
    """
    output.print_answer(reach.ask("message.ack", id=id), as_json=as_json, people=show_change)


@options.add_verb(message_commands, "open")
@click.argument("id")
@options.pass_node
@options.as_json
def open_message(reach: Reach, id: str, as_json: bool) -> None:
    """Mark an incoming message as opened by a person: the sender gets the receipt `opened`.

    \b
    Example:
      trm message open q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/al
    """
    output.print_answer(reach.ask("message.open", id=id), as_json=as_json, people=show_change)


@options.add_verb(message_commands, "resend")
@click.argument("id", required=False)
@click.option(
    "--failed", "state", flag_value="failed", help="Outgoing messages that failed: each is sent as a new message."
)
@click.option(
    "--held", "state", flag_value="held", help="Messages that the case system refused: each is offered again."
)
@click.option("--peer", metavar="NAME", help="Of these, only those of one peer.")
@click.option("--reason", metavar="CODE", help="Of these, only those with one reason.")
@click.option("--days", type=click.IntRange(0, 3650), help="Of these, only those at least this many days old.")
@click.option("--dry-run", is_flag=True, help="Only count them.")
@options.pass_node
@options.as_json
def resend_messages(
    reach: Reach,
    id: str | None,
    state: str | None,
    peer: str | None,
    reason: str | None,
    days: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Try again now: end a peer's waiting time, or offer a held message to the case system again.

    With --failed or --held all of them, or those that are chosen. A message that failed is final; what it said is
    judged anew and goes as a new one, once. What was dismissed or taken back stays; what failed as restored goes by ID.

    \b
    Example:
      trm message resend q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/fr
      trm message resend --failed --peer AL --dry-run --node /srv/trm/fr
    """
    if state is None:
        if id is None:
            raise click.UsageError("name a message, or many by --failed or --held")
        if dry_run or any(one is not None for one in (peer, reason, days)):
            raise click.UsageError("--peer, --reason, --days and --dry-run belong to --failed and --held")
        output.print_answer(reach.ask("message.resend", id=id), as_json=as_json, people=show_change)
        return
    before = None if days is None else int(time.time()) - days * 86_400
    value = reach.ask(
        "message.resend_many",
        state=state,
        message=id,
        peer=peer,
        reason=reason,
        before=before,
        dry_run=dry_run,
    )
    output.print_answer(value, as_json=as_json, people=_show_again)


def _show_again(value: Mapping[str, Json]) -> None:
    refused = list_objects(value, "refused")
    output.print_line(f"{value['matched']} matched, {value['again']} tried again, {len(refused)} refused")
    for item in refused:
        output.print_line(f"{item['id']}  {item['code']}")
    if value["more"]:
        output.print_hint("there are more: repeat it")


@options.add_verb(message_commands, "cancel")
@click.argument("id")
@options.pass_node
@options.as_json
def cancel_message(reach: Reach, id: str, as_json: bool) -> None:
    """Take back a message that the peer has not confirmed; afterwards only a withdrawal helps.

    \b
    Example:
      trm message cancel q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    output.print_answer(reach.ask("message.cancel", id=id), as_json=as_json, people=show_change)


@options.add_verb(message_commands, "reviews")
@options.pass_node
@options.as_json
def list_reviews(reach: Reach, as_json: bool) -> None:
    """List received messages whose key was revoked from a time before they came: a person must review them.

    \b
    Example:
      trm message reviews --node /srv/trm/al
    """
    output.print_answer(reach.ask("review.list"), as_json=as_json, people=_show_reviews)


def _show_reviews(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["message", "case", "peer", "received", "revoked key"],
        [
            [
                *(item["message"], output.case_name(item), item["peer"]),
                *(time_text.when(item["received"]), item["kid"]),
            ]
            for item in list_objects(value, "reviews")
        ],
        empty="nothing to review",
    )


@options.add_verb(message_commands, "reviewed")
@click.argument("id")
@options.pass_node
@options.as_json
def settle_review(reach: Reach, id: str, as_json: bool) -> None:
    """Record that a person has reviewed one of them, and called its sender where necessary.

    \b
    Example:
      trm message reviewed q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/al
    """
    answer = reach.ask("review.settle", id=id)
    output.print_answer(
        answer, as_json=as_json, people=lambda value: output.print_line(f"reviewed: {value['message']}")
    )
