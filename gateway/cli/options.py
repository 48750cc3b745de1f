"""Options that many verbs share, and the handle by which a verb reaches its node."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import click

from gateway.errors import RefusedError
from gateway.ports import Json

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


_DASHED_ID = re.compile(r"-[A-Za-z0-9_-]{20}[AQgw](/.*)?", re.DOTALL)
"""An id of 16 bytes whose base64url form begins with a dash, as one of 64 does, and the pointer that may follow it."""


_NAMED_A_PERSON = ("--by", "--second-by")
"""Options of 0.1.0, by which anybody could be anybody."""


class Verb(click.Command):
    """A command that takes an id as an id even if it begins with a dash and looks like an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, and say of the options of before that named a person what takes their place."""
        try:
            return self._parse(ctx, args)
        except click.NoSuchOption as error:
            if error.option_name not in _NAMED_A_PERSON:
                raise
            what = f"{error.option_name} is gone, since a typed name proves nothing: who acts is who is signed in"
            raise click.UsageError(f"{what} (trm login)", ctx) from error

    def _parse(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Move what is no option behind `--`, in its order, unless one is given or no id begins with a dash.

        After an option that also stands alone it gets a space before it, or it would pass for the next option; such
        an option strips its value.
        """
        if "--" in args or not any(_DASHED_ID.fullmatch(arg) for arg in args):
            return super().parse_args(ctx, args)
        valued = {name: p for p in self.params if isinstance(p, click.Option) and not p.is_flag for name in p.opts}
        named: list[str] = []
        placed: list[str] = []
        for before, arg in zip(["", *args], args, strict=False):
            is_id = _DASHED_ID.fullmatch(arg) is not None
            if before in valued:
                named.append(f" {arg}" if is_id and isinstance(valued[before].flag_value, str) else arg)
            else:
                (placed if is_id or not arg.startswith("-") else named).append(arg)
        return super().parse_args(ctx, [*named, "--", *placed])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The node that a verb is about."""

    folder: Path
    passphrase_file: Path | None
    token: str | None = field(default=None, repr=False)
    """The personal token of who is signed in at this shell."""

    def ask(self, operation: str, /, **arguments: Json) -> dict[str, Json]:
        """Do one operation; arguments that are None are left out. Raises GatewayError."""
        value = self.do(operation, {name: value for name, value in arguments.items() if value is not None})
        if not isinstance(value, dict):
            raise RuntimeError(f"the answer of {operation} is no object")
        return value

    def do(self, operation: str, arguments: Mapping[str, Json], *, key: str | None = None) -> Json:
        """Do one operation with its arguments as they are. Raises GatewayError."""
        from gateway.cli.connection import call_node

        return call_node(
            self.folder, operation, arguments, passphrase_file=self.passphrase_file, key=key, token=self.token
        )


def find_folder(node: Path | None) -> Path:
    """Return the node folder from --node or TRM_NODE; it is wrong usage if neither names one."""
    from gateway.foundation.environment import node_folder

    try:
        return node_folder(None if node is None else str(node))
    except RefusedError as exc:
        raise click.UsageError(f"{exc.what}; {exc.hint}") from exc


_NODE = click.option("--node", type=click.Path(path_type=Path), metavar="DIR", help="Node folder; else TRM_NODE.")
_PASSPHRASE = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File with the node's passphrase; needed only while the node does not run.",
)


_LOGIN = click.option(
    "--login",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File of trm login, if several people use this account; else TRM_LOGIN.",
)


def pass_node(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the verb its node, and who is signed in at this shell, as the argument `reach`."""

    @wraps(function)
    def run(*args: Any, node: Path | None, passphrase_file: Path | None, login: Path | None, **kwargs: Any) -> Any:
        from gateway.cli.login_file import find_token

        folder = find_folder(node)
        reach = Reach(folder=folder, passphrase_file=passphrase_file, token=find_token(folder, login))
        return function(*args, reach=reach, **kwargs)

    return _NODE(_PASSPHRASE(_LOGIN(run)))


def pass_folder(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the verb its node as the argument `reach`, without who is signed in, and the named file as `login`."""

    @wraps(function)
    def run(*args: Any, node: Path | None, passphrase_file: Path | None, **kwargs: Any) -> Any:
        return function(*args, reach=Reach(folder=find_folder(node), passphrase_file=passphrase_file), **kwargs)

    return _NODE(_PASSPHRASE(_LOGIN(run)))


as_json = click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")

language = click.option(
    "--language", "lang", metavar="XX", help="Print labels in this language, such as fr; missing ones are marked."
)


def add_verb(group: click.Group, name: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Add a command to a group, with -h beside --help."""
    return group.command(name, cls=Verb, context_settings=CONTEXT, no_args_is_help=False)
