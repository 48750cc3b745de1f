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
TRAINING = "trm-training"
"""The folder of a training for which none is named."""


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
@click.option(
    "--training",
    is_flag=True,
    help="Four countries with forty cases and people to sign in as, to learn with; the nodes stay up.",
)
@click.option(
    "--region",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The countries of this region pack: a host, and up to three that receive.",
)
@click.option("--check", is_flag=True, help="With --training: which tasks of its tour are done.")
def run_demo(folder: Path | None, keep: bool, cluster: bool, training: bool, region: Path | None, check: bool) -> None:
    """Exchange referrals between four countries on this machine, each with its own node, keys, case system and invented
    cases.

    With --training people learn with it: forty cases of the past weeks, invitations to the console, ten tasks. It is in
    ./trm-training if --dir names no other folder; started again there, it goes on.

    \b
    Example:
      trm demo --keep --dir ./four-countries
      trm demo --cluster
      trm demo --region ./sahel
      trm demo --training --dir ./training
      trm demo --training --check --dir ./training
    """
    if training or check:
        _train(folder, check=check, apart=training and not keep and not cluster and region is None)
        return
    from gateway.demo.cast import OF_THE_PROGRAM, cast_region
    from gateway.demo.cluster.postgresql import require_programs
    from gateway.demo.places import plan_federation
    from gateway.demo.play import play_story

    if cluster:
        require_programs()
    cast = OF_THE_PROGRAM if region is None else cast_region(region)
    base = Path(tempfile.mkdtemp(prefix="trm-demo-")) if folder is None else folder.resolve()
    federation = plan_federation(base, workers=WORKERS if cluster else 1, cast=cast)
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


def _train(folder: Path | None, *, check: bool, apart: bool) -> None:
    """Make, continue or check a training. `apart`: it was asked for, and for no other kind of demonstration."""
    if not apart:
        raise click.UsageError(
            "--check goes with --training, which goes without --keep, --cluster and --region: its nodes stay up."
        )
    from gateway.demo.training.places import find_training
    from gateway.demo.training.tell import check_training, run_training

    base = (folder or Path(TRAINING)).resolve()
    if check:
        check_training(base)
        return
    with _terminable():
        try:
            run_training(base)
        except BaseException:
            if find_training(base) is not None:
                click.echo(f"trm: hint: what was done is kept in {base}; started again there, it goes on", err=True)
            raise


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
