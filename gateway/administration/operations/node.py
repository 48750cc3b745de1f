"""What this node is and how it is, for whoever looks after it."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import Field
from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.engine import Store
from gateway.foundation import process
from gateway.foundation.config import Config
from gateway.identity.node_keys import NodeKeys
from gateway.identity.own_identity import OwnIdentity
from gateway.messages.store import messages as message_rows
from gateway.operations.models import Answer, Count, Fault, Nothing, Object, Time
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import EVERYBODY, LOOKS, SERVES
from gateway.peers.expiry_warnings import endings
from gateway.peers.registry import PeerRegistry
from gateway.ports import Adapter, Json, OperationResult
from keys.documents.fingerprint import node_text
from keys.primitives.encoding import parse


class HeldDescriptor(Answer):
    """The descriptor in force."""

    version: Count
    issued: Time
    expires: Time


class HeldKeyset(Answer):
    """The keyset in force."""

    version: Count
    expires: Time


class OwnUnit(Answer):
    """A unit of this node."""

    id: str
    name: str
    kind: str


class Ending(Answer):
    """Something that ends: of this node, or of a peer."""

    subject: str
    at: Time
    peer: str | None


class NodeShown(Answer):
    """Who this node is and how it is."""

    name: str
    node: str
    country: str
    demo: bool
    endpoint: str
    fingerprint: str
    scanned: str
    descriptor: HeldDescriptor
    keyset: HeldKeyset | None
    units: list[OwnUnit]
    peers: Count
    queued: Count
    to_hand_over: Count
    alarms: Count
    endings: list[Ending]
    process: Object = Field(description="what the kernel was asked for this process, and what it gave")
    key_place: str = Field(description="where the secret of the key store lies: file, tpm or pkcs11")


class Key(Answer):
    """A key without its bytes."""

    use: str
    kid: str
    made: Time | None
    current: bool


class Keys(Answer):
    """Every key of this node."""

    keys: list[Key]


class AboutAdapter(Answer):
    """What the adapter of the case system is."""

    kind: str
    version: str
    target: str
    can_pull: bool
    can_push: bool
    erasure: str


class AdapterChecked(Answer):
    """The adapter, and what is wrong with it."""

    adapter: AboutAdapter | None
    ok: bool
    findings: list[Fault]


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

    @operation(
        "node.show",
        "identity, fingerprint, keys, queues, alarms",
        roles=EVERYBODY,
        about=About.NODE,
        answer=NodeShown,
        units=Units.FREE,
    )
    async def show_node(self, _asked: Nothing) -> OperationResult:
        """Who this node is and how it is."""
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
                "scanned": node_text(own.fingerprint_hash, own.version, own.endpoints[0]),
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
                "key_place": self._keys.place.value,
            }
        )

    def _endings(self) -> list[Json]:
        """List what ends and when: own descriptor and keys, those of peers, trust in them."""
        names: dict[str, str] = {peer.node: peer.name for peer in self._peers.all()}
        return [
            {"subject": item.subject, "at": item.at, "peer": None if item.peer is None else names.get(item.peer)}
            for item in endings(self._own, self._peers)
        ]

    @operation(
        "node.pairing", "the pairing file for another country", roles=LOOKS, about=About.NODE, answer=list[Object]
    )
    async def pairing(self, _asked: Nothing) -> OperationResult:
        """The pairing file: this node's descriptor chain, to be given to another country's administrator."""
        return OperationResult(value=parse(self._own.chain_from(1), limit=4 * 1024 * 1024))

    @operation("keys.list", "keys with their ages", roles=LOOKS, about=About.NODE, answer=Keys)
    async def list_keys(self, _asked: Nothing) -> OperationResult:
        """Every key with its use and age; no key bytes."""
        items: list[Json] = [
            {"use": key.use, "kid": key.kid, "made": key.made, "current": key.current} for key in self._keys.listing()
        ]
        return OperationResult(value={"keys": items})

    @operation(
        "adapter.check",
        "the case system's adapter, checked",
        roles=SERVES,
        about=About.NODE,
        answer=AdapterChecked,
        units=Units.FREE,
    )
    async def check_adapter(self, _asked: Nothing) -> OperationResult:
        """The case system's adapter: what it is, and what is wrong with it."""
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
