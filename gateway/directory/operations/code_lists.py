"""Words for people and programs: the code lists in a language, and who can be asked in every country."""

from __future__ import annotations

from collections.abc import Mapping

import schemas
from gateway.directory.cache import DirectoryCache
from gateway.foundation.config import Config
from gateway.identity.own_identity import OwnIdentity
from gateway.operations.arguments import Arguments, maybe_text, only, text
from gateway.operations.table import Operation
from gateway.peers.registry import PeerRegistry
from gateway.ports import Json, OperationResult
from schemas.codelists import ENGLISH
from schemas.labels import find_language as spoken
from schemas.labels import load_labels


class CodeListOperations:
    """Operations on code lists, and the directory as a list."""

    def __init__(self, *, own: OwnIdentity, peers: PeerRegistry, directory: DirectoryCache, config: Config) -> None:
        self._own = own
        self._peers = peers
        self._directory = directory
        self._config = config

    def by_name(self) -> Mapping[str, Operation]:
        """The operations by their names."""
        return {
            "code.list": self.list_code_lists,
            "code.show": self.show_code_list,
            "directory.list": self.directory,
        }

    async def list_code_lists(self, arguments: Arguments) -> OperationResult:
        """Every code list with how many codes it has."""
        only(arguments)
        lists = [schemas.code_list(name) for name in schemas.code_lists()]
        items: list[Json] = [{"id": one.name, "title": one.title[ENGLISH], "codes": len(one.codes)} for one in lists]
        return OperationResult(value={"lists": items})

    async def show_code_list(self, arguments: Arguments) -> OperationResult:
        """One code list with its labels in a language; a label that is missing is null and never guessed."""
        only(arguments, "id", "language")
        found = schemas.code_list(text(arguments, "id"))
        shown = load_labels(maybe_text(arguments, "language") or ENGLISH)
        codes: list[Json] = []
        for entry in found.codes:
            label = shown.code(found.name, entry.code)
            codes.append({"code": entry.code, "label": label.text, "draft": label.draft})
        language = shown.language
        return OperationResult(
            value={"id": found.name, "language": language.code, "direction": language.direction, "codes": codes}
        )

    async def directory(self, arguments: Arguments) -> OperationResult:
        """The units of this node and of its peers by their signed descriptors; of one country or role if named. A unit
        is called what the directory calls it in a language, where it has told its units; else as the descriptor says.
        """
        only(arguments, "country", "role", "language")
        shown_in, told = spoken(maybe_text(arguments, "language") or ENGLISH).code, await self._directory.current()
        country, role = maybe_text(arguments, "country"), maybe_text(arguments, "role")
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
                "roles": [*unit.roles],
                "contact": descriptor.contact,
            }
            for name, state, descriptor in listed
            for unit in descriptor.units
            if country in (None, descriptor.country) and (role is None or role in unit.roles)
        ]
        return OperationResult(value={"units": items})
