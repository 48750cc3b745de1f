"""How people who work here are shown: without a secret, with what waits for an administrator."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.access import people_store as rows
from gateway.access import rules, token_store
from gateway.access.people_store import PersonRow, vouchers_of
from gateway.access.sessions import passkey_of
from gateway.changes import administrators
from gateway.changes import store as change_rows
from gateway.changes.rules import PROPOSAL_LIFE
from gateway.foundation.config import Config
from gateway.ports import Json
from gateway.trust.change_text import words
from keys.documents.change import PERSON, Change


def show_people(connection: Connection, people: list[PersonRow], now: int) -> list[Json]:
    """Show these people as `PersonShown` has them."""
    held = rows.passkeys_of(connection)
    invited = rows.open_invitations(connection, now)
    sessions = rows.count_sessions(connection, made=now - rules.LONGEST, seen=now - rules.IDLE)
    tokens = token_store.count_personal(connection, now)
    labels, waiting = _labels(connection), _waiting(connection, now)
    shown: list[Json] = []
    for row in people:
        own: list[Json] = [
            {"kid": passkey_of(one).kid, "synced": one.synced, "made": one.made, "used": one.used}
            for one in held
            if one.person == row.id
        ]
        waits = waiting.get(PERSON + row.id)
        able = bool(own) or row.id in tokens
        shown.append(
            {
                "id": row.id,
                "name": row.name,
                "roles": [*row.roles.split()],
                "unit": row.unit,
                "language": row.language,
                "state": _state(row, able=able, invited=row.id in invited, asked=waits is not None),
                "made": row.made,
                "ended": row.ended,
                "invited_until": invited.get(row.id),
                "passkeys": own,
                "sessions": sessions.get(row.id, 0),
                "tokens": tokens.get(row.id, 0),
                "vouched": [*sorted(labels.get(admin, admin) for admin in vouchers_of(row))],
                "waits": waits,
            }
        )
    return shown


def with_code(shown: Json, code: str | None, config: Config) -> dict[str, Json]:
    """A person as `InvitedPerson` has them: with a new code, and where it is used."""
    if not isinstance(shown, dict):
        raise RuntimeError("a person is shown as an object")
    origin = config.console_origin
    address = None if origin is None or code is None else f"{origin}/enrol#{code}"
    return shown | {"code": code, "address": address}


def _state(row: PersonRow, *, able: bool, invited: bool, asked: bool) -> str:
    if row.ended is not None:
        return "ended"
    if able:
        return "active"
    return "invited" if invited else "asked" if asked else "locked_out"


def _labels(connection: Connection) -> dict[str, str]:
    """Read what colleagues call administrators, by pseudonym: also one whose new card waits to be enrolled."""
    offered = {row.admin: row.name for row in rows.load(connection) if row.admin is not None}
    return offered | administrators.labels(connection)


def _waiting(connection: Connection, now: int) -> dict[str, Json]:
    """List what waits for an administrator, by subject."""
    found: dict[str, Json] = {}
    for row in change_rows.in_state(connection, change_rows.PENDING):
        if row.subject.startswith(PERSON) and now < row.at + PROPOSAL_LIFE:
            change = Change.parse(row.payload).to_json()
            found[row.subject] = {
                "id": row.hash,
                "action": change["action"],
                "change": change,
                "words": [*words(change)],
                "ends": row.at + PROPOSAL_LIFE,
            }
    return found
