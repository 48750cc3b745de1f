"""What of a database that was put back counts no more, whatever it says: what was ended since is there again, and
nobody here can tell it from what still stands (nrm1 13.15).

So everybody comes in anew. What lets people in at all stays: the administrators, of whom two are needed for trust. One
who was retired since is one again. No entry of the ledger could change that: who is an administrator follows from what
administrators signed, and nothing that the node writes alone takes the place of that. So people are told to compare.
"""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.access import people_store, token_store
from gateway.changes import administrators
from gateway.changes import store as changes
from gateway.database import journal
from gateway.trust.effects import give_up
from keys.documents.approvals import PasskeyCard
from keys.primitives.encoding import b64u


def void_credentials(connection: Connection, *, at: int) -> None:
    """End every token, session, invitation and passkey, and what people had begun about trust. Nobody is vouched for.

    The passkeys of administrators stay: without them some nodes could let nobody in. People are told to compare who
    they are before anything else.
    """
    journal.raise_alarm(connection, at=at, kind="admins.compare")
    cards = administrators.administrators(connection).values()
    people_store.void_all(connection, but=[b64u(c.passkey.id) for c in cards if isinstance(c, PasskeyCard)])
    token_store.revoke_all(connection, at=at)
    for row in changes.in_state(connection, changes.PENDING):
        give_up(connection, row, changes.WITHDRAWN)
