"""What the peer of a restored node knows to have been taken away: told by the peer, and taken away again here before
anything but alerts and withdrawals departs there (nrm1 5.16).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from sqlalchemy import Connection

from gateway.consent import register
from gateway.consent.rules import adds, places_of
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.sealed_content import Content
from gateway.errors import Code, RemoteError, TransientError
from gateway.foundation.ids import MessageId, NodeId
from gateway.foundation.workers import Workers
from gateway.identity.identity import Identity
from gateway.ledger import store as ledger
from gateway.ledger.reading import keyed
from gateway.ledger.rules import Entry, Taken, named
from gateway.messages.store.messages import IN, OUT
from gateway.peers.link import PeerLink
from gateway.peers.registry import Peer, address
from gateway.peers.reset_rows import ResetRow
from gateway.ports import Clock, Json
from gateway.trust.link_reset import store
from gateway.trust.link_reset.decisions import UNSURE, read_reset
from keys.documents.taken_list import MOST, MOST_PAGES, TakenPage, Withdrawn, ask_page, read_question
from keys.primitives.domains import TAKEN
from keys.primitives.encoding import SKEW
from keys.primitives.sign import SignedDocument

AGAIN = "not_needed"
"""The ground under which this node erases again what it had erased: the peer knows no other."""
Thing = Withdrawn | tuple[str, MessageId]
"""What is listed: a withdrawal, or the kind and the id of a message."""


class TakenLists:
    """Makes the lists for a restored peer, and takes those of a peer.

    `take_away` takes away again what stands in the ledger and is here.
    """

    def __init__(
        self,
        *,
        content: Content,
        identity: Identity,
        link: PeerLink,
        workers: Workers,
        clock: Clock,
        take_away: Callable[[], Awaitable[None]],
    ) -> None:
        self._content = content
        self._identity = identity
        self._link = link
        self._workers = workers
        self._clock = clock
        self._take_away = take_away

    # --- the peer of a restored node ------------------------------------------------------------------------------

    async def answer(self, peer: Peer, body: bytes) -> bytes:
        """One page, signed, for the request that a person here has accepted. Raises RemoteError for any other."""
        reset, page = read_question(body)
        things = await self._content.store.read(lambda c: self._listed(c, peer.node, reset))
        some = things[page * MOST : (page + 1) * MOST]
        payload = TakenPage(
            from_=self._identity.own.node,
            to=peer.node,
            reset=reset,
            page=page,
            more=len(things) > (page + 1) * MOST and page + 1 < MOST_PAGES,
            withdrawals=tuple(thing for thing in some if isinstance(thing, Withdrawn)),
            erasures=tuple(thing[1] for thing in some if not isinstance(thing, Withdrawn) and thing[0] == Taken.ERASED),
            voids=tuple(thing[1] for thing in some if not isinstance(thing, Withdrawn) and thing[0] == Taken.VOIDED),
            created=self._clock.now(),
        ).encode()
        signature = await self._workers.off_loop(lambda: self._identity.keys.sign(TAKEN, payload))
        return SignedDocument(payload=payload, payload_type=TAKEN, signatures=(signature,)).encode()

    def _listed(self, connection: Connection, node: NodeId, wanted: str) -> list[Thing]:
        """All that is known, in an order in which what comes later only moves things back."""
        since = _since(store.get(connection, node), wanted)
        things: list[Thing] = []
        for index in store.withdrawn_with(connection, node):
            things += _withdrawn(register.known_under(self._content.sealer, connection, index))
        things += [(Taken.ERASED, id) for id in store.erased_there(connection, node, since)]
        things += [(Taken.VOIDED, id) for id in store.voided_here(connection, node, since)]
        return things

    # --- the restored node ----------------------------------------------------------------------------------------

    async def take(self, peer: Peer, reset: str) -> None:
        """Ask for every page and take away what they name, as far as it is of this link.

        Raises:
            TransientError, RemoteError: a page did not come, or is none; nothing was kept, since a peer that never
                comes to an end would otherwise fill the ledger, once each time it is asked.
        """
        pages: list[TakenPage] = []
        while len(pages) < MOST_PAGES and (not pages or pages[-1].more):
            pages.append(await self._fetch(peer, reset, len(pages)))
        await self._content.store.move(partial(self._keep, peer=peer, reset=reset, pages=pages))
        await self._take_away()

    async def _fetch(self, peer: Peer, reset: str, number: int) -> TakenPage:
        answered = await self._link.client.post_taken(address(peer.descriptor), ask_page(reset, number))
        if answered.status != 200:
            raise TransientError(Code.UNREACHABLE, "the peer does not say what was taken away")
        document = SignedDocument.decode(answered.body, TAKEN)
        page = TakenPage.parse(document.payload)
        if page.from_ != peer.node:
            raise RemoteError(Code.UNKNOWN_SENDER, "the list was made by another node")
        if page.to != self._identity.own.node:
            raise RemoteError(Code.MISDIRECTED, "the list is addressed to another node")
        if (page.reset, page.page) != (reset, number):
            raise RemoteError(Code.MALFORMED, "the list is another one than was asked for")
        key = peer.descriptor.signing_key(document.signature.kid, at=page.created)
        await self._workers.off_loop(lambda: document.verify(key))
        if page.created > self._clock.now() + SKEW:
            raise RemoteError(Code.NOT_YET_VALID, "the list was made in the future")
        return page

    def _keep(self, connection: Connection, peer: Peer, reset: str, pages: Sequence[TakenPage]) -> None:
        """Write into the ledger what the pages name and is not taken away here."""
        count = sum(self._keep_page(connection, peer, page) for page in pages)
        journal.append_leaf(connection, leaf(self._clock.now(), "link.listed", peer=peer.node, of=reset, count=count))

    def _keep_page(self, connection: Connection, peer: Peer, page: TakenPage) -> int:
        """The same of one page; how many things are new. A peer speaks of what passed between the two alone: consents
        that it knows, its own messages, and ours to it. A legal hold is stronger than its word.
        """
        now, first = self._clock.now(), 1 + (row.n if (row := ledger.last(connection)) is not None else 0)
        known = store.erased_or_held(connection, peer.node, page.erasures)
        asked = store.being_voided(connection, peer.node, page.voids)
        gone = [id for id in page.erasures if id not in known]
        names = [named(IN, peer.node, id) for id in gone] + [named(OUT, peer.node, id) for id in asked]
        hashes = keyed(self._identity.keys, names)
        found: list[tuple[Taken, bytes, tuple[int, ...] | None, str | None]] = [
            (Taken.WITHDRAWN, self._content.sealer.consent_index(item.consent), item.grants, None)
            for item in page.withdrawals
            if self._stands(connection, item)
        ]
        found += [(Taken.ERASED, of, None, AGAIN) for of in hashes[: len(gone)]]
        found += [(Taken.VOIDED, of, None, None) for of in hashes[len(gone) :]]
        entries = [
            Entry(n=n, at=now, kind=kind, of=of, grants=grants, why=why)
            for n, (kind, of, grants, why) in enumerate(found, first)
        ]
        ledger.add_read(connection, entries)
        return len(entries)

    def _stands(self, connection: Connection, item: Withdrawn) -> bool:
        """Whether this consent is still relied on here, or was never heard of."""
        known = register.known_under(self._content.sealer, connection, self._content.sealer.consent_index(item.consent))
        grants: Json = None if item.grants is None else [*item.grants]
        taken = {"scope": "all"} if grants is None else {"scope": "grants", "grants": grants}
        return known.withdrawals is not None and adds(known.withdrawals, taken)


def _withdrawn(known: register.Known) -> Sequence[Withdrawn]:
    """What was taken back of one consent, as its withdrawals say; nothing where they do not open."""
    found = []
    for record in known.withdrawals or ():
        consent, at, places = record.get("consent_id"), record.get("withdrawn_on"), places_of(record)
        if isinstance(consent, str) and isinstance(at, int):
            grants = None if places is None else tuple(sorted(places))
            found.append(Withdrawn(consent=consent, grants=grants, at=at))
    return found


def _since(row: ResetRow | None, wanted: str) -> int:
    """From when on what is known has to be told, Unix seconds. Raises RemoteError for a reset that was not accepted."""
    if row is not None and row.accepted is not None:
        reset, of = read_reset(row.accepted)
        if of == wanted:
            return reset.backup - UNSURE
    raise RemoteError(Code.LINK_RESET_REQUIRED, "this reset of the link was not accepted here")
