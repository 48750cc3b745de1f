"""`trm person`: the people who work at this node's console, and their roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from gateway.access.rules import PERSONAL
from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.cli.trust import signing
from gateway.cli.trust.signing import Signer
from gateway.errors import Code, RefusedError
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json

_ROLES = [str(role) for role in PERSONAL]
_UNIT = click.option("--unit", metavar="ID", help="Bind them to one unit of this node: they see only its messages.")


@click.group("person", context_settings=CONTEXT)
def person_commands() -> None:
    """Manage the people who work here, each with a passkey or personal token of their own, and their roles."""


@options.add_verb(person_commands, "add")
@click.argument("name")
@click.option(
    "--role",
    "roles",
    required=True,
    multiple=True,
    type=click.Choice(_ROLES),
    help="What they may do; repeat it for each role.",
)
@_UNIT
@click.option("--language", metavar="XX", help="The language they read, such as fr.")
@signing.pass_signer_if_given
@options.pass_node
@options.as_json
def invite_newcomer(
    reach: Reach,
    signer: Signer | None,
    name: str,
    roles: tuple[str, ...],
    unit: str | None,
    language: str | None,
    as_json: bool,
) -> None:
    """Invite somebody new. The code is printed once; with it they make their passkey at the console, or sign in at a
    shell. Who may release or be shown content needs the approval of one administrator: --as, or later trm person
    approve.

    \b
    Example:
      trm person add "Eva M." --role case_worker --as /media/ana/admin.key --node /srv/trm/fr
    """
    signing.unlock(signer)
    answer = reach.ask("person.add", name=name, roles=[*roles], unit=unit, language=language)
    answer = _approved(reach, signer, answer, "person.enrol", name=name, roles=roles, unit=unit)
    output.print_answer(answer, as_json=as_json, people=_show_code)


def _approved(
    reach: Reach,
    signer: Signer | None,
    answer: dict[str, Json],
    action: str,
    *,
    name: Json,
    roles: Iterable[Json],
    unit: Json,
) -> dict[str, Json]:
    """Sign what waits for an administrator, if it is what was asked for and one is named; the node's last answer."""
    waits = answer["waits"]
    if signer is None or not isinstance(waits, dict):
        return answer
    wanted: dict[str, Json] = {"name": name, "roles": [*sorted(roles, key=str)], "unit": unit}
    return signer.approve_person(reach, waits, action=action, wanted=wanted)


def _show_code(value: Mapping[str, Json]) -> None:
    if value.get("code") is None:
        _show_person(value)
        return
    output.print_line(str(value["code"]))
    if value["address"] is not None:
        output.print_line(str(value["address"]))
    else:
        output.print_hint(
            "the console has no address until local.listen is set (docs/console.md); at a shell: trm login --code -"
        )
    output.print_hint(
        f"for {value['name']} alone, until {time_text.when(value['invited_until'])}; it is not shown again"
    )
    output.print_hint(
        "give it to them in person or on a telephone that you know: whoever uses it first makes the passkey"
    )


@options.add_verb(person_commands, "list")
@options.pass_node
@options.as_json
def list_people(reach: Reach, as_json: bool) -> None:
    """List everybody who works or has worked at the console.

    \b
    Example:
      trm person list --node /srv/trm/fr
    """
    output.print_answer(reach.ask("person.list"), as_json=as_json, people=_show_list)


def _show_list(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["id", "name", "roles", "unit", "state", "vouched by", "passkeys", "sessions", "tokens"],
        [
            [
                item["id"],
                item["name"],
                ", ".join(_words(item, "roles")),
                item["unit"],
                item["state"],
                item["vouched"],
                str(len(list_objects(item, "passkeys"))),
                str(item["sessions"]),
                str(item["tokens"]),
            ]
            for item in list_objects(value, "people")
        ],
        empty="nobody yet; trm person add invites the first",
    )


@options.add_verb(person_commands, "change")
@click.argument("name")
@click.option(
    "--role", "roles", multiple=True, type=click.Choice(_ROLES), help="Every role from now on; repeat it for each."
)
@_UNIT
@click.option("--no-unit", is_flag=True, help="Unbind them from their unit.")
@signing.pass_signer_if_given
@options.pass_node
@options.as_json
def change_person(
    reach: Reach,
    signer: Signer | None,
    name: str,
    roles: tuple[str, ...],
    unit: str | None,
    no_unit: bool,
    as_json: bool,
) -> None:
    """Give somebody, by name or id, other roles or another unit. Their sessions and tokens end at once. What lets them
    release more needs the approval of one administrator: --as, or later trm person approve. Who released nothing before
    then gets a new code, which is printed once, and their passkeys end.

    \b
    Example:
      trm person change "Eva M." --role case_worker --role focal_point --as /media/ana/admin.key --node /srv/trm/fr
    """
    if unit is not None and no_unit:
        raise click.UsageError("--unit and --no-unit exclude each other")
    signing.unlock(signer)
    found = _find(reach, name)
    wanted: dict[str, Json] = {"id": found["id"]}
    wanted |= {"roles": [*roles]} if roles else {}
    wanted |= {"unit": unit} if unit is not None or no_unit else {}
    answer = _object(reach.do("person.change", wanted))
    then = {**_rights(found), **({"roles": roles} if roles else {}), **({"unit": unit} if "unit" in wanted else {})}
    answer = _approved(reach, signer, answer, "person.change", **then)
    output.print_answer(answer, as_json=as_json, people=_show_code)


