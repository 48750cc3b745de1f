"""`trm peer ping`: check the connection to a peer step by step, and with --full by a message that goes all the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import Code, RefusedError
from gateway.foundation.clock import SystemClock
from gateway.foundation.json import list_objects
from gateway.ports import Json

PATIENCE = 60.0
"""Seconds that a test message may take; both nodes run, so it takes less than one."""
_FIXES = {
    "sealing": "see trm peer show and trm alarm list: what stopped it at departure is the reason above",
    "sending": "ping again: it names the step that stops the connection",
    "acceptance": "the peer's node refused it: tell its administrator the reason above",
    "hand-over": "the peer's node has it but hands nothing over: ask its administrator to check its log",
    "delivered receipt": "the peer's node has it but its receipt does not arrive: have them ping this node",
}
"""By the leg that failed or did not come; a submission that fails says itself what to do."""


@click.command("ping", context_settings=CONTEXT)
@click.argument("peer")
@click.option("--full", is_flag=True, help="Then send a test message all the way; no case system sees it.")
@options.pass_node
@options.as_json
def ping_peer(reach: Reach, peer: str, full: bool, as_json: bool) -> None:
    """Check the connection to a peer step by step, with the fix for the step that fails; exit 1 if one does.

    \b
    Example:
      trm peer ping AL --node /srv/trm/fr
      trm peer ping AL --full --node /srv/trm/fr
    """
    if full:
        _check_running(reach)
    answer = reach.ask("peer.ping", id=peer)
    if not as_json:
        _show_steps(list_objects(answer, "steps"))
    if full and answer["ok"] is True:
        probe = _through(reach, peer, quiet=as_json)
        answer |= {"probe": probe, "ok": probe["ok"]}
    if as_json:
        output.print_json(answer)
    if answer["ok"] is not True:
        raise click.exceptions.Exit(1)


def _check_running(reach: Reach) -> None:
    from gateway.cli.connection import is_running

    if not is_running(reach.folder):
        raise RefusedError(
            Code.NOT_ACTIVE,
            "the node is not running, so the test message would not be sent; nothing was sent",
            hint="trm serve first, or ping without --full",
        )


def _line(name: Json, ok: bool, ms: Json, detail: Json) -> None:
    output.print_line(f"{name!s:<18} {'ok' if ok else 'RED':<4} {ms!s:>6} ms  {detail}")


def _show_steps(steps: Sequence[Mapping[str, Json]]) -> None:
    for step in steps:
        _line(step["step"], step["ok"] is True, step["ms"], step["detail"])
        if step["ok"] is not True:
            output.print_hint(f"fix: {step['fix']}")


def _through(reach: Reach, peer: str, *, quiet: bool) -> dict[str, Json]:
    """Send the test message and print each leg as it completes; times are measured here, from the first moment on."""
    clock = SystemClock()
    began = clock.monotonic()
    sent = reach.ask("peer.probe", id=peer)
    names = [str(leg) for leg in sent["legs"]] if isinstance(sent["legs"], list) else []
    found: dict[str, Json] = {"legs": [], "over": False, "ok": False, "state": None, "reason": None}
    told: list[Json] = []
    while found["over"] is not True and clock.monotonic() - began < PATIENCE:
        found = reach.ask("peer.probed", id=sent["id"], seen=len(told))
        ms = round((clock.monotonic() - began) * 1_000)
        for leg in list_objects(found, "legs")[len(told) :]:
            told.append(leg | {"ok": True, "ms": ms})
            if not quiet:
                _line(leg["leg"], True, ms, leg["detail"])
    value: dict[str, Json] = {"id": sent["id"], "ok": found["ok"], "state": found["state"], "legs": told}
    if found["ok"] is not True:
        ms = round((clock.monotonic() - began) * 1_000)
        value["failed"] = _failed(found, names[len(told)], ms, quiet=quiet)
    return value


def _failed(found: Mapping[str, Json], leg: str, ms: int, *, quiet: bool) -> dict[str, Json]:
    reason = f"not within {PATIENCE:.0f} s" if found["over"] is not True else str(found["reason"] or found["state"])
    detail, fix = f"{found['state']}: {reason}", _FIXES[leg]
    if not quiet:
        _line(leg, False, ms, detail)
        output.print_hint(f"fix: {fix}")
    return {"leg": leg, "ok": False, "ms": ms, "detail": detail, "fix": fix}
