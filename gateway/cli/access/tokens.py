"""`trm token`: the programs that may use the local API, for what, and until when."""

from __future__ import annotations

from collections.abc import Mapping

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.operations.roles import Role
from gateway.ports import Json


@click.group("token", context_settings=CONTEXT)
def token_commands() -> None:
    """Manage tokens of the local API: of programs, each with one role, and of people (trm login)."""


@options.add_verb(token_commands, "new")
@click.option(
    "--role", required=True, type=click.Choice([str(role) for role in Role]), help="What it may do; see docs/roles.md."
)
@click.option("--unit", metavar="ID", help="Bind it to one unit of this node: it sees only messages of that unit.")
@click.option("--days", type=click.IntRange(1, 400), default=365, show_default=True, help="How long it is valid.")
@click.option("--label", required=True, metavar="TEXT", help="What it is for, to recognise it in the list.")
@options.pass_node
@options.as_json
def create_token(reach: Reach, role: str, unit: str | None, days: int, label: str, as_json: bool) -> None:
    """Create a token. It is printed once; the node keeps only its SHA-256.

    \b
    Example:
      trm token new --role operator --label "night shift" --days 90 --node /srv/trm/fr
    """
    answer = reach.ask("token.new", role=role, unit=unit, days=days, label=label)
    output.print_answer(answer, as_json=as_json, people=_show_new)


def _show_new(value: Mapping[str, Json]) -> None:
    output.print_line(str(value["token"]))
    output.print_hint("it is not shown again: put it where the program reads its secrets, and nowhere else")
    output.print_hint(f"it ends {time_text.when(value['expires'])}; trm token revoke {value['id']} ends it at once")


@options.add_verb(token_commands, "list")
@options.pass_node
@options.as_json
def list_tokens(reach: Reach, as_json: bool) -> None:
    """List every token, of programs by role and of people by name, with its unit and its expiry date.

    \b
    Example:
      trm token list --node /srv/trm/fr
    """
    output.print_answer(reach.ask("token.list"), as_json=as_json, people=_show_list)


def _show_list(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["id", "of", "unit", "state", "ends", "label"],
        [
            [
                item["id"],
                item["role"] or item["name"],
                item["unit"],
                item["state"],
                time_text.when(item["expires"]),
                item["label"],
            ]
            for item in list_objects(value, "tokens")
        ],
        empty="no token; the socket needs none",
    )


@options.add_verb(token_commands, "revoke")
@click.argument("id")
@options.pass_node
@options.as_json
def revoke_token(reach: Reach, id: str, as_json: bool) -> None:
    """Revoke a token at once. The program that uses it gets status 401 from now on.

    \b
    Example:
      trm token revoke 9f86d081884c7d65 --node /srv/trm/fr
    """
    answer = reach.ask("token.revoke", id=id)
    output.print_answer(
        answer, as_json=as_json, people=lambda value: output.print_line(f"{value['id']} is {value['state']}")
    )
