"""A change in words: what a person reads before signing. Whoever signs makes them from the exact object that is hashed,
so that the words can not say anything else than what is signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from gateway.changes.rules import rule_of
from gateway.errors import RefusedError, RemoteError
from gateway.foundation.json import Json
from gateway.policy.comparison import rules_in_words
from keys.documents.approvals import PasskeyCard, read_card
from schemas.region_pack.policies import read_policy


def words(change: Mapping[str, Json]) -> list[str]:
    """Lines of "name: value" for the whole change; nothing of it is left out."""
    action, body = str(change["action"]), change["body"]
    rule = rule_of(action)
    delay = "; takes effect 24 hours after the last of them, unless all mark it as an emergency" if rule.delayed else ""
    lines = [
        f"change: {rule.words} ({action})",
        f"of node: {change['node']}",
        f"about: {change['subject']}",
        f"needs: {_people(rule.people)}{delay}",
    ]
    for name, value in sorted(body.items() if isinstance(body, dict) else ()):
        lines += _told(name, value)
    return [*lines, f"prepared: {_when(change['at'])}", f"follows: {change['prev'] or 'nothing, it is the first'}"]


def _people(count: int) -> str:
    return {0: "nobody's approval", 1: "one administrator"}.get(count, f"{count} different administrators")


def _told(name: str, value: Json) -> list[str]:
    match name, value:
        case "descriptor", {"version": version, "hash": digest}:
            return [f"descriptor: version {version}, {digest}"]
        case "scope", {**members}:
            return [f"may {part}: {_listed(listed)}" for part, listed in members.items()]
        case "expires" | "backup", _:
            return [f"{name}: {_when(value)}"]
        case "admin", _:
            return [_administrator(value)]
        case "admins", [*cards]:
            return [_administrator(card) for card in cards]
        case "file", str(file):
            return _lets(file)
        case _, None:
            return []
        case _, dict() | list():
            return [f"{name}: {_listed(value)}"]
    return [f"{name}: {value}"]


def _administrator(value: Json) -> str:
    try:
        card = read_card(value)
    except RemoteError:
        return "administrator: no card that this program can read"
    place = f", with a passkey at {card.site.origin}" if isinstance(card, PasskeyCard) else ""
    return f"administrator: {card.label}, pseudonym {card.pseudonym}, key {card.kid}{place}"


def _lets(file: str) -> list[str]:
    """What a policy file opens, rule by rule; the digest beside it stands for its bytes."""
    try:
        return [f"lets {line}" for line in rules_in_words(read_policy(file.encode()))]
    except RefusedError:
        return ["file: no policy that this program can read"]


def _listed(value: object) -> str:
    match value:
        case []:
            return "nothing"
        case [*found]:
            return ", ".join(
                "-".join(str(part) for part in item) if isinstance(item, list) else str(item) for item in found
            )
        case {**members}:
            return ", ".join(f"{name} {_listed(item)}" for name, item in members.items())
    return str(value)


def _when(value: Json) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return "-"
    return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"
