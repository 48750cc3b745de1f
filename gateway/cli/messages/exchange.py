"""`trm conversation`: where conversations stand, by the same operations as the local API."""

from __future__ import annotations

from collections.abc import Mapping

import click

from gateway.cli import options, output
from gateway.cli.messages.messages import show_messages
from gateway.cli.options import CONTEXT, Reach
from gateway.cli.procedures.procedures import show_position
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json


@click.group("conversation", context_settings=CONTEXT)
def conversation_commands() -> None:
    """Show conversations, message by message."""


@options.add_verb(conversation_commands, "list")
@click.option("--due", is_flag=True, help="Show the morning list instead: what is owed, overdue first.")
@click.option("--ours", "owes", flag_value="us", help="With --due: only what this node owes.")
@click.option("--theirs", "owes", flag_value="them", help="With --due: only what the other nodes owe.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@options.pass_node
@options.as_json
def list_conversations(reach: Reach, due: bool, owes: str | None, limit: int, as_json: bool) -> None:
    """List conversations, most recently active first; with --due, who owes what until when.

    \b
    Example:
      trm conversation list --node /srv/trm/fr
      trm conversation list --due --node /srv/trm/fr
    """
    if owes is not None and not due:
        raise click.UsageError("--ours and --theirs belong to --due")
    if due:
        output.print_answer(reach.ask("conversation.due", limit=limit, owes=owes), as_json=as_json, people=_show_due)
        return
    output.print_answer(reach.ask("conversation.list", limit=limit), as_json=as_json, people=_show_conversations)


def _deadline(item: Mapping[str, Json]) -> str:
    late, doubt = "OVERDUE " if item["overdue"] else "", "" if item["certain"] else " ?"
    return f"{late}{time_text.when(item['until'])}{doubt}"


def _show_due(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["until", "by", "owed", "peer", "state", "because of", "conversation"],
        [
            [
                _deadline(item),
                item["owes"],
                item["what"],
                item["peer"],
                item["state"],
                item["type"],
                item["conversation"],
            ]
            for item in list_objects(value, "due")
        ],
        empty="nothing is owed",
    )
    if any(not item["certain"] for item in list_objects(value, "due")):
        output.print_hint("a date with ? may change: trm conversation show --json says why")
    if value["next"] is not None:
        output.print_hint("more is owed in other conversations, later than this: use a higher --limit")


def _show_conversations(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["conversation", "kind", "peer", "messages", "last", "last type", "last state"],
        [
            [
                item["conversation"] or "(erased)",
                item["kind"],
                item["peer"],
                item["messages"],
                time_text.when(item["last"]),
                item["last_type"],
                item["last_state"],
            ]
            for item in list_objects(value, "conversations")
        ],
        empty="no conversation",
    )


@options.add_verb(conversation_commands, "show")
@click.argument("id")
@options.language
@options.pass_node
@options.as_json
def show_conversation(reach: Reach, id: str, lang: str | None, as_json: bool) -> None:
    """Show the state of a conversation, who owes what until when, and its messages in order, without their content.

    Of the procedure of the region it shows the stage, what is done, what is due and by whom, what stops it, and what
    comes next. A step is `behind` when its time is over and no message shows that it was done.

    The state is worked out from the messages of both sides. `provisional` says that it rests on silence, and an answer
    that was written in time may still arrive. A message whose outcome is not `applied` is kept and shown; its outcome
    says why it had no effect.

    \b
    Example:
      trm conversation show Vt5m0bJr3QkK0m1c5n8sT4 --node /srv/trm/fr
      trm conversation show Vt5m0bJr3QkK0m1c5n8sT4 --language fr --node /srv/trm/fr
    """
    if lang is not None:
        from schemas.labels import find_language

        find_language(lang)  # a wrong one is refused before anything is opened
    answer = reach.ask("conversation.show", id=id)
    output.print_answer(answer, as_json=as_json, people=lambda value: _show_conversation(value, lang))


@options.add_verb(conversation_commands, "contact")
@click.argument("id")
@click.option("--channel", type=click.Choice(["call", "message", "visit", "through_provider"]), required=True)
@click.option("--address", is_flag=True, help="Ask for the number or name that would be used, without showing it.")
@options.pass_node
@options.as_json
def check_contact(reach: Reach, id: str, channel: str, address: bool, as_json: bool) -> None:
    """Check whether the person of a case may be reached in this way now, and list who must not learn of the case.

    By the newest rule that the messages have, the channels that safety alerts have closed, and the time where the
    person is. Silence and doubt are no permission. The answer repeats nothing of the rule.

    \b
    Example:
      trm conversation contact Vt5m0bJr3QkK0m1c5n8sT4 --channel call --node /srv/trm/fr
    """
    named = click.prompt("number or name", hide_input=True, err=True) if address else None
    answer = reach.ask("contact.advise", id=id, channel=channel, address=named)
    output.print_answer(answer, as_json=as_json, people=_show_contact)


def _show_contact(value: Mapping[str, Json]) -> None:
    output.print_facts([("contact", value["contact"]), ("why", value["why"])])
    if value["check_who_answers"]:
        output.print_hint(
            "be sure who answers before you say anything: it may be somebody else, or a code word was agreed"
        )
    output.print_table(
        ["not to be told", "why"],
        [[item["party"], item["why"]] for item in list_objects(value, "do_not_notify")],
        empty="the person agreed that family, State of nationality and police may be told",
    )


def _show_conversation(value: Mapping[str, Json], lang: str | None = None) -> None:
    if value["asylum_hold"]:
        output.print_line(
            "asylum hold: nothing of it goes to a State that the person fears; trm asylum list names them"
        )
        output.print_line("")
    for standing in list_objects(value, "standing"):
        names = ("peer", "kind", "side", "state", "provisional", "overlays")
        output.print_facts([(name, standing[name]) for name in names])
        if standing["missing"]:
            output.print_hint(
                f"{standing['missing']} message(s) can no longer be read: the state may be a different one"
            )
        if standing["no_calendar"]:
            output.print_hint(
                f"no calendar for {output.format_value(standing['no_calendar'])}: dates that count days are not certain"
            )
        if standing["owed_later"]:
            output.print_hint(f"we still owe, by info.reply: {output.format_value(standing['owed_later'])}")
        if standing["ask_elsewhere"]:
            output.print_hint("nobody decided in time about a person in danger: refer to a second unit (trm send)")
        output.print_line("")
        _show_owed(standing)
        output.print_line("")
        place = standing["procedure"]
        if isinstance(place, dict):
            show_position(place, lang)
            output.print_line("")
    show_messages(value)
    for item in list_objects(value, "messages"):
        if item["outcome"] not in (None, "applied"):
            output.print_hint(f"{item['id']} had no effect: {item['outcome']}")


def _show_owed(standing: Mapping[str, Json]) -> None:
    output.print_table(
        ["owed", "by", "until", "overdue", "certain", "because of"],
        [
            [
                item["what"],
                item["owes"],
                time_text.when(item["until"]),
                item["overdue"],
                item["certain"],
                item["because"],
            ]
            for item in list_objects(standing, "owed")
        ],
        empty="nothing is owed",
    )
