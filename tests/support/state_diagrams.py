"""Prints the state machines from their tables, so that the documentation cannot disagree with the code.

``docs/state-machines.md`` is exactly what ``document`` returns; a test compares them.
"""

from __future__ import annotations

from typing import Any

from gateway.conversations.rules.crossing import CROSSINGS
from gateway.conversations.rules.machines import ENQUIRY, REFERRAL, STANDING
from gateway.foundation.state_machine import Machine
from gateway.messages.machines.acceptance import ACCEPTANCE
from gateway.messages.machines.delivery import DELIVERY
from schemas.clocks import Clock, Duration, load_clocks

MACHINES: tuple[Machine[Any, Any], ...] = (DELIVERY, ACCEPTANCE, ENQUIRY, REFERRAL, STANDING)

_HEAD = """\
# State machines

Printed by `support.state_diagrams.document` from the tables of the slices; a test compares this page with them.
Do not edit it.

A pair of state and event that is not listed is not possible: it raises `IllegalStep` and changes nothing.
A row that stays in its state says that the event is expected there and changes nothing.

The first two machines are about one message, at its sender and at its receiver. The other three are about a
conversation: both sides derive the same state from the messages of both, in one order, and never send it.
"""

_CROSSING = """\
## Crossings

Two messages cross when neither writer had read the other. Where one of them wins, the loser is delivered and shown and
has no effect. A type with a colon is that type with this answer.

| wins | over | why |
|---|---|---|
"""

_CLOCKS = """\
## Clocks

Hours run without a stop. Days and working days end with the last hour of the last day, in the legal time of the country
that owes the answer; working days are those of its calendar. Reminders are due at 50 and at 100 %. Where silence has an
effect, it is at the percentage given, and never while a year of the calendar is unknown.

| clock | what has to be done | how long | silence at | source |
|---|---|---|---|---|
"""


def render(machine: Machine[Any, Any]) -> str:
    """Mermaid ``stateDiagram-v2`` text: one arrow for each pair of states, labelled with all its events."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for row in machine.table:
        arrows.setdefault((row.source, row.target), []).append(row.event)
    lines = ["stateDiagram-v2"]
    lines += [f"    [*] --> {entry.state}" for entry in machine.entries]
    lines += [f"    {source} --> {target} : {', '.join(events)}" for (source, target), events in arrows.items()]
    lines += [f"    {state} --> [*]" for state in machine.states if state in machine.final]
    return "\n".join(lines) + "\n"


def table(machine: Machine[Any, Any]) -> str:
    """The same machine as a Markdown table, with the reason of each row."""
    lines = ["| state | event | next | why |", "|---|---|---|---|"]
    lines += [f"| (new) | | `{entry.state}` | {entry.reason} |" for entry in machine.entries]
    for row in machine.table:
        target = "(stays)" if row.target == row.source else f"`{row.target}`"
        lines.append(f"| `{row.source}` | `{row.event}` | {target} | {row.reason} |")
    return "\n".join(lines) + "\n"


def crossings() -> str:
    """The rules for messages that cross, as a Markdown table with its heading."""
    rows = [
        f"| `{rule.winner}` | {', '.join(f'`{name}`' for name in sorted(rule.losers))} | {rule.why} |"
        for rule in CROSSINGS
    ]
    return _CROSSING + "\n".join(rows) + "\n"


def clock_table() -> str:
    """The clocks, as a Markdown table with its heading."""
    return _CLOCKS + "\n".join(_clock(clock) for clock in load_clocks().values()) + "\n"


def _clock(clock: Clock) -> str:
    silence = f"{clock.silence} %" if clock.silence is not None else ""
    silence += "".join(f"; {case} as {other}" for case, other in clock.silent_as.items())
    named = "the day that the message names"
    long = ", ".join(f"{case}: {_length(duration)}" for case, duration in clock.durations.items()) or named
    return f"| `{clock.name}` | {clock.about} | {long} | {silence} | {clock.source} |"


def _length(duration: Duration) -> str:
    unit = duration.unit.replace("_", " ")
    return f"{duration.count} {unit if duration.count > 1 else unit.removesuffix('s')}"


def document() -> str:
    """The whole page ``docs/state-machines.md``."""
    parts = [_HEAD]
    for machine in MACHINES:
        final = ", ".join(f"`{state}`" for state in machine.states if state in machine.final)
        ends = f"Final states: {final}." if final else "No final state."
        title = machine.name.capitalize()
        parts.append(f"## {title}\n\n{machine.about} {ends}\n\n```mermaid\n{render(machine)}```\n")
        parts.append(table(machine))
    return "\n".join([*parts, crossings(), clock_table()])
