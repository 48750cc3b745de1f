"""Two small nodes for the tests of gateway/federation: real keys, real certificates, real sockets on the loopback."""

from __future__ import annotations

import asyncio
import base64
import datetime
import hashlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.patience import PATIENCE
from support.ports import free_port

from gateway.errors import RemoteError
from gateway.federation.address import PeerAddress
from gateway.federation.client import FederationClient
from gateway.federation.endpoints import Segment
from gateway.federation.handlers import Closed, Refusal, Reply
from gateway.federation.listener import start_listener
from gateway.federation.networks.fronts import Fronts
from gateway.federation.networks.outbound_proxy import OutboundProxy
from gateway.federation.nonces import NonceCache
from gateway.federation.rates import TokenBuckets, WorkBudgets
from gateway.federation.server import FederationApp
from gateway.federation.signed_times import SignedTimes
from gateway.federation.tls import server_context
from gateway.federation.wire import Patience
from keys.primitives.hybrid_keys import Signature, SigningKey
from keys.primitives.raw_signatures import verify_raw
from keys.primitives.sign import SignedDocument

NOW = 1_790_000_000
JSON = "application/json"
EMPTY = Reply(200, JSON, b"{}")


@dataclass
class SteeredClock:
    """A clock that moves only when a test moves it."""

    at: int = NOW
    mono: float = 0.0

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.mono

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class Rand:
    """Bytes that differ at each call and are the same at each run."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls = 0

    def __call__(self, size: int) -> bytes:
        self._calls += 1
        return hashlib.shake_256(f"{self._name}/{self._calls}".encode()).digest(size)


def document(payload_type: str) -> bytes:
    """A pushed document of the right form; whoever judges it finds that it proves nothing."""
    signature = Signature(kid="A" * 22, ed25519=bytes(64), mldsa65=None)
    return SignedDocument(payload=b"{}", payload_type=payload_type, signatures=(signature,)).encode()


class Party:
    """One node: its id and its http key, with the two members that the federation room asks for."""

    def __init__(self, name: str) -> None:
        seed = hashlib.sha256(name.encode()).digest()
        self.node = "n1" + base64.b32encode(seed[:20]).decode().lower()
        self.key = SigningKey(seed)
        self.rand = Rand(name)

    @property
    def http_kid(self) -> str:
        return self.key.public.kid

    def sign_http(self, base: bytes) -> bytes:
        return self.key.sign_raw(base)


class PeerTable:
    """Whose http keys are valid, and how often anybody asked."""

    def __init__(self, *parties: Party) -> None:
        self.asked = 0
        self._keys = {(party.node, party.http_kid): party.key.public.ed25519 for party in parties}

    def check(self, node: str, kid: str, base: bytes, signature: bytes) -> bool:
        self.asked += 1
        key = self._keys.get((node, kid))
        if key is None:
            return False
        try:
            verify_raw(key, base, signature)
        except RemoteError:
            return False
        return True

    async def verify(self, node: str, kid: str, base: bytes, signature: bytes) -> bool:
        return self.check(node, kid, base, signature)


@dataclass
class Recorder:
    """Handlers that write down what reached them. ``reply`` or ``fault`` says how they answer."""

    calls: list[tuple[str, str | None, bytes]] = field(default_factory=list)
    reply: Reply = EMPTY
    fault: Exception | None = None
    work: Callable[[], object] = lambda: None
    gate: asyncio.Event | None = None
    entered: asyncio.Event = field(default_factory=asyncio.Event)

    async def _record(self, name: str, peer: str | None, body: bytes) -> Reply:
        self.calls.append((name, peer, body))
        self.entered.set()
        self.work()
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return self.reply

    async def get_descriptor(self, from_version: int) -> Reply:
        return await self._record("get_descriptor", None, str(from_version).encode())

    async def get_keyset(self) -> Reply:
        return await self._record("get_keyset", None, b"")

    async def post_descriptor(self, body: bytes) -> Reply:
        return await self._record("post_descriptor", None, body)

    async def post_keyset(self, body: bytes) -> Reply:
        return await self._record("post_keyset", None, body)

    async def post_messages(self, peer: str, body: bytes) -> Reply:
        return await self._record("post_messages", peer, body)

    async def post_void(self, peer: str, body: bytes) -> Reply:
        return await self._record("post_void", peer, body)

    async def post_receipts(self, peer: str, body: bytes) -> Reply:
        return await self._record("post_receipts", peer, body)

    async def get_schemas(self, peer: str) -> Reply:
        return await self._record("get_schemas", peer, b"")

    async def post_tombstone(self, body: bytes) -> Reply:
        return await self._record("post_tombstone", None, body)

    async def put_part(self, peer: str, segment: Segment, body: bytes) -> Reply:
        return await self._record("put_part", peer, body)

    async def get_part(self, peer: str, segment: Segment) -> Reply:
        return await self._record("get_part", peer, b"")

    async def get_held(self, peer: str) -> Reply:
        return await self._record("get_held", peer, b"")

    async def post_trust(self, peer: str, body: bytes) -> Reply:
        return await self._record("post_trust", peer, body)

    async def post_checkpoint(self, peer: str, body: bytes) -> Reply:
        return await self._record("post_checkpoint", peer, body)

    async def get_checkpoint(self, peer: str) -> Reply:
        return await self._record("get_checkpoint", peer, b"")

    async def get_link(self, peer: str) -> Reply:
        return await self._record("get_link", peer, b"")

    async def post_link(self, peer: str, body: bytes) -> Reply:
        return await self._record("post_link", peer, body)

    async def post_taken(self, peer: str, body: bytes) -> Reply:
        return await self._record("post_taken", peer, body)


@dataclass(frozen=True)
class Certificate:
    """Two PEM files and the pin of their key."""

    cert: Path
    key: Path
    pin: bytes


def spki_hash(certificate: bytes) -> bytes:
    """The SHA-256 of the subject public key info of a DER certificate, by ``cryptography`` alone."""
    public = x509.load_der_x509_certificate(certificate).public_key()
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).digest()


def make_certificate(folder: Path, name: str, key: ec.EllipticCurvePrivateKey | None = None) -> Certificate:
    """A fresh self-signed P-256 certificate, for ``key`` if one is given."""
    private = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=3650))
        .sign(private, hashes.SHA256())
    )
    cert_file, key_file = folder / f"{name}.crt", folder / f"{name}.key"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    pin = spki_hash(certificate.public_bytes(serialization.Encoding.DER))
    return Certificate(cert_file, key_file, pin)


@dataclass
class Site:
    """A node that listens: everything a test wants to look at or to turn."""

    party: Party
    handlers: Recorder
    address: PeerAddress
    clock: SteeredClock
    table: PeerTable
    certificate: Certificate
    port: int
    refusals: list[Refusal]
    overworked: list[str]
    caller: Party

    def client(
        self,
        *,
        clock: SteeredClock | None = None,
        patience: Patience | None = None,
        caller: Party | None = None,
        times: SignedTimes | None = None,
        in_force: bool = True,
        proxy: OutboundProxy | None = None,
    ) -> FederationClient:
        """A client of the calling node that knows this site's http key; by its own time it is `in_force` or not."""
        party = caller or self.caller
        return FederationClient(
            node=party.node,
            keys=party,
            verify=PeerTable(self.party).verify if in_force else PeerTable().verify,
            verify_listed=PeerTable(self.party).verify,
            times=times,
            spki_hash=spki_hash,
            clock=clock or self.clock,
            rand=party.rand,
            patience=patience or Patience(connect=5.0, read=5.0, total=10.0),
            proxy=proxy,
        )


