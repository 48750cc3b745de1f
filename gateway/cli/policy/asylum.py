"""`trm asylum`: holds that keep everything about a person from feared States while asylum is sought or granted."""

from __future__ import annotations

from collections.abc import Mapping

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json


@click.group("asylum", context_settings=CONTEXT)
def asylum_commands() -> None:
    """Place and lift holds towards feared States while asylum is sought or granted."""


@options.add_verb(asylum_commands, "hold")
@click.argument("conversation")
@click.option("--state", multiple=True, metavar="CODE", help="A State that the person fears, as AL; may be repeated.")
@click.option(
    "--lost", is_flag=True, help="Say the same of holds on the case whose conversation is lost or of another case."
)
@options.pass_node
@options.as_json
def place_asylum_hold(reach: Reach, conversation: str, state: tuple[str, ...], lost: bool, as_json: bool) -> None:
    """Place a hold, at once: nothing about the person is sent to a feared State any more (gate G5).

    Feared are the nationalities that the conversation told and the States named here: the former residence of a
    stateless person, and every other one. While none is known, nothing goes to any country. To name more, place it
    again.

    It lies over the conversation, its case and every conversation that relies on the same consents. What waits to go is
    stopped, and the rest of a file that is on its way. Withdrawals and safety alerts still pass. Nobody else is told of
    it. Of each case that is linked to this one the node asks whether the hold concerns its person too: see trm asylum
    apart.

    \b
    Example:
      trm asylum hold mT5h0Jr3QkK0m1c5n8sT4g --state MA --node /srv/trm/fr
    """
    named: dict[str, Json] = {"states": [*state]} if state else {}
    value = reach.ask("asylum.hold", id=conversation, **named, **({"lost": True} if lost else {}))
    output.print_answer(value, as_json=as_json, people=_show_hold)


@options.add_verb(asylum_commands, "lift")
@click.argument("conversation")
@options.pass_node
@options.as_json
def lift_asylum_hold(reach: Reach, conversation: str, as_json: bool) -> None:
    """Lift a hold after a decision, or on the person's written request: two different people, one after the other.

    \b
    Example:
      trm asylum lift mT5h0Jr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    output.print_answer(reach.ask("asylum.lift", id=conversation), as_json=as_json, people=_show_lift)


def _show_hold(value: Mapping[str, Json]) -> None:
    if states := _states(value):
        output.print_line(f"{value['id']} is held: nothing of it goes to {states}")
    else:
        output.print_line(f"{value['id']} is held: nothing of it goes anywhere")
        output.print_hint("name the States that the person fears with --state; then it goes to the others")
    if value["lost"]:
        output.print_line("another hold lies over its case; its own conversation is lost, or of another case")
        output.print_hint("if the States are the same, repeat this with --lost; the two are lifted together then")


def _show_lift(value: Mapping[str, Json]) -> None:
    if value["held"]:
        output.print_line(f"{value['id']} is still held")
        output.print_hint("a second, different person has to lift it too")
    else:
        output.print_line(f"{value['id']} is no longer held")


@options.add_verb(asylum_commands, "apart")
@click.argument("case")
@click.option("--state", multiple=True, metavar="CODE", help="A State that the node asks about; may be repeated.")
@options.pass_node
@options.as_json
def set_case_apart(reach: Reach, case: str, state: tuple[str, ...], as_json: bool) -> None:
    """Say that what a linked person fears does not concern the person of this case: two different people.

    While an asylum hold lies on a linked case, or a message told of asylum there, nothing of this one goes to the
    States that are feared, until somebody has answered; trm case show prints what is asked. If it does concern the
    person, place a hold on a conversation of this case instead (trm asylum hold). Without --state it answers a question
    that names no State.

    \b
    Example:
      trm asylum apart q2x0bJr3QkK0m1c5n8sT4g --state AL --node /srv/trm/fr
    """
    value = reach.ask("asylum.apart", id=case, states=[*state])
    output.print_answer(value, as_json=as_json, people=_show_apart)


def _show_apart(value: Mapping[str, Json]) -> None:
    if value["unanswered"]:
        output.print_line(f"{value['id']}: still asked of {_states({'states': value['unanswered']})}")
        output.print_hint("a second, different person has to say so too")
    else:
        output.print_line(f"{value['id']}: nothing is asked of it any more")


@options.add_verb(asylum_commands, "list")
@options.pass_node
@options.as_json
def list_asylum_holds(reach: Reach, as_json: bool) -> None:
    """List asylum holds, oldest first.

    \b
    Example:
      trm asylum list --node /srv/trm/fr
    """
    output.print_answer(reach.ask("asylum.list"), as_json=as_json, people=_show_holds)


def _show_holds(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["conversation", "since", "feared States", "a first person wants it lifted"],
        [
            [
                item["id"] or "(does not open)",
                time_text.when(item["at"]),
                _states(item) or "every one",
                item["lift_wanted"],
            ]
            for item in list_objects(value, "holds")
        ],
        empty="no asylum hold",
    )


def _states(value: Mapping[str, Json]) -> str:
    listed = value["states"]
    return ", ".join(str(state) for state in listed) if isinstance(listed, list) else ""
