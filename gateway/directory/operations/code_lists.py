"""Words for people and programs: the code lists in a language, and who can be asked in every country."""

from __future__ import annotations

from pydantic import Field

import schemas
from gateway.directory.cache import DirectoryCache
from gateway.foundation.config import Config
from gateway.foundation.ids import NodeId, UnitId
from gateway.identity.own_identity import OwnIdentity
from gateway.operations.ids import CodeListId
from gateway.operations.models import Answer, Asked, Nothing, Text
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import EVERYBODY
from gateway.peers.registry import PeerRegistry
from gateway.ports import Json, OperationResult
from schemas.codelists import ENGLISH
from schemas.labels import find_language as spoken
from schemas.labels import load_labels


class OneCodeList(Asked):
    """A code list in a language."""

    id: CodeListId
    language: Text = ENGLISH


class WantedUnits(Asked):
    """Which units, and in which language their names are shown."""

    country: Text | None = None
    role: Text | None = Field(default=None, description="a code of the list role")
    language: Text = Field(default=ENGLISH, description="of the names, such as fr")


class CodeListLine(Answer):
    """A code list in a line."""

    id: CodeListId
    title: str
    codes: int


class CodeLists(Answer):
    """Every code list."""

    lists: list[CodeListLine]


class CodeLabel(Answer):
    """A code with its label."""

    code: str
    label: str | None
    draft: bool = Field(description="nobody who speaks the language has reviewed it")


class CodeListShown(Answer):
    """A code list with its labels."""

    id: CodeListId
    language: str
    direction: str
    codes: list[CodeLabel]


class ListedUnit(Answer):
    """A unit by the signed descriptor of its node."""

    peer: str
    state: str = Field(description="own, or the state of the peer")
    node: NodeId
    country: str
    unit: UnitId
    name: str = Field(description="by the directory; where it does not know the unit, by the signed descriptor")
    kind: str | None = Field(description="of organisation; null where the descriptor of its node is of release 0.1.0")
    roles: list[str]
    contact: str


class ListedUnits(Answer):
    """Units of this node and of its peers."""

    units: list[ListedUnit]


class CodeListOperations:
    """Operations on code lists, and the directory as a list."""

    def __init__(self, *, own: OwnIdentity, peers: PeerRegistry, directory: DirectoryCache, config: Config) -> None:
        self._own = own
        self._peers = peers
        self._directory = directory
        self._config = config

    @operation("code.list", "the code lists", roles=EVERYBODY, about=About.NODE, answer=CodeLists, units=Units.FREE)
    async def list_code_lists(self, _asked: Nothing) -> OperationResult:
        """Every code list with how many codes it has."""
        lists = [schemas.code_list(name) for name in schemas.code_lists()]
        items: list[Json] = [{"id": one.name, "title": one.title[ENGLISH], "codes": len(one.codes)} for one in lists]
        return OperationResult(value={"lists": items})

    @operation(
        "code.show",
        "one code list in a language",
        roles=EVERYBODY,
        about=About.NODE,
        answer=CodeListShown,
        units=Units.FREE,
    )
    async def show_code_list(self, asked: OneCodeList) -> OperationResult:
        """One code list with its labels in a language; a label that is missing is null and never guessed."""
        found = schemas.code_list(asked.id)
        shown = load_labels(asked.language)
        codes: list[Json] = []
        for entry in found.codes:
            label = shown.code(found.name, entry.code)
            codes.append({"code": entry.code, "label": label.text, "draft": label.draft})
        language = shown.language
        return OperationResult(
            value={"id": found.name, "language": language.code, "direction": language.direction, "codes": codes}
        )

    @operation(
        "directory.list",
        "units of all countries, by descriptor",
        roles=EVERYBODY,
        about=About.NODE,
        answer=ListedUnits,
        units=Units.FREE,
    )
    async def directory(self, asked: WantedUnits) -> OperationResult:
        """The units of this node and of its peers by their signed descriptors; of one country or role if named. A unit
        is called what the directory calls it in a language, where it has told its units; else as the descriptor says.
        """
        shown_in, told = spoken(asked.language).code, await self._directory.current()
        country, role = asked.country, asked.role
        listed = [(self._config.node.name, "own", self._own.descriptor)]
        listed += [(peer.name, str(peer.state), peer.descriptor) for peer in self._peers.all()]
        items: list[Json] = [
            {
                "peer": name,
                "state": state,
                "node": descriptor.node,
                "country": descriptor.country,
                "unit": unit.id,
                "name": told.name(descriptor.country, descriptor.node, unit.id, shown_in) or unit.name,
                "kind": unit.kind,
                "roles": [*unit.roles],
                "contact": descriptor.contact,
            }
            for name, state, descriptor in listed
            for unit in descriptor.units
            if country in (None, descriptor.country) and (role is None or role in unit.roles)
        ]
        return OperationResult(value={"units": items})
