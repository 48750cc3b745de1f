"""Signing a change with an administrator's own key file: the same steps for every verb that changes trust.

1. the node prepares the exact change                       nothing is believed of it yet
2. recompute its hash; compare the change with what the person asked for
3. print it in words, made here from the bytes that are signed
4. unlock the key file and sign; the key stays in this process
5. propose it, or approve the one that is pending
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli import output
from gateway.cli.options import Reach
from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json

if TYPE_CHECKING:
    from keys.documents.change import Change
    from keys.offline.administrator_key import Admin

Wanted = Callable[[Mapping[str, Json]], bool]
"""Whether the body of a prepared change is what the person asked for."""

_AS = click.option(
    "--as",
    "key_file",
    required=True,
    type=click.Path(path_type=Path),
    metavar="KEYFILE",
    help="Your own administrator's key file (trm admin new).",
)
_AS_IF_GIVEN = click.option(
    "--as",
    "key_file",
    type=click.Path(path_type=Path),
    metavar="KEYFILE",
    help="Your own administrator's key file, to approve it at once where somebody may release.",
)
_SECRET = click.option(
    "--admin-passphrase-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File with the passphrase of your key file; asked for if not given.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A person with a key file."""

    key_file: Path
    passphrase_file: Path | None
    _opened: list[Admin] = field(default_factory=list, repr=False, compare=False)

    def propose(
        self, reach: Reach, action: str, subject: str, *, wanted: Wanted, emergency: bool = False, **choices: Json
    ) -> dict[str, Json]:
        """Take steps 1 to 5 for a new change and return the node's answer."""
        from gateway.changes.rules import rule_of

        prepared = reach.ask("change.prepare", action=action, subject=subject, **choices)
        change = read_named(prepared.get("change"), prepared.get("hash"))
        about = rule_of(action).subject or reach.ask("peer.show", id=subject)["node"]
        if (change.action, change.subject) != (action, about) or not wanted(change.body):
            raise _another()
        approval = self._signed(change, emergency)
        return reach.ask("change.propose", change=change.to_json(), approval=approval)

    def approve(self, reach: Reach, pending: Mapping[str, Json], *, emergency: bool = False) -> dict[str, Json]:
        """Take steps 2 to 5 for a change that somebody else proposed and return the node's answer."""
        change = read_named(pending.get("change"), pending.get("id"))
        return reach.ask("change.approve", id=change.hash, approval=self._signed(change, emergency))

    def approve_person(
        self, reach: Reach, waiting: Mapping[str, Json], *, action: str, wanted: Mapping[str, Json]
    ) -> dict[str, Json]:
        """Take steps 2 to 5 for what waits about somebody who works at the node, and return the node's answer."""
        change = read_named(waiting.get("change"), waiting.get("id"))
        if change.action != action or change.body != wanted:
            raise _another()
        return self.approve_waiting(reach, waiting)

    def approve_waiting(self, reach: Reach, waiting: Mapping[str, Json]) -> dict[str, Json]:
        """Take steps 2 to 5 for what a colleague asked for about somebody, and return the node's answer."""
        change = read_named(waiting.get("change"), waiting.get("id"))
        return reach.ask("person.approve", id=change.hash, approval=self._signed(change, emergency=False))

    def unlock(self) -> None:
        """Take the first half of step 4 now, so that nothing is asked of the node that cannot be signed afterwards."""
        from keys.offline.administrator_key import load_admin

        if not self._opened:  # one passphrase for a verb that signs several changes
            self._opened.append(load_admin(self.key_file, self._passphrase()))

    def _signed(self, change: Change, emergency: bool) -> Json:
        from gateway.foundation.clock import SystemClock
        from gateway.trust.change_text import words

        click.echo("trm: you sign exactly this:", err=True)
        for line in words(change.to_json()):
            click.echo(output.strip_controls(f"trm:   {line}"), err=True)
        click.echo(f"trm:   hash: {change.hash}", err=True)
        click.echo(f"trm:   digits: {change.digits}", err=True)
        if emergency:
            click.echo("trm:   as an emergency: without the delay, if everybody who approves says so", err=True)
        self.unlock()
        return self._opened[0].approve(change, at=SystemClock().now(), emergency=emergency).document.to_json()

    def _passphrase(self) -> str:
        return read_passphrase(self.passphrase_file, f"passphrase of {self.key_file.name}")


def unlock(signer: Signer | None) -> None:
    """Open the key file of whoever signs, if anybody does, before anything is asked of the node."""
    if signer is not None:
        signer.unlock()


def _another() -> RefusedError:
    return RefusedError(
        Code.CONFLICT,
        "the node prepared a different change from the one you asked for; nothing was signed",
        hint="do not sign it; check this node: trm doctor",
    )


def read_passphrase(file: Path | None, prompt: str, *, new: bool = False) -> str:
    """Read a passphrase from a file, else ask for it without showing it, twice for a new one."""
    from gateway.foundation import config

    if file is not None:
        return config.passphrase(file)
    return str(click.prompt(prompt, hide_input=True, confirmation_prompt=new, err=True))


def read_named(value: Json, hash: Json) -> Change:
    """Step 2: parse the change from its bytes, under the hash that the node gave or a person named."""
    from keys.documents.change import Change
    from keys.primitives.encoding import canon

    try:
        change = Change.parse(canon(value))
    except RemoteError as exc:
        raise RefusedError(Code.INVALID, f"the node prepared no valid change: {exc.what}; nothing was signed") from exc
    if change.hash != hash:
        raise RefusedError(
            Code.CONFLICT,
            "the node shows another change than the one that the hash names; nothing was signed",
            hint="do not sign it; check this node: trm doctor",
        )
    return change


def pass_signer(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the verb the person who signs as the argument `signer`."""
    from functools import wraps

    @wraps(function)
    def run(*args: Any, key_file: Path, admin_passphrase_file: Path | None, **kwargs: Any) -> Any:
        return function(*args, signer=Signer(key_file=key_file, passphrase_file=admin_passphrase_file), **kwargs)

    return _AS(_SECRET(run))


def pass_signer_if_given(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the verb the person who signs as the argument `signer`, None where nobody is named."""
    from functools import wraps

    @wraps(function)
    def run(*args: Any, key_file: Path | None, admin_passphrase_file: Path | None, **kwargs: Any) -> Any:
        signer = None if key_file is None else Signer(key_file=key_file, passphrase_file=admin_passphrase_file)
        return function(*args, signer=signer, **kwargs)

    return _AS_IF_GIVEN(_SECRET(run))


emergency = click.option(
    "--emergency", is_flag=True, help="Skip the delay of 24 hours; takes effect only if everybody who approves says so."
)


def show_change(value: Mapping[str, Json]) -> None:
    """Print the outcome of a change: done, waiting for its time, or waiting for other people."""
    peer, state = value["peer"], value["state"]
    given = list_objects(value, "approvals")
    match state:
        case "pending":
            output.print_line(f"pending: {len(given)} of {value['needed']} people have approved {value['action']}")
            output.print_hint(f"a different administrator approves before {time_text.when(value['ends'])}")
        case "waiting":
            output.print_line(f"approved: {value['action']} takes effect {time_text.when(value['effective'])}")
            stop = "trm policy adopt, of less" if peer is None else "trm peer suspend"
            output.print_hint(f"until then one administrator can stop it: {stop}")
        case _:
            output.print_line(f"{state}: {value['action']}")
    if isinstance(peer, dict):
        output.print_line(f"{peer['name']} is {peer['state']}")
