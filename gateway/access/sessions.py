"""Who comes in at the console: invitations, passkeys and sessions (nrm1 13.10).

    invited, enrol     an invitation becomes one passkey, and is over
    begin, sign_in     a passkey becomes a session
    admit              a session becomes a person with the rights they have now
    sign_out           the session is over
    shell              a shell that shows a code is the person's (`gateway.access.logins`)
    offer, approval    a passkey becomes an administrator's, and signs changes of trust

There are no passwords. A session is a random secret of which the database holds the hash; each sign-in makes a new one,
and it ends by itself, with the person, and with a change of their rights.

Nothing here can be guessed: a code has 128 bits, a session 256, and a passkey signs. Wrong attempts are therefore
counted to spare the audit log, not to lock anybody out: those for one passkey or invitation by themselves, those that
fit nothing together, and who shows the right thing comes in whatever others tried. The count begins anew with the
process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection

from gateway.access import people_store as rows
from gateway.access import rules
from gateway.access.attempts import NOBODY, SignInAttempts, refusal
from gateway.access.codes import code_hash
from gateway.access.logins import Logins
from gateway.access.people_store import PasskeyRow, PersonRow, SessionRow, roles_of
from gateway.changes import administrators
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation.config import Config
from gateway.foundation.ids import KeyId
from gateway.foundation.workers import Workers
from gateway.operations.ports import Ceremony, Person, Shell
from gateway.operations.roles import Caller, Role
from gateway.ports import Clock, Json
from keys.documents.admin_card import PSEUDONYM
from keys.documents.approvals import PasskeyApproval, PasskeyCard
from keys.documents.change import Change
from keys.primitives import passkey as passkeys
from keys.primitives.challenges import Challenges
from keys.primitives.encoding import DOCUMENT_LIMIT, b64u, canon, is_id, parse, sha256_hex, unb64u
from keys.primitives.passkey import Assertion, Passkey, Site

SECRET = 32
_SIGN_IN = "sign in"


def end_sessions(connection: Connection, sessions: Sequence[SessionRow], reason: str, now: int) -> None:
    """End sessions for one reason, with a leaf for each person."""
    for person in sorted({row.person for row in sessions}):
        count = rows.drop_sessions(connection, [row.hash for row in sessions if row.person == person])
        journal.append_leaf(connection, leaf(now, "session.ended", id=person, reason=reason, count=count))


class People:
    """Implements `gateway.operations.ports.SignIn` on the parts of one node, for the console at one origin."""

    def __init__(
        self,
        *,
        store: Store,
        config: Config,
        attempts: SignInAttempts,
        logins: Logins,
        workers: Workers,
        clock: Clock,
        rand: Callable[[int], bytes],
        origin: str,
    ) -> None:
        self._store = store
        self._config = config
        self._attempts = attempts
        self._logins = logins
        self._workers = workers
        self._clock = clock
        self._rand = rand
        self._site = Site.at(origin)
        self._challenges = Challenges(rand)

    # --- invitations ---------------------------------------------------------------------------------------------

    async def invited(self, code: str) -> tuple[Person, Ceremony]:
        """Find whom an invitation is for, and begin to make their passkey."""
        hash, now = code_hash(code), self._clock.now()
        row = await self._invitation(hash, now)
        held = await self._store.read(lambda c: rows.passkeys_of(c, row.id))
        id, challenge = self._challenges.new(_enrolling(hash), now)
        options = passkeys.creation_options(
            self._site,
            challenge,
            service=f"TRM {self._config.node.name}",
            person=unb64u(row.id),
            name=row.name,
            held=[unb64u(one.id) for one in held],
            synced=not roles_of(row) & rules.DEVICE_BOUND,
        )
        return _person(row), Ceremony(id=id, options=options)

    async def enrol(self, code: str, ceremony: str, credential: Mapping[str, Json]) -> str:
        """Keep the passkey of an invitation and end the invitation; returns the secret of a new session."""
        hash, now = code_hash(code), self._clock.now()
        row = await self._invitation(hash, now)
        try:
            challenge = self._challenges.of(_enrolling(hash), ceremony, now)
            made = await self._workers.off_loop(
                lambda: passkeys.verify_registration(dict(credential), site=self._site, challenge=challenge)
            )
            self._challenges.use(ceremony, now)
        except RemoteError as exc:
            raise await self._attempts.refuse(row.id, row.id, exc.code) from exc
        _check_kind(row, synced=made.synced)
        secret, session = self._new_session(row.id, now)

        def move(connection: Connection) -> None:
            known = rows.find_passkey(connection, b64u(made.id)) is not None
            if known or rows.invited(connection, hash, now) is None:
                raise refusal()
            rows.uninvite(connection, row.id)
            rows.add_passkey(connection, _passkey_row(made, row.id, now))
            journal.append_leaf(connection, leaf(now, "passkey.made", id=row.id, kid=made.kid))
            _begin(connection, session, made.kid, now)

        await self._store.move(move)
        return secret

    async def _invitation(self, hash: str, now: int) -> PersonRow:
        row = await self._store.read(lambda c: rows.invited(c, hash, now))
        if row is None:
            raise await self._attempts.refuse(NOBODY, None, Code.NOT_FOUND)
        return row

    # --- signing in ----------------------------------------------------------------------------------------------

    async def begin(self) -> Ceremony:
        """Begin the sign-in of a person who has a passkey."""
        id, challenge = self._challenges.new(_SIGN_IN, self._clock.now())
        return Ceremony(id=id, options=passkeys.request_options(self._site, challenge))

    async def sign_in(self, ceremony: str, credential: Mapping[str, Json]) -> str:
        """Returns the secret of a new session."""
        now = self._clock.now()
        try:
            assertion = Assertion.from_browser(dict(credential))
        except RemoteError as exc:
            raise await self._attempts.refuse(NOBODY, None, exc.code) from exc
        id = b64u(assertion.id)
        known = await self._store.read(lambda c: _held(c, id))
        if known is None:
            raise await self._attempts.refuse(NOBODY, None, Code.NOT_FOUND)
        row, held = known
        try:
            counter = await self._verified(ceremony, assertion, row, held, now)
        except RemoteError as exc:
            raise await self._attempts.refuse(id, row.id, exc.code) from exc
        _check_kind(row, synced=held.synced)
        secret, session = self._new_session(row.id, now)

        def move(connection: Connection) -> None:
            if _held(connection, id) != known:
                raise refusal()  # ended, or used, since it was read
            rows.use_passkey(connection, id, counter, at=now)
            _begin(connection, session, passkey_of(held).kid, now)

        await self._store.move(move)
        return secret

    async def _verified(self, ceremony: str, assertion: Assertion, row: PersonRow, held: PasskeyRow, now: int) -> int:
        challenge = self._challenges.of(_SIGN_IN, ceremony, now)
        if assertion.holder not in (None, unb64u(row.id)):
            raise RemoteError(Code.MISDIRECTED, "the passkey was made for somebody else")
        counter = await self._workers.off_loop(
            lambda: passkeys.verify_assertion(assertion, passkey_of(held), site=self._site, challenge=challenge)
        )
        self._challenges.use(ceremony, now)
        return counter

    # --- sessions ------------------------------------------------------------------------------------------------

    def _new_session(self, person: str, now: int) -> tuple[str, SessionRow]:
        secret = b64u(self._rand(SECRET))
        return secret, SessionRow(hash=sha256_hex(secret.encode()), person=person, made=now, seen=now)

    async def admit(self, session: str) -> Person | None:
        """Find whose session this secret is; None when it is none, has ended or was idle too long."""
        return await self._find(session, seen=True)

    async def watch(self, session: str) -> Person | None:
        """Do as `admit`, for what the browser asks by itself: a session is idle all the same."""
        return await self._find(session, seen=False)

    async def _find(self, session: str, *, seen: bool) -> Person | None:
        now, hash = self._clock.now(), _session_hash(session)
        found = await self._store.read(lambda c: _session(c, hash))
        if found is None:
            return None
        row, whose, admin = found
        reason = rules.over(row.made, row.seen, now)
        if reason is not None or whose.ended is not None:
            await self._store.move(lambda c: end_sessions(c, [row], reason or "ended", now))
            return None
        if seen and now >= row.seen + rules.SEEN_EACH:
            self._store.move_along(lambda c: rows.touch(c, hash, at=now))
        return _person(whose, admin=admin)

    async def sign_out(self, session: str) -> None:
        """End a session; nothing happens when there is none."""
        now, hash = self._clock.now(), _session_hash(session)

        def move(connection: Connection) -> None:
            found = rows.find_session(connection, hash)
            if found is not None:
                end_sessions(connection, [found[0]], "signed_out", now)

        await self._store.move(move)

    async def speak(self, person: str, language: str) -> None:
        """Remember the language a person reads."""
        rules.check_language(language)
        await self._store.move(lambda c: rows.speak(c, person, language))

    # --- shells --------------------------------------------------------------------------------------------------

    async def shell(self, person: Person, code: str) -> Shell:
        """Find the shell that waits under this code."""
        waiting = await self._logins.asked(person.id, code)
        return Shell(label=waiting.label, seconds=waiting.seconds, ends=waiting.ends)

    async def sign_shell_in(self, person: Person, code: str, *, session: str) -> None:
        """The shell that waits under this code is the person's, who says so in this session."""
        await self._logins.confirm(person.id, code, session=_session_hash(session))

    # --- administrators ------------------------------------------------------------------------------------------

    async def approval(self, person: Person, change: Mapping[str, Json], *, emergency: bool = False) -> Ceremony:
        """Begin to sign as an administrator a change of trust: the challenge is its hash."""
        found = await self._store.read(lambda c: administrators.administrators(c).get(person.admin or ""))
        if not isinstance(found, PasskeyCard):
            raise RefusedError(
                Code.UNAUTHORISED,
                "this person is no administrator with a passkey; nothing was changed",
                hint="an administrator with a key file signs at a shell: trm peer approve",
            )
        card = found
        try:
            signed = Change.parse(canon(dict(change)))
        except RemoteError as exc:
            raise RefusedError(Code.INVALID, f"this change cannot be made: {exc.what}") from exc
        challenge = PasskeyApproval.challenge(signed, emergency=emergency)
        return Ceremony(id=signed.hash, options=passkeys.request_options(card.site, challenge, only=[card.passkey.id]))

    async def offer(self, person: Person) -> Ceremony:
        """Begin the way in which a person who looks after trust puts a passkey of theirs on a card."""
        now, pseudonym = self._clock.now(), b64u(self._rand(PSEUDONYM))
        row, passkey = await self._store.read(lambda c: _able_to_offer(c, person.id))
        challenge = PasskeyCard.challenge(pseudonym=pseudonym, label=row.name, at=now, site=self._site, passkey=passkey)
        options = passkeys.request_options(self._site, challenge, only=[passkey.id])
        return Ceremony(id=f"{now}.{pseudonym}", options=options)

    async def offered(self, person: Person, ceremony: str, credential: Mapping[str, Json]) -> Mapping[str, Json]:
        """Keep the card and return it."""
        now = self._clock.now()
        at, pseudonym = _when_and_who(ceremony, now)

        def move(connection: Connection) -> PasskeyCard:
            row, passkey = _able_to_offer(connection, person.id)
            assertion = Assertion.from_browser(dict(credential))
            card, counter = PasskeyCard.make(
                pseudonym=pseudonym, label=row.name, at=at, site=self._site, passkey=passkey, assertion=assertion
            )
            rows.use_passkey(connection, b64u(passkey.id), counter, at=now)
            rows.offer(connection, row.id, pseudonym, canon(card.to_json()))
            journal.append_leaf(connection, leaf(now, "admin.offered", id=row.id, kid=card.kid))
            return card

        try:
            return (await self._store.move(move)).to_json()
        except RemoteError as exc:
            raise await self._attempts.refuse(person.id, person.id, exc.code) from exc


