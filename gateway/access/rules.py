"""People: who may give whom which rights, and how long a session or a personal token lasts.

Two rules keep one person from getting more by themselves: nobody changes their own row, and nobody gives what they do
not have. What reads content is given by who reads it, a focal point; everything else by who looks after trust. So a
trust administrator can not make up a case worker to be, nor take over the passkey of one by inviting them anew.
To end somebody's access is no such gift: it is quick, and one person of either role may.

Who may release, and who may be shown content for a reason, needs the word of an administrator besides, for their rights
and for each code: whoever sees a code can be that person. The administrators who gave it since the last code vouch for
the person. Two people release together only if two administrators vouch for them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from gateway.errors import Code, Finding, RefusedError
from gateway.operations.roles import LET_IN, READS_CONTENT, RELEASES, Caller, Role

MINUTE = 60
HOUR = 60 * MINUTE
IDLE = 30 * MINUTE
"""Seconds without a request after which a session is over."""
LONGEST = 10 * HOUR
"""Seconds after which a session is over, however much it is used: a working day."""
INVITED = 24 * HOUR
"""Seconds for which an invitation is good."""
SEEN_EACH = MINUTE
"""Seconds between two writes of when a session was used."""

DAY = 24 * HOUR
LOGIN_USUAL = 12 * HOUR
"""Seconds for which a personal token lasts unless something else is asked for: a long shift."""
LOGIN_LONGEST = 30 * DAY
LOGIN_WAITS = 10 * MINUTE
"""Seconds in which the person confirms at the console that a shell is theirs."""
LOGIN_KEPT = 30 * DAY
"""Seconds for which it is kept that a personal token has ended, so that who shows it learns why it is refused."""

PERSONAL: tuple[Role, ...] = tuple(role for role in Role if role is not Role.ADAPTER)
"""The roles of people; a case system has a token."""
DEVICE_BOUND: frozenset[Role] = frozenset({Role.TRUST_ADMIN})
"""Roles that a passkey which can be copied to other devices does not open (nrm1 13.10)."""
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800") | {
    chr(code)
    for first, last in ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
    for code in range(first, last + 1)
}
"""Letters and marks that show nothing and are not of the category of format characters."""
WATCHES: frozenset[Role] = frozenset({Role.DATA_PROTECTION_OFFICER, Role.AUDITOR})
"""Roles that a data protection officer may have: who watches over the others' work does none of it (domain 6.15)."""
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", re.ASCII)


def check_language(language: str) -> None:
    """Return if this can be the tag of a language (BCP 47). Raises RefusedError(invalid)."""
    if not _LANGUAGE.fullmatch(language):
        raise RefusedError(
            Code.INVALID,
            "this is not a language tag; nothing was changed",
            findings=[Finding(place="/language", rule="pattern", hint="such as fr or pt-BR")],
        )


def same_name(name: str) -> str:
    """Fold a name to what is equal for two names that a reader cannot tell apart: neither case nor spaces count, nor
    characters that are not seen (format characters, fillers, selectors of variants), nor how a letter is composed.
    """
    plain = unicodedata.normalize("NFKC", name).casefold()
    return " ".join("".join(letter for letter in plain if not _is_unseen(letter)).split())


def _is_unseen(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cf", "Cc", "Co", "Cn") or letter in _UNSEEN


def over(made: int, seen: int, now: int) -> str | None:
    """Why a session is over: `idle`, `too_long`, or None while it lasts."""
    if now >= made + LONGEST:
        return "too_long"
    return "idle" if now >= seen + IDLE else None


def check_another(caller: Caller, person: str) -> None:
    """Return if this is somebody else. Raises RefusedError(forbidden)."""
    if caller.person == person:
        raise RefusedError(
            Code.FORBIDDEN, "nobody may change their own rights; nothing was changed", hint="ask a colleague to do it"
        )


def check_gives(caller: Caller, roles: Iterable[Role]) -> None:
    """Return if the caller may give all of these roles. Raises RefusedError(forbidden)."""
    lacking = {giver(role) for role in roles} - caller.roles
    if lacking and not caller.owner:
        raise RefusedError(
            Code.FORBIDDEN,
            "nobody may give rights that they do not have; nothing was changed",
            findings=[Finding(place="/roles", rule="role", hint=role) for role in sorted(lacking)],
        )


def check_apart(roles: frozenset[Role]) -> None:
    """Return if one person may have all of these roles. Raises RefusedError(invalid)."""
    if Role.DATA_PROTECTION_OFFICER in roles and not roles <= WATCHES:
        raise RefusedError(
            Code.INVALID,
            "a data protection officer has no other role than auditor besides; nothing was changed",
            hint="let somebody else work on cases, on trust and on the node",
            findings=[Finding(place="/roles", rule="role", hint=role) for role in sorted(roles - WATCHES)],
        )


def releases(roles: Iterable[Role]) -> bool:
    """Whether who has these roles may release."""
    return not RELEASES.isdisjoint(roles)


def needs_word(roles: Iterable[Role]) -> bool:
    """Whether an administrator lets in who has these roles."""
    return not LET_IN.isdisjoint(roles)


def widens(before: Iterable[Role], before_unit: str | None, after: Iterable[Role], after_unit: str | None) -> bool:
    """Whether somebody may do after a change what needs the word of an administrator, and could not before: another
    role, or for another unit.
    """
    if not needs_word(after):
        return False
    new = LET_IN & frozenset(after) - frozenset(before)
    return bool(new) or (before_unit is not None and after_unit != before_unit)


def check_two_people(first: frozenset[str], second: frozenset[str]) -> None:
    """Return if two people are two by the word of those who let them in: together at least two administrators vouch for
    them, and one at least for each. Whoever saw the codes of both could be both. Raises RefusedError(conflict).
    """
    if not first or not second or len(first | second) < 2:
        raise RefusedError(
            Code.CONFLICT,
            "only one administrator, or none, vouches that these are two different people; nothing was released",
            hint="another administrator who has met one of them says so: trm person vouch NAME --as KEYFILE",
        )


def giver(role: Role) -> Role:
    """Name the role that gives a role, besides the owner of the node."""
    return Role.FOCAL_POINT if role in READS_CONTENT else Role.TRUST_ADMIN
