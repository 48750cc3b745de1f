"""`trm erase`, `trm erasure` and `trm retention`: erasure by a person, erasure requests of peers, retention periods,
and legal holds.
"""

from __future__ import annotations

from collections.abc import Mapping

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json

_PLACES = {
    "erased": "erased",
    "not_held": "nothing was there",
    "due": "has not answered yet",
    "disabled_only": "only disabled: erase it there by hand",
    "not_supported": "cannot erase: do it there by hand",
}

_DONE = _PLACES | {
    "due": "still there",
    "unknown": "not known: look, and erase it by hand",
}


@click.command("erase", cls=options.Verb, context_settings=CONTEXT)
@click.argument("message", required=False)
@click.option("--conversation", metavar="ID", help="Every message of a conversation.")
@click.option("--in", "direction", flag_value="in", help="The incoming message.")
@click.option("--out", "direction", flag_value="out", help="The outgoing message.")
@click.option("--reason", required=True, metavar="CODE", help="A code of the list erasure_ground.")
@options.pass_node
@options.as_json
def erase_content(
    reach: Reach,
    message: str | None,
    conversation: str | None,
    direction: str | None,
    reason: str,
    as_json: bool,
) -> None:
    """Erase a message or a whole conversation, here and in the case system. This cannot be undone.

    Its keys are destroyed at once with those of the storage epoch, so that no backup of the data opens it again. What
    stays is that it existed: numbers, states, signatures, receipts. The sender gets the signed receipt `erased`.

    \b
    Example:
      trm erase q2x0bJr3QkK0m1c5n8sT4g --reason misdirected --node /srv/trm/al
      trm erase --conversation mT5h0Jr3QkK0m1c5n8sT4g --reason not_needed --node /srv/trm/fr
    """
    if (message is None) == (conversation is None):
        raise click.UsageError("name one message, or a conversation with --conversation")
    if conversation is None:
        value = reach.ask("message.erase", id=message, direction=direction, reason=reason)
    else:
        value = reach.ask("conversation.erase", id=conversation, reason=reason)
    output.print_answer(value, as_json=as_json, people=_show_erased)


def _show_erased(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["erased", "way", "in the case system"],
        [
            [item["id"], item["direction"], _PLACES.get(str(item["local_system"]), item["local_system"])]
            for item in list_objects(value, "messages")
        ],
        empty="nothing",
    )
    output.print_table(
        ["place", "what is so there", "until"],
        [
            [item["place"], _DONE.get(str(item["done"]), item["done"]), item.get("by_date")]
            for item in list_objects(value, "places")
        ],
        empty="nothing was looked at",
    )
    output.print_table(
        ["who had it from here", "there"],
        [
            [item["peer"], "erased" if item["erased"] else "not known: ask for it"]
            for item in list_objects(value, "recipients")
        ],
        empty="nobody had it from here",
    )
    machines = value["machines"]
    if isinstance(machines, list) and machines:
        output.print_line(f"its key is still on: {', '.join(map(str, machines))}")
        output.print_hint("start that machine, so that it follows; if it is lost for ever: trm keys retire")


@click.group("erasure", context_settings=CONTEXT)
def erasure_commands() -> None:
    """List, follow and refuse the erasure requests of peers."""


@options.add_verb(erasure_commands, "list")
@options.pass_node
@options.as_json
def list_erasure_requests(reach: Reach, as_json: bool) -> None:
    """List erasure requests of peers, oldest first, and how far each has come. See docs/retention.md.

    \b
    Example:
      trm erasure list --node /srv/trm/al
    """
    output.print_answer(reach.ask("erasure.list"), as_json=as_json, people=_show_requests)


def _show_requests(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["message", "peer", "asks for", "ground", "is", "followed", "answer due"],
        [
            [
                item["id"],
                item["peer"],
                item["what"],
                item["ground"],
                item["state"],
                _followed(item),
                time_text.when(item["due"]),
            ]
            for item in list_objects(value, "requests")
        ],
        empty="nobody asked",
    )


def _followed(item: Mapping[str, Json]) -> str:
    if item["follow"] is not None:
        return time_text.when(item["follow"])
    return "by a person" if item["state"] == "waiting" else "done"


@options.add_verb(erasure_commands, "follow")
@click.argument("request")
@click.option(
    "--message", "chosen", multiple=True, metavar="ID", help="A message to erase, for a request about a part."
)
@click.option("--none", "none", is_flag=True, help="Nothing of the part is held here.")
@options.pass_node
@options.as_json
def follow_erasure_request(reach: Reach, request: str, chosen: tuple[str, ...], none: bool, as_json: bool) -> None:
    """Follow a request now. The node itself follows requests for whole messages, a conversation or a consent.

    \b
    Example:
      trm erasure follow q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/al
      trm erasure follow q2x0bJr3QkK0m1c5n8sT4g --message mT5h0Jr3QkK0m1c5n8sT4g --node /srv/trm/al
    """
    if chosen and none:
        raise click.UsageError("name the messages, or say --none")
    value = reach.ask("erasure.follow", id=request, messages=[*chosen] if chosen or none else None)
    output.print_answer(
        value, as_json=as_json, people=lambda value: output.print_line(f"{value['erased']} message(s) erased")
    )


