"""What is of a case, as people are shown it: conversations, drafts, consents with what was denied, holds and files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from sqlalchemy import Connection

from gateway.attachments import library
from gateway.attachments import store as attachments
from gateway.cases import kept, store
from gateway.cases.register import draft_key
from gateway.cases.rules import LinkKind
from gateway.cases.store import Link
from gateway.consent import register
from gateway.consent.rules import Denial, Grant
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.intake import WAITING
from gateway.delivery.operations.draft_models import WAITING_SECOND
from gateway.delivery.operations.messages_shown import opened_rows
from gateway.delivery.operations.waiting_drafts import drafted
from gateway.erasure import store as erasure
from gateway.errors import RefusedError
from gateway.foundation.ids import CaseId, NodeId
from gateway.messages.content_codec import MessageContent
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.store import conversations, local, messages
from gateway.messages.store.conversations import Key
from gateway.messages.store.messages import MessageRow
from gateway.notifications.consent_lapses import ALARM as LAPSES
from gateway.peers.registry import PeerRegistry
from gateway.policy import asylum_holds
from gateway.policy import store as asylum
from gateway.ports import Json


class CaseContents:
    """Finds and opens what is of one case."""

    def __init__(self, content: Content, peers: PeerRegistry) -> None:
        self._content = content
        self._peers = peers

    def show(self, connection: Connection, id: CaseId) -> dict[str, Json]:
        """Everything that is of the case, by the members of `case.show`."""
        links = store.links(connection, id)
        keys = [link.key for link in links if link.kind == LinkKind.CONVERSATION]
        rows = messages.of_conversations(connection, keys)
        opened = opened_rows(self._content.sealer, content_rows.get(connection, [row.ref for row in rows]))
        ids = {row.conversation: opened[row.ref].facts.conversation for row in rows if row.ref in opened}
        consents, denials = self._consents(connection, id)
        return {
            "conversations": self._conversations(connection, keys, rows, ids),
            "drafts": self._drafts(connection, links),
            "consents": consents,
            "denials": denials,
            "asylum_holds": self._asylum_holds(connection, links),
            "legal_holds": [
                {"conversation": ids.get(key), "ground": hold.ground, "until": hold.until}
                for key, hold in erasure.every_hold(connection).items()
                if key in keys
            ],
            "case_holds": [{"ground": one.ground, "until": one.until} for one in kept.of_case(connection, id)],
            "files": _files(connection, rows, opened),
        }

    def _conversations(
        self, connection: Connection, keys: Sequence[bytes], rows: Sequence[MessageRow], ids: Mapping[bytes, str]
    ) -> list[Json]:
        stands = conversations.get(connection, keys)
        by_key: dict[Key, list[MessageRow]] = {}
        for row in rows:
            by_key.setdefault((row.conversation, row.peer), []).append(row)
        found: list[Json] = []
        for key, of_it in sorted(by_key.items(), key=lambda item: item[1][-1].at, reverse=True):
            peer, status = self._peers.get(key[1]), stands.get(key)
            found.append(
                {
                    "conversation": ids.get(key[0]),
                    "peer": key[1] if peer is None else peer.name,
                    "country": None if peer is None else peer.descriptor.country,
                    "kind": of_it[0].kind,
                    "state": None if status is None else status.state,
                    "untaken": sum(row.state == Incoming.AWAITING_HANDOVER for row in of_it),
                    "last": of_it[-1].at,
                }
            )
        return found

    def _drafts(self, connection: Connection, links: Iterable[Link]) -> list[Json]:
        found: list[Json] = []
        for link in links:
            if link.kind != LinkKind.DRAFT:
                continue
            row = local.get_draft(connection, link.key.removeprefix(draft_key("")).decode())
            if row is None or row.state != WAITING:
                continue
            said: dict[str, Json] = {}
            with suppress(RefusedError):  # a damaged draft can still be discarded
                said = drafted(self._content.sealer, content_rows.get(connection, [row.ref]).get(row.ref))
            found.append(
                {
                    "id": row.id,
                    "type": said.get("type"),
                    "to": said.get("to"),
                    "state": row.state if row.first is None else WAITING_SECOND,
                    "at": row.at,
                }
            )
        return found

    def _consents(self, connection: Connection, id: CaseId) -> tuple[list[Json], list[Json]]:
        """The consents of the case, and what they deny: a no in one of them is seen from all of the case."""
        found: list[Json] = []
        denials: list[Json] = []
        lapsing = journal.open_about(connection, [LAPSES])
        for index in dict.fromkeys(index for _, index, _, _ in store.consents_of(connection, [id])):
            known = register.known_under(self._content.sealer, connection, index)
            name = known.held[0].record["consent_id"] if known.held else None
            first = known.rows[0]
            peer = self._peers.get(NodeId(first.holder))
            holder = first.holder if peer is None else peer.name
            grants = () if known.consent is None or known.withdrawn else known.consent.in_force
            covers = [_grant(grant) for grant in grants]
            found.append(
                {
                    "id": name,
                    "holder": holder,
                    "state": known.state,
                    "at": first.at,
                    "lapses": first.ref in lapsing,
                    "covers": covers,
                }
            )
            if known.consent is not None and not known.withdrawn:
                denials += [_denial(name, denial) for denial in known.consent.denials]
        return found, denials

    def _asylum_holds(self, connection: Connection, links: Iterable[Link]) -> list[Json]:
        labels = [link.key for link in links if link.kind == LinkKind.HOLD]
        found: list[Json] = []
        for hold in dict.fromkeys(one for label in labels if (one := asylum.get(connection, label)) is not None):
            rows: list[SealedRow] = list(content_rows.get(connection, [hold.ref]).values())
            named = asylum_holds.opened(self._content.sealer, rows).get(hold.ref)
            found.append(
                {
                    "conversation": None if named is None else named.conversation or None,
                    "at": hold.at,
                    "lift_wanted": hold.lift is not None,
                    "states": [] if named is None else [*(named.states or ())],
                }
            )
        return found


def _grant(grant: Grant) -> Json:
    return {
        "purpose": grant.purpose,
        "categories": [*sorted(grant.data_categories)],
        "units": [*sorted(grant.recipient_units)],
        "until": None if grant.until is None else grant.until.isoformat(),
    }


def _denial(consent: Json, denial: Denial) -> Json:
    return {"consent": consent, "purpose": denial.purpose, "unit": denial.unit, "category": denial.category}


def _files(connection: Connection, rows: Sequence[MessageRow], opened: Mapping[int, MessageContent]) -> list[Json]:
    """The files of messages that open, newest message first."""
    stored = attachments.of_messages(connection, [row.ref for row in rows])
    return [
        {
            "message": row.id,
            "direction": row.direction,
            "part": part.n,
            "media_type": part.media,
            "size": part.size,
        }
        for row in reversed(rows)
        if row.ref in stored and row.ref in opened
        for part in library.of_message(opened[row.ref])
    ]
