"""`trm consent`: a person's consent, recorded by a worker, and withdrawn at any time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json


@click.group("consent", context_settings=CONTEXT)
def consent_commands() -> None:
    """Record, show and withdraw the consent of a person."""


@options.add_verb(consent_commands, "record")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--case", metavar="CASE", help="Whose consent it is (trm case list).")
@click.option("--number", metavar="NUMBER", help="Or the number of the case in the case system, which opens one.")
@options.pass_node
@options.as_json
def record_consent(reach: Reach, file: Path, case: str | None, number: str | None, as_json: bool) -> None:
    """Record the consent in FILE ('-' for standard input), the content of a consent.record. Nothing is sent.

    A consent is of one case: it carries nothing of another one.

    Units that may receive are written PEER/unit. `trm schema show consent.record/1` lists the fields. Without a
    consent_id one is made.

    \b
    Example:
      trm consent record consent.json --number 2026/117 --node /srv/trm/fr
    """
    answer = reach.ask("consent.record", content=output.read_object(file), case=case, number=number)
    output.print_answer(answer, as_json=as_json, people=_show_recorded)


def _show_recorded(value: Mapping[str, Json]) -> None:
    output.print_facts([("consent", value["id"]), ("state", value["state"])])
    output.print_hint("a message names it in header.consent_ref; a draft in trm draft release --consent")


@options.add_verb(consent_commands, "list")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@options.pass_node
@options.as_json
def list_consents(reach: Reach, limit: int, as_json: bool) -> None:
    """List the consents held here, newest first, without their content.

    \b
    Example:
      trm consent list --node /srv/trm/fr
    """
    output.print_answer(reach.ask("consent.list", limit=limit), as_json=as_json, people=_show_list)


def _show_list(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["consent", "case", "holder", "state", "since"],
        [
            [item["id"], output.case_name(item), item["holder"], item["state"], time_text.when(item["at"])]
            for item in list_objects(value, "consents")
        ],
        empty="no consent",
    )


@options.add_verb(consent_commands, "show")
@click.argument("id")
@options.pass_node
@options.as_json
def show_consent(reach: Reach, id: str, as_json: bool) -> None:
    """Show one consent: whose it is, who relies on it, who a withdrawal would be told to, and every withdrawal.

    \b
    Example:
      trm consent show q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    output.print_answer(reach.ask("consent.show", id=id), as_json=as_json, people=_show_consent)


def _show_consent(value: Mapping[str, Json]) -> None:
    output.print_facts(
        [
            ("consent", value["id"]),
            ("case", output.case_name(value)),
            ("holder", value["holder"]),
            ("state", value["state"]),
            ("a withdrawal tells", value["tells"]),
        ]
    )
    _show_reliance(value)
    output.print_json(value["record"])
    for item in list_objects(value, "withdrawals"):
        output.print_line(f"withdrawn  {time_text.when(item.get('withdrawn_on'))}")
        output.print_json(item)


def _show_reliance(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["relies on it", "case", "with", "stands", "would stop"],
        [
            [
                item["conversation"] or "(does not open)",
                output.case_name(item),
                f"{item['peer']} ({item['country']})",
                item["state"],
                item["stops"],
            ]
            for item in list_objects(value, "relied_on")
        ],
        empty="no conversation relies on it",
    )


@options.add_verb(consent_commands, "withdraw")
@click.argument("id")
@click.option("--grant", "grants", type=click.IntRange(0), multiple=True, help="Only this grant, by its number from 0.")
@click.option("--erase", is_flag=True, help="The person also wants the data erased.")
@options.pass_node
@options.as_json
def withdraw_consent(reach: Reach, id: str, grants: tuple[int, ...], erase: bool, as_json: bool) -> None:
    """Withdraw a consent, whole or in part: effective here at once, and sent in every conversation that relies on it.

    `trm consent show` prints before whose it is, which conversations rely on it, what stops and who is told.

    \b
    Example:
      trm consent withdraw q2x0bJr3QkK0m1c5n8sT4g --erase --node /srv/trm/fr
    """
    answer = reach.ask(
        "consent.withdraw", id=id, erase_wanted=True if erase else None, grants=[*grants] if grants else None
    )
    output.print_answer(answer, as_json=as_json, people=_show_withdrawn)


def _show_withdrawn(value: Mapping[str, Json]) -> None:
    output.print_line(f"{value['id']} is {value['state']}")
    output.print_table(
        ["told", "message"],
        [[item["peer"], item["message"]] for item in list_objects(value, "told")],
        empty="no peer had been told of it",
    )


@options.add_verb(consent_commands, "unconfirmed")
@options.pass_node
@options.as_json
def list_unconfirmed(reach: Reach, as_json: bool) -> None:
    """List the cases whose consents nobody has confirmed since this node was restored without its ledger.

    \b
    Example:
      trm consent unconfirmed --node /srv/trm/fr
    """
    output.print_answer(reach.ask("consent.unconfirmed"), as_json=as_json, people=_show_unconfirmed)


def _show_unconfirmed(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["case", "called", "consents"],
        [
            [case["id"], case["name"], item["consents"]]
            for item in list_objects(value, "cases")
            if isinstance(case := item["of_case"], dict)
        ],
        empty="every consent is confirmed",
    )


@options.add_verb(consent_commands, "confirm")
@click.argument("case")
@options.pass_node
@options.as_json
def confirm_consents(reach: Reach, case: str, as_json: bool) -> None:
    """Confirm that no consent of CASE was withdrawn since the backup that this node was restored from.

    Ask the person, or look into the file of the case. A consent that was withdrawn is withdrawn again instead, with
    trm consent withdraw. Until then nothing goes on a consent of this case.

    \b
    Example:
      trm consent confirm q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    output.print_answer(reach.ask("consent.confirm", case=case), as_json=as_json, people=_show_confirmed)


def _show_confirmed(value: Mapping[str, Json]) -> None:
    output.print_line(f"{value['confirmed']} consent(s) of {value['case']} may be relied on again")
