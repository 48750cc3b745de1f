"""`trm adapter check NAME`: every case of the kit on a kind of adapter, with what the node does with its records."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.kit.cases import CASES, Case, Outcome, Trial, run
from adapters.kit.contract import Bench
from adapters.kit.kind import find
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.config import AdapterSection
from gateway.mapping import case_system
from gateway.mapping.case_system import CaseSystem
from gateway.mapping.labels import language_names
from gateway.mapping.to_message import check, map_record, vocabulary
from gateway.ports import Json, LocalRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The node's side of an adapter (`adapters.kit.trial.NodeSide`)."""

    cases: CaseSystem

    def mapping_faults(self) -> Sequence[Finding]:
        """Check each mapping file as `trm mapping check` does; the place begins with the file's name."""
        return [
            Finding(place=f"{name} {finding.place}", rule=finding.rule, hint=finding.hint)
            for name, mapping in self.cases.mappings.items()
            for finding in check(mapping, vocabulary(mapping.body_type, language_names()))
        ]

    def draft(self, record: LocalRecord) -> Mapping[str, Json] | Sequence[Finding]:
        """Make a draft of a record as the collector does, before its schema is judged; or return the faults."""
        if record.mapping is None:
            return dict(record.fields)
        mapping = self.cases.outward.get(record.mapping)
        if mapping is None:
            return (Finding(place="", rule="unknown_mapping", hint="no mapping file of the settings has this name"),)
        return map_record(mapping, record)


def named(only: Collection[str]) -> Sequence[Case]:
    """Return the cases with these names, or all. Raises RefusedError(not_found)."""
    unknown = sorted(set(only) - {case.name for case in CASES})
    if unknown:
        raise RefusedError(Code.NOT_FOUND, f"there is no case {unknown[0]}", hint="trm adapter check NAME names them")
    return [case for case in CASES if not only or case.name in only]


async def examine(kind: str, folder: Path, cases: Sequence[Case] = CASES) -> AsyncIterator[Outcome]:
    """Run the cases on a kind, each on a fresh local system in `folder`, and tell how each ended as it ends.

    Raises:
        RefusedError: the kind is not there, or its bench names settings that the kind itself refuses.
    """
    async with find(kind).stand_in(folder) as new:
        for case in cases:
            bench = new()
            node = _side(kind, bench, folder / "node") if case.registered else None
            yield await run(case, Trial(bench=bench, kind=kind, node=node))


def _side(kind: str, bench: Bench, folder: Path) -> Side | None:
    settings = bench.settings()
    if settings is None:
        return None
    return Side(cases=case_system.read(AdapterSection.model_validate({"kind": kind, **settings}), folder))
