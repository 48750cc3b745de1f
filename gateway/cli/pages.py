"""The page `docs/cli.md`: every help text as the program prints it. `./dev docs` writes it, and a test compares the
two.
"""

from __future__ import annotations

from collections.abc import Iterator

import click

from gateway.cli.root import WIDTH, trm

_HEAD = """\
# The command line

Printed from the program; do not edit. Results go to standard output, `trm: error:` and `trm: hint:` to standard error.
Exit 0: done. Exit 1: refused or failed, nothing was changed unless the text says so. Exit 2: wrong usage.
Nothing is ever overwritten, and key files are private. Every reading command takes `--json`.
"""


def render_page() -> str:
    """Render the whole page: one section for each verb, in the order of `trm --help`."""
    sections = [f"## {path}\n\n```\n{text}\n```\n" for path, text in list_help_texts()]
    return "\n".join([_HEAD, *sections])


def list_help_texts() -> Iterator[tuple[str, str]]:
    """Yield (command path, help text) of every group and verb."""
    yield from _texts(trm, None, "trm")


def list_verbs() -> Iterator[tuple[str, click.Command]]:
    """Yield (command path, command) of every verb that is no group."""
    yield from _leaves(trm, "trm")


def _leaves(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name, child in _children(command, click.Context(command)):
        yield from _leaves(child, f"{path} {name}")


def _texts(command: click.Command, parent: click.Context | None, name: str) -> Iterator[tuple[str, str]]:
    settings = {**command.context_settings, "terminal_width": WIDTH - 2}
    context = click.Context(command, parent=parent, info_name=name, **settings)
    yield context.command_path, command.get_help(context).rstrip()
    if isinstance(command, click.Group):
        for child_name, child in _children(command, context):
            yield from _texts(child, context, child_name)


def _children(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context):
        child = group.get_command(context, name)
        if child is None:
            raise RuntimeError(f"the group lists {name} and does not have it")
        yield name, child