@options.add_verb(person_commands, "invite")
@click.argument("name")
@click.option("--instead", is_flag=True, help="End their passkeys and sessions at once: a device was lost or stolen.")
@signing.pass_signer_if_given
@options.pass_node
@options.as_json
def invite_again(reach: Reach, signer: Signer | None, name: str, instead: bool, as_json: bool) -> None:
    """Let somebody, by name or id, make one more passkey. Their other passkeys stay valid unless you say --instead. For
    who may release the code needs the approval of one administrator: --as, or later trm person approve.

    \b
    Example:
      trm person invite "Eva M." --instead --as /media/ana/admin.key --node /srv/trm/fr
    """
    signing.unlock(signer)
    found = _find(reach, name)
    answer = reach.ask("person.invite", id=found["id"], instead=instead)
    answer = _approved(reach, signer, answer, "person.invite", **_rights(found))
    output.print_answer(answer, as_json=as_json, people=_show_code)


@options.add_verb(person_commands, "vouch")
@click.argument("name")
@signing.pass_signer
@options.pass_node
@options.as_json
def vouch_for_person(reach: Reach, signer: Signer, name: str, as_json: bool) -> None:
    """Vouch for somebody who may release, by name or id, whom you have met. Two people release together only if two
    administrators vouch for them.

    \b
    Example:
      trm person vouch "Eva M." --as /media/ben/admin.key --node /srv/trm/fr
    """
    signer.unlock()
    found = _find(reach, name)
    answer = reach.ask("person.vouch", id=found["id"])
    answer = _approved(reach, signer, answer, "person.vouch", **_rights(found))
    output.print_answer(answer, as_json=as_json, people=_show_person)


@options.add_verb(person_commands, "approve")
@click.argument("name")
@signing.pass_signer
@options.pass_node
@options.as_json
def approve_person(reach: Reach, signer: Signer, name: str, as_json: bool) -> None:
    """Approve what a colleague asked for about somebody, by name or id. A code that comes with it is printed once.

    \b
    Example:
      trm person approve "Eva M." --as /media/ana/admin.key --node /srv/trm/fr
    """
    waits = _find(reach, name)["waits"]
    if not isinstance(waits, dict):
        raise RefusedError(
            Code.NOT_FOUND, "nothing waits about this person; nothing was signed", hint="trm person list"
        )
    answer = signer.approve_waiting(reach, waits)
    output.print_answer(answer, as_json=as_json, people=_show_code)


@options.add_verb(person_commands, "sign-out")
@click.argument("name")
@options.pass_node
@options.as_json
def sign_out_person(reach: Reach, name: str, as_json: bool) -> None:
    """End every session and personal token of somebody, by name or id. Their passkeys stay valid.

    \b
    Example:
      trm person sign-out "Eva M." --node /srv/trm/fr
    """
    answer = reach.ask("person.sign_out", id=_find(reach, name)["id"])
    output.print_answer(answer, as_json=as_json, people=_show_person)


@options.add_verb(person_commands, "end")
@click.argument("name")
@options.pass_node
@options.as_json
def end_access(reach: Reach, name: str, as_json: bool) -> None:
    """End somebody's access, by name or id, at once and for good: sessions, tokens, passkeys, invitation.

    \b
    Example:
      trm person end "Eva M." --node /srv/trm/fr
    """
    answer = reach.ask("person.end", id=_find(reach, name)["id"])
    output.print_answer(answer, as_json=as_json, people=_show_person)


def _show_person(value: Mapping[str, Json]) -> None:
    output.print_line(f"{value['name']} is {value['state']}: {', '.join(_words(value, 'roles'))}")
    waits = value["waits"]
    if isinstance(waits, dict):
        output.print_line(f"waits for an administrator: {waits['action']}, until {time_text.when(waits['ends'])}")
        output.print_hint(f'an administrator approves it: trm person approve "{value["name"]}" --as KEYFILE')


def _rights(person: Mapping[str, Json]) -> dict[str, Any]:
    """Name, roles and unit, as what is signed says them."""
    return {"name": person["name"], "roles": _words(person, "roles"), "unit": person["unit"]}


def _find(reach: Reach, name: str) -> Mapping[str, Json]:
    """Return the one person who works here under this name or id."""
    listed = [item for item in list_objects(reach.ask("person.list"), "people") if item["state"] != "ended"]
    found = [item for item in listed if name in (item["name"], item["id"])]
    if len(found) != 1:
        raise RefusedError(Code.NOT_FOUND, "nobody who works here has this name or id", hint="trm person list")
    return found[0]


def _words(value: Mapping[str, Any], name: str) -> list[str]:
    return [str(word) for word in value[name]]


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise RuntimeError("a person is shown as an object")
    return value
