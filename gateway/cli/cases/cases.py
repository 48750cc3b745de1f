"""`trm case`: whom conversations, drafts and consents are about; merged, split and moved by two people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from gateway.cases.rules import PARTS, RELATIONS
from gateway.cli import options, output
from gateway.cli.cases import output as case_output
from gateway.cli.options import CONTEXT, Reach
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json


@click.group("case", context_settings=CONTEXT)
def case_commands() -> None:
    """List, name and hand over cases; merge, split and move them. A case is one person; its id stays on this node."""


reason = click.option("--reason", required=True, metavar="TEXT", help="Why; whoever confirms it reads it.")


def parts(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let the verb name what moves."""
    for name in reversed(PARTS):
        one = name.removesuffix("s")
        function = click.option(f"--{one}", name, multiple=True, help=f"A {one} that moves; may be repeated.")(function)
    return function


@options.add_verb(case_commands, "show")
@click.argument("id")
@options.pass_node
@options.as_json
def show_case(reach: Reach, id: str, as_json: bool) -> None:
    """Show one case: who looks after it, its conversations, drafts and consents, and how people changed it.

    \b
    Example:
      trm case show q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    output.print_answer(reach.ask("case.show", id=id), as_json=as_json, people=case_output.show_case)


@options.add_verb(case_commands, "grounds")
@click.argument("id")
@options.pass_node
@options.as_json
def show_grounds(reach: Reach, id: str, as_json: bool) -> None:
    """Show on what each message of a case rests, its consents and what was erased, without what the messages say.

    \b
    Example:
      trm case grounds q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    output.print_answer(reach.ask("case.grounds", id=id), as_json=as_json, people=_show_grounds)


def _show_grounds(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["message", "type", "with", "at", "purpose", "legal basis", "transfer basis", "consent", "erased"],
        [
            [
                *(item["id"], item["type"], item["peer"], time_text.when(item["at"]), item["purpose"]),
                ", ".join(map(str, bases)) if isinstance(bases := item["legal_basis"], list) else "",
                *(item["transfer_basis"], "danger to life" if item["vital_interest"] else item["consent"]),
                time_text.when(gone["at"]) if isinstance(gone := item["erased"], dict) else None,
            ]
            for item in list_objects(value, "messages")
        ],
        empty="no message",
    )
    for item in list_objects(value, "consents"):
        record = item["record"]
        id = record["consent_id"] if isinstance(record, dict) else "(does not open)"
        output.print_line(f"consent  {id}  {item['state']}, held by {item['holder']}")


@options.add_verb(case_commands, "open")
@click.option("--label", metavar="TEXT", help="A pseudonym or words of your own, never a name.")
@click.option("--number", metavar="NUMBER", help="The number of the case in the case system.")
@options.pass_node
@options.as_json
def open_case(reach: Reach, label: str | None, number: str | None, as_json: bool) -> None:
    """Begin the case of a person. A number that is known finds its case.

    \b
    Example:
      trm case open --label "Blue 7" --node /srv/trm/fr
    """
    output.print_answer(reach.ask("case.open", label=label, number=number), as_json=as_json, people=show_id)


@options.add_verb(case_commands, "label")
@click.argument("id")
@click.argument("label")
@options.pass_node
@options.as_json
def label_case(reach: Reach, id: str, label: str, as_json: bool) -> None:
    """Call a case something else: a pseudonym or words of your own, never a name.

    \b
    Example:
      trm case label q2x0bJr3QkK0m1c5n8sT4g "Blue 7" --node /srv/trm/fr
    """
    output.print_answer(reach.ask("case.label", id=id, label=label), as_json=as_json, people=show_id)


@options.add_verb(case_commands, "hand-over")
@click.argument("id")
@click.argument("unit")
@click.option("--worker", metavar="REFERENCE", help="Who in that unit.")
@reason
@options.pass_node
@options.as_json
def hand_over_case(reach: Reach, id: str, unit: str, worker: str | None, reason: str, as_json: bool) -> None:
    """Let another unit look after a case from now on; those before have no access any more.

    \b
    Example:
      trm case hand-over q2x0bJr3QkK0m1c5n8sT4g shelter --reason "she moved there"
    """
    value = reach.ask("case.hand_over", id=id, unit=unit, worker=worker, reason=reason)
    output.print_answer(value, as_json=as_json, people=show_id)


