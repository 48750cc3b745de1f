"""What this node is and how it is, for whoever looks after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.engine import Store
from gateway.foundation import process
from gateway.foundation.config import Config
from gateway.identity.identity import NodeKeys
from gateway.identity.own_identity import OwnIdentity
from gateway.messages.store import messages as message_rows
from gateway.operations.arguments import Arguments, only
from gateway.operations.table import Operation
from gateway.peers.expiry_warnings import endings
from gateway.peers.registry import PeerRegistry
from gateway.ports import Adapter, Json, OperationResult
from keys.documents.pairing_qr import node_text
from keys.primitives.encoding import parse


class NodeViewOperations:
    """Operations that show the node itself."""

    def __init__(
        self,
        *,
        store: Store,
        own: OwnIdentity,
        keys: NodeKeys,
        peers: PeerRegistry,
        config: Config,
        adapter: Adapter | None,
    ) -> None:
        self._store = store
        self._own = own
        self._keys = keys
        self._peers = peers
        self._config = config
        self._adapter = adapter

    def by_name(self) -> Mapping[str, Operation]:
        """The operations by their names."""
        return {
            "node.show": self.show_node,
            "node.pairing": self.pairing,
            "keys.list": self.list_keys,
            "adapter.check": self.check_adapter,
        }

    async def show_node(self, arguments: Arguments) -> OperationResult:
        """Who this node is and how it is."""
        only(arguments)
        own = self._own.descriptor

        def query(c: Connection) -> tuple[int, int, list[journal.Alarm]]:
            return message_rows.count_queued(c), message_rows.count_waiting(c), journal.open_alarms(c)

        queued, waiting, alarms = await self._store.read(query)
        return OperationResult(
            value={
                "name": self._config.node.name,
                "node": own.node,
                "country": own.country,
                "demo": self._config.node.demo,
                "endpoint": own.endpoints[0],
                "fingerprint": own.fingerprint,
                "scanned": node_text(own.fingerprint_hash, own.endpoints[0]),
                "descriptor": {"version": own.version, "issued": own.issued, "expires": own.expires},
                "keyset": {"version": self._own.keyset.version, "expires": self._own.keyset.expires}
                if self._own.has_keyset
                else None,
                "units": [{"id": u.id, "name": u.name, "kind": u.kind} for u in self._config.units],
                "peers": len(self._peers.all()),
                "queued": queued,
                "to_hand_over": waiting,
                "alarms": len(alarms),
                "endings": self._endings(),
                "process": asdict(process.standing()),
            }
        )

    def _endings(self) -> list[Json]:
        """What ends and when: own descriptor and keys, those of peers, trust in them."""
        names: dict[str, str] = {peer.node: peer.name for peer in self._peers.all()}
        return [
            {"subject": item.subject, "at": item.at, "peer": None if item.peer is None else names.get(item.peer)}
            for item in endings(self._own, self._peers)
        ]

    async def pairing(self, arguments: Arguments) -> OperationResult:
        """The pairing file: this node's descriptor chain, to be given to another country's administrator."""
        only(arguments)
        return OperationResult(value=parse(self._own.chain_from(1), limit=4 * 1024 * 1024))

    async def list_keys(self, arguments: Arguments) -> OperationResult:
        """Every key with its use and age; no key bytes."""
        only(arguments)
        items: list[Json] = [
            {"use": key.use, "kid": key.kid, "made": key.made, "current": key.current} for key in self._keys.listing()
        ]
        return OperationResult(value={"keys": items})

    async def check_adapter(self, arguments: Arguments) -> OperationResult:
        """The case system's adapter: what it is, and what is wrong with it."""
        only(arguments)
        if self._adapter is None:
            return OperationResult(value={"adapter": None, "ok": True, "findings": []})
        about = self._adapter.describe()
        findings = await self._adapter.check()
        return OperationResult(
            value={
                "adapter": {
                    "kind": about.kind,
                    "version": about.version,
                    "target": about.target,
                    "can_pull": about.can_pull,
                    "can_push": about.can_push,
                    "erasure": str(about.erasure),
                },
                "ok": not findings,
                "findings": [f.to_json() for f in findings],
            }
        )