def _enrolling(hash: str) -> str:
    return f"enrol {hash}"


def _session_hash(session: str) -> str:
    return sha256_hex(session[:100].encode(errors="replace"))


def _session(connection: Connection, hash: str) -> tuple[SessionRow, PersonRow, str | None] | None:
    """A session, whose it is, and under which pseudonym they are an administrator now."""
    found = rows.find_session(connection, hash)
    if found is None:
        return None
    row, whose = found
    enrolled = whose.admin is not None and whose.admin in administrators.administrators(connection)
    return row, whose, whose.admin if enrolled else None


def _person(row: PersonRow, *, admin: str | None = None) -> Person:
    caller = Caller(roles=roles_of(row), unit=row.unit, person=row.id)
    return Person(id=row.id, name=row.name, caller=caller, language=row.language, admin=admin)


def _passkey_row(made: Passkey, person: str, now: int) -> PasskeyRow:
    return PasskeyRow(
        id=b64u(made.id), person=person, key=made.key, counter=made.counter, synced=made.synced, made=now, used=None
    )


def passkey_of(row: PasskeyRow) -> Passkey:
    """A stored passkey as signatures are verified with it."""
    return Passkey(id=unb64u(row.id), key=row.key, counter=row.counter, synced=row.synced)


def _held(connection: Connection, id: str) -> tuple[PersonRow, PasskeyRow] | None:
    held = rows.find_passkey(connection, id)
    row = None if held is None else rows.find(connection, held.person)
    return None if held is None or row is None or row.ended is not None else (row, held)