@options.add_verb(erasure_commands, "refuse")
@click.argument("request")
@click.option("--ground", required=True, metavar="CODE", help="A code of the list kept_ground.")
@click.option("--until", required=True, metavar="DAY", help="Day by which somebody has to review it, YYYY-MM-DD.")
@options.pass_node
@options.as_json
def refuse_erasure_request(reach: Reach, request: str, ground: str, until: str, as_json: bool) -> None:
    """Refuse an erasure request on a legal ground: a legal hold is placed, and the peer is told why.

    \b
    Example:
      trm erasure refuse q2x0bJr3QkK0m1c5n8sT4g --ground legal_claims_17_3_e --until 2027-06-30
    """
    value = reach.ask("erasure.refuse", id=request, ground=ground, until=until)
    output.print_answer(
        value, as_json=as_json, people=lambda value: output.print_line(f"it is kept until {value['until']}")
    )


@click.group("retention", context_settings=CONTEXT)
def retention_commands() -> None:
    """Apply retention periods; place and lift legal holds."""


@options.add_verb(retention_commands, "run")
@click.option("--dry-run", is_flag=True, help="Only print what would be erased.")
@options.pass_node
@options.as_json
def run_retention(reach: Reach, dry_run: bool, as_json: bool) -> None:
    """Erase what may no longer be kept; the node does this by itself every day. See docs/retention.md for the rules.

    \b
    Example:
      trm retention run --dry-run --node /srv/trm/fr
    """
    value = reach.ask("retention.run", dry_run=True if dry_run else None)
    output.print_answer(value, as_json=as_json, people=_show_run)


def _show_run(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["what", "rule", "messages"],
        [[item["verdict"], item["rule"], item["messages"]] for item in list_objects(value, "report")],
        empty="no message is stored",
    )
    output.print_line("")
    output.print_table(
        ["would be erased" if value["dry_run"] else "erased", "way", "rule", "due since"],
        [
            [item["id"], item["direction"], item["rule"], time_text.when(item["due"])]
            for item in list_objects(value, "erase")
        ],
        empty="nothing is due",
    )
    asked = value["requests"]
    if isinstance(asked, list) and asked:
        output.print_line(f"requests of peers being followed: {len(asked)}, see trm erasure list")
    output.print_hint(f"no copy of what is erased now can be opened after {time_text.when(value['horizon'])}")


@options.add_verb(retention_commands, "hold")
@click.argument("conversation")
@click.option("--ground", required=True, metavar="CODE", help="A code of the list kept_ground.")
@click.option("--until", required=True, metavar="DAY", help="Day by which somebody has to review it, YYYY-MM-DD.")
@options.pass_node
@options.as_json
def place_hold(reach: Reach, conversation: str, ground: str, until: str, as_json: bool) -> None:
    """Place a legal hold: nothing of the conversation is erased, whoever asks, until a person lifts it.

    \b
    Example:
      trm retention hold mT5h0Jr3QkK0m1c5n8sT4g --ground legal_claims_17_3_e --until 2027-06-30
    """
    value = reach.ask("retention.hold", id=conversation, ground=ground, until=until)
    output.print_answer(
        value,
        as_json=as_json,
        people=lambda value: output.print_line(f"{value['id']} is under a legal hold until {value['until']}"),
    )


@options.add_verb(retention_commands, "release")
@click.argument("conversation")
@options.pass_node
@options.as_json
def release_hold(reach: Reach, conversation: str, as_json: bool) -> None:
    """Lift a legal hold; whatever is due for erasure by then is erased within a day.

    \b
    Example:
      trm retention release mT5h0Jr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    value = reach.ask("retention.release", id=conversation)
    output.print_answer(
        value, as_json=as_json, people=lambda value: output.print_line(f"{value['id']} is no longer held")
    )


@options.add_verb(retention_commands, "list")
@options.pass_node
@options.as_json
def list_holds(reach: Reach, as_json: bool) -> None:
    """List legal holds, oldest first.

    \b
    Example:
      trm retention list --node /srv/trm/fr
    """
    output.print_answer(reach.ask("retention.list"), as_json=as_json, people=_show_holds)


def _show_holds(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["conversation", "ground", "look again by", "since"],
        [
            [
                item["id"] or "(erased)",
                item["ground"],
                f"{item['until']} (over)" if item["over"] else item["until"],
                time_text.when(item["at"]),
            ]
            for item in list_objects(value, "holds")
        ],
        empty="no legal hold",
    )