@asynccontextmanager
async def listening(
    folder: Path,
    *,
    nonces: NonceCache | None = None,
    rate: float = 1e6,
    burst: float = 1e6,
    saved: float = 1e6,
    in_force: bool = True,
    clock: SteeredClock | None = None,
    closed: Closed | None = None,
    fronts: Fronts | None = None,
) -> AsyncIterator[Site]:
    """Node ``bel`` listening on a free port; node ``alb`` is its active peer, whose key is `in_force` now or not.
    `closed` says why it judges nothing of peers; `fronts` stand before it.
    """
    bel, alb = Party("bel"), Party("alb")
    certificate = make_certificate(folder, "bel")
    clock, table, handlers = clock or SteeredClock(), PeerTable(alb), Recorder()
    refusals: list[Refusal] = []
    overworked: list[str] = []
    port = free_port()
    address = PeerAddress.at(bel.node, f"https://127.0.0.1:{port}", frozenset({certificate.pin}))
    app = FederationApp(
        handlers,
        node=bel.node,
        authority=address.authority,
        keys=bel,
        verify=table.verify if in_force else PeerTable().verify,
        verify_listed=table.verify,
        clock=clock,
        rand=bel.rand,
        buckets=TokenBuckets(monotonic=clock.monotonic, rate=rate, burst=burst),
        nonces=nonces,
        work=WorkBudgets(monotonic=clock.monotonic, saved=saved),
        report=refusals.append,
        overworked=overworked.append,
        closed=lambda: closed,
    )
    context = server_context(certificate.cert, certificate.key)
    server = await start_listener(app, "127.0.0.1", port, context, fronts)
    try:
        yield Site(
            party=bel,
            handlers=handlers,
            address=address,
            clock=clock,
            table=table,
            certificate=certificate,
            port=port,
            refusals=refusals,
            overworked=overworked,
            caller=alb,
        )
    finally:
        await server.close(grace=1.0)


async def raw_exchange(port: int, data: bytes, *, seconds: float = PATIENCE) -> bytes:
    """Send exactly these bytes over TLS and return all that comes back until the server closes or falls silent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    received = b""
    try:
        writer.write(data)
        await writer.drain()
        async with asyncio.timeout(seconds):
            while chunk := await reader.read(65536):
                received += chunk
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.transport.abort()
    return received
