"""Prints the state machines from their tables, so that the documentation cannot disagree with the code.

``docs/state-machines.md`` is exactly what ``document`` returns; a test compares them.
"""

from __future__ import annotations

from typing import Any

from gateway.core.acceptance import ACCEPTANCE
from gateway.core.delivery import DELIVERY
from gateway.core.machine import Machine

MACHINES: tuple[Machine[Any, Any], ...] = (DELIVERY, ACCEPTANCE)

_HEAD = """\
# State machines

Printed by `gateway.core.diagrams.document` from the tables in `gateway/core/`; a test compares this page with them.
Do not edit it.

A pair of state and event that is not listed is not possible: it raises `IllegalStep` and changes nothing.
A row that stays in its state says that the event is expected there and changes nothing.
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


def document() -> str:
    """The whole page ``docs/state-machines.md``."""
    parts = [_HEAD]
    for machine in MACHINES:
        final = ", ".join(f"`{state}`" for state in machine.states if state in machine.final)
        title = machine.name.capitalize()
        parts.append(f"## {title}\n\n{machine.about} Final states: {final}.\n\n```mermaid\n{render(machine)}```\n")
        parts.append(table(machine))
    return "\n".join(parts)