def _check_kind(row: PersonRow, *, synced: bool) -> None:
    """Return if the passkey stays in its device, as that of whoever looks after trust must."""
    if synced and roles_of(row) & rules.DEVICE_BOUND:
        raise RefusedError(
            Code.UNAUTHORISED,
            "this passkey can be copied to other devices, which is not enough for these rights",
            hint="use a security key, or a passkey that stays on this device",
        )


def _able_to_offer(connection: Connection, person: str) -> tuple[PersonRow, Passkey]:
    """Find who offers to be an administrator, and the passkey that they came in with last: one person, one card."""
    row = rows.find(connection, person)
    if row is None or row.ended is not None or Role.TRUST_ADMIN not in roles_of(row):
        raise RefusedError(
            Code.FORBIDDEN, "only a person with the role of trust administrator can become one; nothing was changed"
        )
    if row.admin is not None and row.admin in administrators.administrators(connection):
        raise RefusedError(
            Code.CONFLICT,
            "this person is an administrator already, and one person counts once; nothing was changed",
            hint="with a new passkey: retire the old one first",
        )
    held = [one for one in rows.passkeys_of(connection, person) if not one.synced]
    if not held:
        raise RefusedError(
            Code.CONFLICT,
            "this needs a passkey that stays on its device; nothing was changed",
            hint="ask for a new invitation, and use a security key",
        )
    return row, passkey_of(max(held, key=lambda one: one.used or one.made))