@options.add_verb(case_commands, "relate")
@click.argument("id")
@click.argument("other")
@click.option("--relation", type=click.Choice([*RELATIONS]), help="What the other person is; none ends the relation.")
@options.pass_node
@options.as_json
def relate_cases(reach: Reach, id: str, other: str, relation: str | None, as_json: bool) -> None:
    """Say how two persons belong together. A case of a family opens no other one, and carries no consent.

    \b
    Example:
      trm case relate q2x0bJr3QkK0m1c5n8sT4g mT5h0Jr3QkK0m1c5n8sT4g --relation child
    """
    value = reach.ask("case.relate", id=id, other=other, relation=relation)
    output.print_answer(value, as_json=as_json, people=show_id)


def show_id(value: Mapping[str, Json]) -> None:
    """Print the id of a case that was changed."""
    output.print_line(f"case {value['id']}")


# --- two people -----------------------------------------------------------------------------------------------------


@options.add_verb(case_commands, "merge")
@click.argument("id")
@click.argument("into")
@reason
@options.pass_node
@options.as_json
def merge_cases(reach: Reach, id: str, into: str, reason: str, as_json: bool) -> None:
    """Ask that two cases become one, on the person's word. A second person confirms it (trm case confirm).

    \b
    Example:
      trm case merge q2x0bJr3QkK0m1c5n8sT4g mT5h0Jr3QkK0m1c5n8sT4g --reason "she says so"
    """
    value = reach.ask("case.merge", id=id, into=into, reason=reason)
    output.print_answer(value, as_json=as_json, people=_show_asked)


@options.add_verb(case_commands, "split")
@click.argument("id")
@parts
@click.option("--label", metavar="TEXT", help="What the case that begins is called.")
@reason
@options.pass_node
@options.as_json
def split_case(reach: Reach, id: str, label: str | None, reason: str, as_json: bool, **named: Any) -> None:
    """Ask that parts of a case become the case of another person. A second person confirms it.

    \b
    Example:
      trm case split q2x0bJr3QkK0m1c5n8sT4g --conversation mT5h0Jr3QkK0m1c5n8sT4g --reason "two persons"
    """
    value = reach.ask("case.split", id=id, label=label, reason=reason, **_named(named))
    output.print_answer(value, as_json=as_json, people=_show_asked)


@options.add_verb(case_commands, "move")
@click.argument("into")
@parts
@click.option("--from", "source", metavar="CASE", help="The case that they are of; none for consents of no case.")
@reason
@options.pass_node
@options.as_json
def move_parts(reach: Reach, into: str, source: str | None, reason: str, as_json: bool, **named: Any) -> None:
    """Ask that parts of a case go to the case INTO. A second person confirms it.

    \b
    Example:
      trm case move mT5h0Jr3QkK0m1c5n8sT4g --consent q2x0bJr3QkK0m1c5n8sT4g --reason "it is hers"
    """
    value = reach.ask("case.move", source=source, into=into, reason=reason, **_named(named))
    output.print_answer(value, as_json=as_json, people=_show_asked)


def _named(given: Mapping[str, tuple[str, ...]]) -> dict[str, Json]:
    return {name: [*values] for name, values in given.items() if values}


@options.add_verb(case_commands, "confirm")
@click.argument("change")
@options.pass_node
@options.as_json
def confirm_change(reach: Reach, change: str, as_json: bool) -> None:
    """Do what another person asked for: a merge, split or move, or its end. Consents are judged again.

    \b
    Example:
      trm case confirm mT5h0Jr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    output.print_answer(reach.ask("case.confirm", id=change), as_json=as_json, people=_show_stepped)


@options.add_verb(case_commands, "undo")
@click.argument("change")
@options.pass_node
@options.as_json
def undo_change(reach: Reach, change: str, as_json: bool) -> None:
    """Ask that a change is taken back: what moved goes back. A second person confirms it.

    \b
    Example:
      trm case undo mT5h0Jr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    output.print_answer(reach.ask("case.undo", id=change), as_json=as_json, people=_show_stepped)


def _show_asked(value: Mapping[str, Json]) -> None:
    output.print_line(f"change {value['change']} waits for a second, different person")
    output.print_hint(f"trm case confirm {value['change']}")


def _show_stepped(value: Mapping[str, Json]) -> None:
    output.print_line(f"change {value['change']} is {value['state']}")
