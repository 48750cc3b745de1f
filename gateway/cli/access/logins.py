"""`trm login`, `trm whoami`, `trm logout`: who the person at this shell is, by a token that they get for a while."""

from __future__ import annotations

import os
import platform
import pwd
from collections.abc import Mapping
from pathlib import Path

import click

from gateway.access.rules import HOUR, LOGIN_LONGEST, LOGIN_USUAL
from gateway.cli import login_file, options, output
from gateway.cli.connection import call_node, is_running
from gateway.cli.login_file import Login
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import Code, GatewayError, RefusedError
from gateway.foundation import environment, time_text
from gateway.ports import Json

MOST_LABEL = 64


@click.command("login", cls=options.Verb, context_settings=CONTEXT)
@click.option(
    "--code",
    metavar="CODE",
    help="Use up the code of an invitation (trm person add) instead of confirming at the console; - asks for it.",
)
@click.option(
    "--hours",
    type=click.IntRange(1, LOGIN_LONGEST // HOUR),
    default=LOGIN_USUAL // HOUR,
    show_default=True,
    help="For how long.",
)
@options.pass_folder
def sign_in(reach: Reach, login: Path | None, code: str | None, hours: int) -> None:
    """Sign in at this shell, as a person who works here: confirm the code that it prints at the console.

    What only a person does (send, release, consent, withdraw, erase ...) then carries your credential. It is kept in a
    file of this user until it ends; every verb finds it there, or by --login FILE or TRM_LOGIN.

    \b
    Example:
      trm login --node /srv/trm/fr
    """
    named = environment.login_file(login)
    _check_free(reach.folder, named)
    asked: dict[str, Json] = {"label": _label(), "hours": hours}
    if code is not None:
        typed = str(click.prompt("code of the invitation", hide_input=True, err=True)) if code == "-" else code
        taken = reach.ask("login.enrol", code=typed, **asked)
    else:
        taken = _wait(reach, asked)
    made = Login(
        node=str(taken["node"]),
        folder=str(reach.folder.resolve()),
        token=str(taken["token"]),
        expires=int(str(taken["expires"])),
    )
    path = named or environment.logins_folder() / made.node
    try:
        login_file.write_login(path, made)
    except (GatewayError, OSError):
        _end(reach, made.token)
        raise
    output.print_line(f"signed in at {taken['node_name']} as {taken['name']} until {time_text.when(made.expires)}")
    output.print_hint(f"the file {path} is as good as you: trm logout ends it, whoami shows it")


def _check_free(folder: Path, named: Path | None) -> None:
    """Refuse where somebody is signed in whose token has not ended: it would be lost and stay valid."""
    if named is not None:
        found = login_file.read_login(named)
    else:
        kept = login_file.find_login(folder, None)
        found = None if kept is None else kept[1]
    if found is not None and found.expires > _now():
        raise RefusedError(
            Code.EXISTS,
            "somebody is signed in here already; nothing was changed",
            hint="trm whoami; trm logout first, or --login FILE for another person",
        )


def _wait(reach: Reach, asked: dict[str, Json]) -> dict[str, Json]:
    """Show the code, and wait until the person has confirmed it at the console. Raises GatewayError."""
    if not is_running(reach.folder):
        raise RefusedError(
            Code.NOT_ACTIVE,
            "the node does not run, so nobody can confirm a code; nobody was signed in",
            hint="trm serve starts it; without a console: trm login --code CODE",
        )
    begun = reach.ask("login.begin", **asked)
    output.print_line(f"code  {begun['code']}")
    output.print_hint(f"sign in at {begun['address']}, type this code, and compare the name of this shell:")
    output.print_hint(f"{asked['label']}")
    click.echo(f"trm: waiting until {time_text.when(begun['ends'])} ", err=True, nl=False)
    try:
        while True:
            taken = reach.ask("login.take", secret=begun["secret"])
            if taken["state"] == "done":
                return taken
            click.echo(".", err=True, nl=False)
    finally:
        click.echo(err=True)


@click.command("whoami", cls=options.Verb, context_settings=CONTEXT)
@options.pass_node
@options.as_json
def show_who(reach: Reach, as_json: bool) -> None:
    """Show who you are to the node: the owner of its folder, and the person who is signed in at this shell.

    \b
    Example:
      trm whoami --node /srv/trm/fr
    """
    output.print_answer(reach.ask("login.show"), as_json=as_json, people=_show)


def _show(value: Mapping[str, Json]) -> None:
    words = {
        "personal_token": "a personal token (trm login)",
        "token": "a token of a program",
        "socket": "the node folder, by the kernel's word; no person is signed in",
    }
    output.print_facts(
        [
            ("node", value["node_name"]),
            ("person", value["name"]),
            ("roles", value["roles"]),
            ("unit", value["unit"]),
            ("by", words.get(str(value["credential"]), value["credential"])),
            ("until", None if value["expires"] is None else time_text.when(value["expires"])),
            ("owner of the folder", value["owner"]),
        ]
    )
    if value["credential"] == "socket":
        output.print_hint("the owner operates the node; for what a person does: trm login")


@click.command("logout", cls=options.Verb, context_settings=CONTEXT)
@options.pass_folder
def sign_out(reach: Reach, login: Path | None) -> None:
    """End your token at the node, and remove its file. Without the node only the file goes, and the token ends later.

    \b
    Example:
      trm logout --node /srv/trm/fr
    """
    found = login_file.find_login(reach.folder, login)
    if found is None:
        raise RefusedError(Code.NOT_FOUND, "nobody is signed in at this shell; nothing was changed")
    path, kept = found
    try:
        _end(reach, kept.token)
        output.print_line("signed out; the token has ended")
    except RefusedError as exc:
        if exc.code is not Code.UNAUTHORISED:
            raise
        output.print_line("signed out; the token had ended before")
    path.unlink()


def _end(reach: Reach, token: str) -> None:
    """End a token at the node. Raises GatewayError."""
    call_node(reach.folder, "login.end", {}, passphrase_file=reach.passphrase_file, token=token)


def _label() -> str:
    """Name this shell for the person who confirms: the user and the machine."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = f"user {os.getuid()}"
    return output.strip_controls(f"{user} at {platform.node() or 'this machine'}")[:MOST_LABEL]


def _now() -> int:
    from gateway.foundation.clock import SystemClock

    return SystemClock().now()
