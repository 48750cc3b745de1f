"""`trm bench`: the gateway's side of the published benchmark, which needs nothing but an installed node."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from gateway.cli.options import CONTEXT


@click.command(context_settings=CONTEXT)
@click.option("--quick", is_flag=True, help="Short loads and a small backlog, about two minutes.")
@click.option(
    "--backlog", type=click.IntRange(0, 1_000_000), metavar="N", help="Messages that wait for an absent peer."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of the table.")
def bench(quick: bool, backlog: int | None, as_json: bool) -> None:
    """How fast two nodes exchange receipted referrals on this machine; everything is temporary.

    \b
    Example:
      trm bench --quick
    """
    from gateway.cli.bench.measure import idle_memory, measure
    from gateway.cli.bench.pair import Pair
    from gateway.cli.bench.plans import plan
    from gateway.cli.bench.table import figures, targets, verdicts

    def say(what: str) -> None:
        click.echo(f"bench: {what} ...", err=True)

    say("two nodes")
    with Pair() as pair:
        found = measure(pair, plan(quick=quick, backlog=backlog), idle_memory(pair), say)
    if as_json:
        click.echo(json.dumps(asdict(found) | {"targets": [asdict(target) for target in targets(found)]}))
        return
    for line in (*figures(found), "targets:", *verdicts(list(targets(found)))):
        click.echo(line)
