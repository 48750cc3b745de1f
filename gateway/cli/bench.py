"""`trm bench`: says where the benchmark is; it compares with other systems and is not part of an installed node."""

from __future__ import annotations

import click

from gateway.cli.options import CONTEXT
from gateway.errors import Code, RefusedError


@click.command(context_settings=CONTEXT)
def bench() -> None:
    """The published benchmark, which runs from the repository.

    \b
    Example:
      ./dev bench
    """
    raise RefusedError(
        Code.NOT_FOUND, "the benchmark is not part of an installed node; nothing was measured",
        hint="in the repository: ./dev bench",
    )  # fmt: skip
