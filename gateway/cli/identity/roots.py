"""`trm keys root`: commands for a root holder's machine, without network and without node (docs/key-ceremony.md).

FILE is the holder's key under a passphrase of their own and never leaves that machine or its medium; FILE.public goes
to the node once; then REQUEST files come and SIG files go.
"""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli import options, output
from gateway.cli.identity import requests
from gateway.cli.identity.requests import FILE
from gateway.cli.options import CONTEXT
from gateway.errors import Code, RefusedError
from gateway.ports import Json

_PASSPHRASE = click.option(
    "--passphrase-file", type=FILE, metavar="FILE", help="Passphrase of the root file; asked for if not given."
)


@click.group("root", context_settings=CONTEXT)
def root_commands() -> None:
    """Create a holder's root key, read what is to be signed, and sign it. Needs no node and no network."""


@options.add_verb(root_commands, "new")
@click.argument("file", type=FILE, metavar="FILE")
@_PASSPHRASE
def create_root_key(file: Path, passphrase_file: Path | None) -> None:
    """Create a root key in FILE and its public half in FILE.public; the node gets FILE.public and nothing else.

    \b
    Example:
      trm keys root new /media/ana/fr-root.key
    """
    from gateway.foundation.clock import SystemClock
    from keys.offline.roots import create_root

    public = file.with_name(file.name + ".public")
    if public.exists():
        raise RefusedError(Code.EXISTS, f"{public} exists already; nothing was made", hint="name another file")
    secret = _passphrase(passphrase_file, confirm=True)
    made = create_root(file, secret, now=SystemClock().now())
    output.write_new(public, made.public().encode())
    output.print_facts([("root", made.record.kid), ("key file", str(file)), ("public", str(public))])
    output.print_hint(
        f"carry {public.name} to the node; keep {file.name} and its passphrase apart, and tell nobody either"
    )


@options.add_verb(root_commands, "show")
@click.argument("request", type=FILE, metavar="REQUEST")
@options.as_json
def show_root_request(request: Path, as_json: bool) -> None:
    """Print in words what a request asks to sign, and what changes; nothing is signed.

    \b
    Example:
      trm keys root show /media/stick/fr-2.request
    """
    asked = requests.read_request(requests.read_file(request))
    lines: list[Json] = [{"what": what, "says": says} for what, says in requests.describe_request(asked)]
    output.print_answer({"lines": lines}, as_json=as_json, people=lambda value: requests.show_request(asked))


@options.add_verb(root_commands, "sign")
@click.argument("request", type=FILE, metavar="REQUEST")
@click.option("--root", "file", required=True, type=FILE, metavar="FILE", help="The holder's root key file.")
@click.option("--out", required=True, type=FILE, metavar="SIG", help="File for the signature; never overwrites.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation: the request has been read.")
@_PASSPHRASE
def sign_root_request(request: Path, file: Path, out: Path, yes: bool, passphrase_file: Path | None) -> None:
    """Print in words what is signed and what changes from the version before, ask for confirmation, and sign it.

    \b
    Example:
      trm keys root sign /media/stick/fr-2.request --root /media/ana/fr-root.key --out /media/stick/fr-2.ana.sig
    """
    from keys.offline.roots import load_root

    asked = requests.read_request(requests.read_file(request))
    if out.exists():
        raise RefusedError(Code.EXISTS, f"{out} exists already; nothing was signed", hint="name another file")
    requests.show_request(asked)
    if not yes:
        click.confirm("is this what was agreed, word for word? sign it?", abort=True, err=True)
    holder = load_root(file, _passphrase(passphrase_file, confirm=False))
    output.write_new(out, asked.sign(holder.key).encode())
    output.print_facts([("signed by root", holder.record.kid), ("signature", str(out))])
    output.print_hint(f"carry {out.name} back to the node; there: trm keys publish, or trm keys tombstone seal")


def _passphrase(file: Path | None, *, confirm: bool) -> str:
    from gateway.foundation import config

    if file is not None:
        return config.passphrase(file)
    asked: str = click.prompt("passphrase of the root file", hide_input=True, confirmation_prompt=confirm, err=True)
    return asked
