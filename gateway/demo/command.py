"""`trm demo`: four countries on this machine, from pairing to proof; exit 0 only if every step was observed."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from gateway.cli.options import CONTEXT

WORKERS = 3
"""France's, with `--cluster`."""


@click.command("demo", context_settings=CONTEXT)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A new folder for everything; a temporary one by default.",
)
@click.option("--keep", is_flag=True, help="Leave the nodes running, to look around.")
@click.option(
    "--cluster",
    is_flag=True,
    help="France as three workers on a PostgreSQL, of which it loses a worker and the server for a while.",
)
def run_demo(folder: Path | None, keep: bool, cluster: bool) -> None:
    """Exchange referrals between four countries on this machine, each with its own node, keys, case system and invented
    cases.

    \b
    Example:
      trm demo --keep --dir ./four-countries
      trm demo --cluster
    """
    from gateway.demo.cluster.postgresql import require_programs
    from gateway.demo.places import plan_federation
    from gateway.demo.play import play_story

    if cluster:
        require_programs()
    base = Path(tempfile.mkdtemp(prefix="trm-demo-")) if folder is None else folder.resolve()
    federation = plan_federation(base, workers=WORKERS if cluster else 1)
    leave = False
    with _terminable():
        try:
            play_story(federation, keep=keep, stream=sys.stdout)
            leave = keep
        except Exception:
            leave = True
            click.echo(f"trm: hint: everything was left as it is in {federation.base}, see logs there", err=True)
            raise
        finally:
            if not leave:
                shutil.rmtree(federation.base)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let a termination end like an interrupt: through every `finally`, so that no node is left running.

    An interrupt is caught here too, because a shell that starts the demonstration in the background has it ignored.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
