"""`trm draft`: what adapters made from local records; a named person releases or discards each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from gateway.cli import options, output
from gateway.cli.messages.exchange import show_queued
from gateway.cli.messages.messages import show_change
from gateway.cli.options import CONTEXT, Reach
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json


@click.group(context_settings=CONTEXT)
def draft() -> None:
    """Drafts from the case system, released or discarded by a person."""


@options.verb(draft, "list")
@click.option("--state", type=click.Choice(["waiting", "released", "discarded"]), help="Default: waiting.")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@options.on_node
@options.as_json
def draft_list(reach: Reach, state: str | None, limit: int, as_json: bool) -> None:
    """Drafts that wait for a person.

    \b
    Example:
      trm draft list --node /srv/trm/fr
    """
    output.show(reach.ask("draft.list", state=state, limit=limit), as_json=as_json, people=_show_drafts)


def _show_drafts(value: Mapping[str, Json]) -> None:
    output.table(
        ["id", "state", "since", "type", "to", "record"],
        [
            [item["id"], item["state"], time_text.when(item["at"]), item["type"], item["to"], item["record"]]
            for item in list_objects(value, "drafts")
        ],
        empty="no draft",
    )


@options.verb(draft, "show")
@click.argument("id")
@options.on_node
@options.as_json
def draft_show(reach: Reach, id: str, as_json: bool) -> None:
    """One draft with everything in it, as it would be sent.

    \b
    Example:
      trm draft show 3vJx0bJr3QkK0m1c5n8sT4 --node /srv/trm/fr
    """

    def people(value: Mapping[str, Json]) -> None:
        output.facts((name, value[name]) for name in ("id", "state", "type", "to", "record", "version"))
        output.say(f"since  {time_text.when(value['at'])}")
        output.print_json(value["draft"])

    output.show(reach.ask("draft.show", id=id), as_json=as_json, people=people)


@options.verb(draft, "add")
@click.argument("file", type=click.Path(path_type=Path))
@options.on_node
@options.as_json
def draft_add(reach: Reach, file: Path, as_json: bool) -> None:
    """Keep the draft in FILE ('-' for standard input) for a person to release; it may be unfinished.

    \b
    Example:
      trm draft add referral.json --node /srv/trm/fr
    """
    output.show(reach.ask("draft.save", draft=output.read_object(file)), as_json=as_json, people=_show_saved)


@options.verb(draft, "change")
@click.argument("id")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--version", "seen", metavar="VERSION", required=True, help="The version you have seen (trm draft show).")
@options.on_node
@options.as_json
def draft_change(reach: Reach, id: str, file: Path, seen: str, as_json: bool) -> None:
    """Put the draft in FILE in the place of the one that you have seen; refused if somebody changed it meanwhile.

    \b
    Example:
      trm draft change 3vJx0bJr3QkK0m1c5n8sT4 referral.json --version 9hQ2kXw1bZpJ0Yc3mVtR7A --node /srv/trm/fr
    """
    answer = reach.ask("draft.change", id=id, draft=output.read_object(file), if_match=seen)
    output.show(answer, as_json=as_json, people=_show_saved)


def _show_saved(value: Mapping[str, Json]) -> None:
    output.facts((name, value[name]) for name in ("id", "state", "version"))
    for finding in list_objects(value, "findings"):
        output.say(f"still missing  {finding['place'] or '/'}  {finding['rule']}  {finding['hint']}".rstrip())


@options.verb(draft, "preview")
@click.argument("id")
@click.option("--consent", metavar="ID", help="The consent that it relies on (trm consent list).")
@click.option("--reply-to", metavar="ID", help="The message that it answers.")
@click.option("--conversation", metavar="ID", help="The conversation that it belongs to.")
@options.by
@options.on_node
@options.as_json
def draft_preview(
    reach: Reach,
    id: str,
    consent: str | None,
    reply_to: str | None,
    conversation: str | None,
    by: str,
    as_json: bool,
) -> None:
    """Exactly what of a draft would leave if this person released it now, what not and why; nothing is sent.

    \b
    Example:
      trm draft preview 3vJx0bJr3QkK0m1c5n8sT4 --by "Ana B." --node /srv/trm/fr
    """
    answer = reach.ask("draft.preview", id=id, by=by, consent=consent, reply_to=reply_to, conversation=conversation)
    output.show(answer, as_json=as_json, people=show_preview)


def show_preview(value: Mapping[str, Json]) -> None:
    """What leaves on the result, what does not and what stands in the way beside it."""
    policy = value["policy"]
    output.facts(
        [
            ("type", value["type"]),
            ("corridor", value["corridor"]),
            ("purpose", value["purpose"]),
            ("step", str(value["step"]).replace("_", " ")),
            ("policy", f"{policy['name']} version {policy['version']}" if isinstance(policy, dict) else "none"),
            ("goes before it", value["first"]),
            ("would go", value["goes"]),
        ]
    )
    for item in list_objects(value, "findings"):
        output.say(f"in its way: {item['place'] or '(whole)'}: {item['rule']}  {item['hint']}")
    output.say("")
    output.table(
        ["does not leave", "because this is closed here"],
        [[item["place"], f"{item['title']} ({item['group']})"] for item in list_objects(value, "dropped")],
        empty="all of it leaves" if value["leaves"] is not None else "nothing of it leaves",
    )
    if value["leaves"] is not None:
        output.print_json(value["leaves"])


@options.verb(draft, "release")
@click.argument("id")
@click.option("--consent", metavar="ID", help="The consent that it relies on (trm consent list).")
@click.option("--reply-to", metavar="ID", help="The message that it answers.")
@click.option("--conversation", metavar="ID", help="The conversation that it belongs to.")
@options.by
@options.on_node
@options.as_json
def draft_release(
    reach: Reach,
    id: str,
    consent: str | None,
    reply_to: str | None,
    conversation: str | None,
    by: str,
    as_json: bool,
) -> None:
    """A named person releases a draft: it is checked as a whole and goes.

    A referral, and what goes without consent in danger to life, needs two different people: it goes when the second one
    releases it, as the first one did. Whoever changes it between makes both release it anew.

    \b
    Example:
      trm draft release 3vJx0bJr3QkK0m1c5n8sT4 --consent q2x0bJr3QkK0m1c5n8sT4g --by "Ana B." --node /srv/trm/fr
    """
    answer = reach.ask("draft.release", id=id, by=by, consent=consent, reply_to=reply_to, conversation=conversation)
    output.show(answer, as_json=as_json, people=_show_released)


def _show_released(value: Mapping[str, Json]) -> None:
    if value["state"] != "waiting_second":
        show_queued(value)
        return
    output.say(f"{value['id']} waits for a second person")
    output.hint("a different person has to release it too: trm draft show, then trm draft release --by")


@options.verb(draft, "discard")
@click.argument("id")
@options.by
@options.on_node
@options.as_json
def draft_discard(reach: Reach, id: str, by: str, as_json: bool) -> None:
    """A named person discards a draft; its record in the case system is told.

    \b
    Example:
      trm draft discard 3vJx0bJr3QkK0m1c5n8sT4 --by "Ana B." --node /srv/trm/fr
    """
    output.show(reach.ask("draft.discard", id=id, by=by), as_json=as_json, people=show_change)
