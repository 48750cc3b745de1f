"""A kind of adapter: its settings, its constructor and its stand-in. A package offers it as an entry point of `GROUP`.

    [project.entry-points."trm_gateway.adapters"]
    acme = "trm_adapter_acme:KIND"

Being installed makes a kind known and nothing else: a node uses the one that `adapter.kind` of its node.toml names. A
name that two packages offer is refused, so that no package can take the place of another.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from adapters.kit.contract import NewBench
from adapters.kit.setup.plan import Asked, Plan
from gateway.errors import Code, RefusedError
from gateway.ports import Adapter

GROUP = "trm_gateway.adapters"


class Settings(BaseModel):
    """What stands under `[adapter]` besides `kind` and `poll_seconds`; an unknown key is an error.

    A secret is never a setting: name a file that holds it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def case_files(self) -> Sequence[Path]:
        """List the files and folders that hold plain text of cases; they must lie outside of the node folder."""
        return ()

    def mapping_files(self) -> Sequence[Path]:
        """List the mapping files that records name and that turn messages into records."""
        return ()

    def spoken(self) -> str | None:
        """Return the language whose labels stand in records beside the values of the mapping files, if any."""
        return None


class WayOut(Protocol):
    """The proxy of the network, with the hosts that are reached without it."""

    def options(self, url: str) -> Mapping[str, Any]:
        """Return what aiohttp has to be told for a request to this address; nothing where it goes directly."""


S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[S]):
    """One kind of local system.

    `what` and `whom` are the lines of `trm adapter list`. `make` touches neither disk nor network. `stand_in` starts
    the system, or a strict imitation of it, in the folder given, for `trm adapter check NAME`; it imports what only
    this needs when it is called. `create` makes what the adapter needs on the side of the case system, if anything.
    `make_behind` makes one that reaches its system by the way out of the network (`WayOut`); a kind
    without it goes directly. `prepare` plans what `trm adapter prepare NAME` makes; it may read a case system, and
    makes nothing.
    """

    name: str
    what: str
    whom: str
    settings: type[S]
    make: Callable[[S], Adapter]
    stand_in: Callable[[Path], AbstractAsyncContextManager[NewBench]]
    create: Callable[[S], None] | None = None
    make_behind: Callable[[S, WayOut], Adapter] | None = None
    prepare: Callable[[Asked], Awaitable[Plan]] | None = None


def offered() -> Mapping[str, Sequence[EntryPoint]]:
    """List the kinds that the installed packages offer, by name, without importing any of them."""
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        offers = found.setdefault(point.name, [])
        if point.value not in {offer.value for offer in offers}:  # one package may be seen twice on the path
            offers.append(point)
    return dict(sorted(found.items()))


def find(name: str) -> Kind[Any]:
    """Load the kind with this name.

    Raises:
        RefusedError: not_found; conflict for a name offered twice; invalid for one that cannot be loaded.
    """
    known = offered()
    match known.get(name, ()):
        case []:
            raise RefusedError(Code.NOT_FOUND, "no such kind of adapter", hint=f"installed are {', '.join(known)}")
        case [point]:
            return _loaded(point)
        case _:
            raise RefusedError(
                Code.CONFLICT, f"two packages offer an adapter named {name}", hint="take one of them away"
            )


def _loaded(point: EntryPoint) -> Kind[Any]:
    try:
        kind = point.load()
    except ImportError as exc:
        missing = exc.name or point.value
        raise RefusedError(
            Code.INVALID, f"the adapter {point.name} cannot be loaded", hint=f"is {missing} installed?"
        ) from exc
    except AttributeError as exc:
        raise RefusedError(
            Code.INVALID, f"the adapter {point.name} cannot be loaded", hint=f"there is no {point.value}"
        ) from exc
    if not isinstance(kind, Kind) or kind.name != point.name:
        raise RefusedError(
            Code.INVALID,
            f"the entry point {point.name} is no kind of adapter of this name",
            hint=f"it has to lead to an adapters.kit.kind.Kind(name={point.name!r}, ...)",
        )
    return kind