def _when_and_who(ceremony: str, now: int) -> tuple[int, str]:
    """Read what the id of an offer says; it is signed, so that nothing is kept of it before."""
    at, _, pseudonym = ceremony.partition(".")
    if not (at.isascii() and at.isdigit() and len(at) < 16 and is_id(pseudonym)):
        raise refusal()
    if not now - passkeys.CHALLENGE_LIFE < int(at) <= now:
        raise refusal()
    return int(at), pseudonym


def offered(connection: Connection) -> list[PasskeyCard]:
    """Cards of people who work here that never were an administrator's."""
    known = administrators.labels(connection)
    cards = [row.card for row in rows.load(connection) if row.card and row.ended is None and row.admin not in known]
    return [PasskeyCard.from_json(parse(card, limit=DOCUMENT_LIMIT)) for card in cards]


def still_held(connection: Connection, card: PasskeyCard) -> PasskeyRow:
    """The passkey of an administrator as it is now. Raises RefusedError(not_found) when it was ended."""
    found = rows.find_passkey(connection, b64u(card.passkey.id))
    if found is None:
        raise RefusedError(
            Code.NOT_FOUND,
            "the passkey of this administrator is no longer valid; nothing was changed",
            hint="two others retire them, and enrol their new one",
        )
    return found


def _begin(connection: Connection, session: SessionRow, kid: KeyId, now: int) -> None:
    """A session begins; those that are over are taken out."""
    for row in rows.over(connection, made=now - rules.LONGEST, seen=now - rules.IDLE):
        end_sessions(connection, [row], rules.over(row.made, row.seen, now) or "idle", now)
    rows.begin(connection, session)
    journal.append_leaf(connection, leaf(now, "session.begun", id=session.person, kid=kid))
