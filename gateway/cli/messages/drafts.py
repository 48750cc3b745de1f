"""`trm draft`: drafts made from local records, which a named person releases or discards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from gateway.cli import options, output
from gateway.cli.messages.messages import show_change
from gateway.cli.messages.sending import hint_warnings, show_queued
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import Code, RefusedError
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json


@click.group("draft", context_settings=CONTEXT)
def draft_commands() -> None:
    """List, preview, release and discard drafts from the case system."""


@options.add_verb(draft_commands, "list")
@click.option("--state", type=click.Choice(["waiting", "released", "discarded"]), help="Default: waiting.")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@options.pass_node
@options.as_json
def list_drafts(reach: Reach, state: str | None, limit: int, as_json: bool) -> None:
    """List the drafts that wait for a person.

    \b
    Example:
      trm draft list --node /srv/trm/fr
    """
    output.print_answer(reach.ask("draft.list", state=state, limit=limit), as_json=as_json, people=_show_drafts)


def _show_drafts(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["id", "state", "since", "type", "to", "record"],
        [
            [item["id"], item["state"], time_text.when(item["at"]), item["type"], item["to"], item["record"]]
            for item in list_objects(value, "drafts")
        ],
        empty="no draft",
    )


@options.add_verb(draft_commands, "show")
@click.argument("id")
@options.pass_node
@options.as_json
def show_draft(reach: Reach, id: str, as_json: bool) -> None:
    """Show one draft with all its content, as it would be sent.

    \b
    Example:
      trm draft show 3vJx0bJr3QkK0m1c5n8sT4 --node /srv/trm/fr
    """

    def people(value: Mapping[str, Json]) -> None:
        output.print_facts((name, value[name]) for name in ("id", "state", "type", "to", "record", "version"))
        output.print_line(f"since  {time_text.when(value['at'])}")
        output.print_json(value["draft"])

    output.print_answer(reach.ask("draft.show", id=id), as_json=as_json, people=people)


@options.add_verb(draft_commands, "add")
@click.argument("file", type=click.Path(path_type=Path))
@options.pass_node
@options.as_json
def add_draft(reach: Reach, file: Path, as_json: bool) -> None:
    """Store the draft in FILE ('-' for standard input) for a person to release; it may be unfinished.

    \b
    Example:
      trm draft add referral.json --node /srv/trm/fr
    """
    output.print_answer(reach.ask("draft.save", draft=output.read_object(file)), as_json=as_json, people=_show_saved)


@options.add_verb(draft_commands, "change")
@click.argument("id")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--version", "seen", metavar="VERSION", required=True, help="The version you have seen (trm draft show).")
@options.pass_node
@options.as_json
def change_draft(reach: Reach, id: str, file: Path, seen: str, as_json: bool) -> None:
    """Replace the draft that you have seen by the one in FILE; refused if somebody changed it meanwhile.

    \b
    Example:
      trm draft change 3vJx0bJr3QkK0m1c5n8sT4 referral.json --version 9hQ2kXw1bZpJ0Yc3mVtR7A --node /srv/trm/fr
    """
    answer = reach.ask("draft.change", id=id, draft=output.read_object(file), if_match=seen)
    output.print_answer(answer, as_json=as_json, people=_show_saved)


def _show_saved(value: Mapping[str, Json]) -> None:
    output.print_facts((name, value[name]) for name in ("id", "state", "version"))
    for finding in list_objects(value, "findings"):
        output.print_line(f"still missing  {finding['place'] or '/'}  {finding['rule']}  {finding['hint']}".rstrip())


@options.add_verb(draft_commands, "preview")
@click.argument("id")
@click.option("--consent", metavar="ID", help="The consent that it relies on (trm consent list).")
@click.option("--reply-to", metavar="ID", help="The message that it answers.")
@click.option("--conversation", metavar="ID", help="The conversation that it belongs to.")
@options.pass_node
@options.as_json
def preview_draft(
    reach: Reach,
    id: str,
    consent: str | None,
    reply_to: str | None,
    conversation: str | None,
    as_json: bool,
) -> None:
    """Show exactly what of a draft would leave if this person released it now, what would not, and why; nothing is
    sent.

    \b
    Example:
      trm draft preview 3vJx0bJr3QkK0m1c5n8sT4 --node /srv/trm/fr
    """
    answer = reach.ask("draft.preview", id=id, consent=consent, reply_to=reply_to, conversation=conversation)
    output.print_answer(answer, as_json=as_json, people=show_preview)


def show_preview(value: Mapping[str, Json]) -> None:
    """Print what leaves as the result, and what is kept back or prevents the release as hints."""
    policy = value["policy"]
    output.print_facts(
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
    hint_warnings(value)
    for item in list_objects(value, "findings"):
        output.print_line(f"in its way: {item['place'] or '(whole)'}: {item['rule']}  {item['hint']}")
    for item in list_objects(value, "doubts"):
        output.print_line(f"may identify somebody: {item['place']}  {item['hint']}; it goes all the same")
    output.print_line("")
    output.print_table(
        ["does not leave", "because this is closed here"],
        [[item["place"], f"{item['title']} ({item['group']})"] for item in list_objects(value, "dropped")],
        empty="all of it leaves" if value["leaves"] is not None else "nothing of it leaves",
    )
    if value["leaves"] is not None:
        output.print_json(value["leaves"])


@options.add_verb(draft_commands, "release")
@click.argument("id")
@click.option("--consent", metavar="ID", help="The consent that it relies on (trm consent list).")
@click.option("--reply-to", metavar="ID", help="The message that it answers.")
@click.option("--conversation", metavar="ID", help="The conversation that it belongs to.")
@click.option("--two-people", is_flag=True, help="A second, different person releases it too, also where one may.")
@click.option(
    "--version",
    "seen",
    metavar="VERSION",
    help="The version you have seen (trm draft show); the second of two people has to name it.",
)
@options.pass_node
@options.as_json
def release_draft(
    reach: Reach,
    id: str,
    consent: str | None,
    reply_to: str | None,
    conversation: str | None,
    two_people: bool,
    seen: str | None,
    as_json: bool,
) -> None:
    """Release a draft in a person's name: it is checked as a whole and sent.

    A referral, and what goes without consent in danger to life, needs two different people: it goes when the second one
    releases the version that the first one did and that they have read. Whoever changes it between makes both release
    it anew.

    \b
    Example:
      trm draft release 3vJx0bJr3QkK0m1c5n8sT4 --consent q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/fr
      trm draft release 3vJx0bJr3QkK0m1c5n8sT4 --version 9hQ2kXw1bZpJ0Yc3mVtR7A --node /srv/trm/fr
    """
    added = {"consent": consent, "reply_to": reply_to, "conversation": conversation}
    if_match = seen or _find_version(reach, id)
    answer = reach.ask("draft.release", id=id, **added, two_people=True if two_people else None, if_match=if_match)
    output.print_answer(answer, as_json=as_json, people=show_queued)


def _find_version(reach: Reach, id: str) -> Json:
    """Find the version of a draft for whoever names none. Raises RefusedError where another person released it: what
    is read only now nobody has looked at.
    """
    shown = reach.ask("draft.show", id=id)
    if shown["state"] == "waiting_second" and not shown["first_by_caller"]:
        raise RefusedError(
            Code.CONFLICT,
            "another person released this draft first; nothing was sent",
            hint="read it (trm draft show), and name the version that you have seen with --version",
        )
    return shown["version"]


@options.add_verb(draft_commands, "discard")
@click.argument("id")
@options.pass_node
@options.as_json
def discard_draft(reach: Reach, id: str, as_json: bool) -> None:
    """Discard a draft in a person's name; the case system learns that its record was not sent.

    \b
    Example:
      trm draft discard 3vJx0bJr3QkK0m1c5n8sT4 --node /srv/trm/fr
    """
    output.print_answer(reach.ask("draft.discard", id=id), as_json=as_json, people=show_change)
