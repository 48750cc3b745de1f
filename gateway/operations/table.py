"""The operations of a node by name: each slice gives its own, the node asks them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

from gateway.operations.arguments import Arguments
from gateway.operations.roles import Caller
from gateway.ports import OperationResult

T = TypeVar("T")

Operation: TypeAlias = Callable[[Arguments], Awaitable[OperationResult]]
KeyedOperation: TypeAlias = Callable[[Arguments, str | None], Awaitable[OperationResult]]
"""One that remembers its answer under the Idempotency-Key in its own transaction."""
CallerOperation: TypeAlias = Callable[[Arguments, Caller], Awaitable[OperationResult]]
"""One that looks at who asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationTable:
    """Every operation of a node. `erasing` destroy keys by a person's act."""

    plain: Mapping[str, Operation]
    keyed: Mapping[str, KeyedOperation]
    by_caller: Mapping[str, CallerOperation]
    erasing: Mapping[str, Operation]


class OffersOperations(Protocol):
    """Operations of a slice."""

    def by_name(self) -> Mapping[str, Operation]:
        """The operations by their names."""
        ...


def joined(tables: Iterable[Mapping[str, T]]) -> dict[str, T]:
    """One table of several; no name stands in two of them."""
    found: dict[str, T] = {}
    for table in tables:
        if twice := found.keys() & table.keys():
            raise RuntimeError(f"two operations are called {min(twice)}")
        found |= table
    return found
