"""Two administrators per node, and the ceremony by which they change trust, for every way in which tests reach a node.

The keys are in memory: nothing is derived from a passphrase. A ceremony is a generator of (operation, arguments) that
is sent each answer, so that it is written once: `play` drives it through a function, `aplay` through a coroutine.

    play(pairing(people, "AL"), node.call)                     what this side does to trust AL, by two people, at once
    play(change(people, "peer.suspend", "AL"), node.call)      any other change; `people` as many as it needs
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.changes.rules import RULES, Action
from keys.documents.admin_card import AdminCard
from keys.documents.change import Change
from keys.keystore.keystore import DEFAULT_COST, Cost
from keys.offline.administrator_key import Admin, new_admin, write_admin
from keys.primitives.encoding import canon

Steps = Generator[tuple[str, dict[str, Any]], Any, Any]

ADMINS: tuple[Admin, Admin] = (new_admin(label="Ana B.", now=0), new_admin(label="Ben C.", now=0))
"""The two administrators of every node under test, unless a test wants others."""
CARDS: tuple[AdminCard, AdminCard] = (ADMINS[0].card, ADMINS[1].card)


SECRET = "administrator's secret"


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """The administrators' key files, for verbs; opening one costs what it costs a person."""

    folder: Path

    def signed(self, number: int) -> tuple[str, ...]:
        """The options by which administrator `number`, 0 or 1, signs."""
        return "--as", str(self.folder / f"{number}.key"), "--admin-passphrase-file", str(self.folder / "secret")

    def public(self, number: int) -> str:
        """Their public file."""
        return str(self.folder / f"{number}.key.public")


def key_files(folder: Path, admins: Sequence[Admin] = ADMINS, *, cost: Cost = DEFAULT_COST) -> KeyFiles:
    """Write key files and public files of administrators into a new folder."""
    folder.mkdir(parents=True)
    (folder / "secret").write_text(SECRET, encoding="utf-8")
    for number, admin in enumerate(admins):
        write_admin(folder / f"{number}.key", SECRET, admin, cost=cost)
        (folder / f"{number}.key.public").write_bytes(admin.card.document.encode())
    return KeyFiles(folder)


def change(
    people: Sequence[Admin], action: str, subject: str, *, emergency: bool = True, at: int | None = None, **wanted: Any
) -> Steps:
    """Prepare a change, propose it with the first of `people`, and let as many others approve as it needs."""
    prepared = yield "change.prepare", {"action": action, "subject": subject, **wanted}
    payload = Change.parse(canon(prepared["change"]))
    assert payload.hash == prepared["hash"]
    when = payload.at if at is None else at
    needed = people[: RULES[Action(action)].people]
    said = [admin.approve(payload, at=when, emergency=emergency).document.to_json() for admin in needed]
    shown = yield "change.propose", {"change": prepared["change"], "approval": said[0]}
    for approval in said[1:]:
        shown = yield "change.approve", {"id": prepared["hash"], "approval": approval}
    return shown


def pairing(people: Sequence[Admin], peer: str, *, channel: str = "video", **wanted: Any) -> Steps:
    """Compare the digits with `peer` and trust it, by two people in an emergency."""
    digits = (yield "peer.code", {"id": peer})["code"]
    return (yield from change(people, "peer.activate", peer, digits=digits, channel=channel, **wanted))


def play(steps: Steps, call: Callable[..., Any]) -> Any:
    """Drive a ceremony through `call(operation, **arguments)`."""
    answer = None
    try:
        while True:
            operation, arguments = steps.send(answer)
            answer = call(operation, **arguments)
    except StopIteration as end:
        return end.value


async def aplay(steps: Steps, call: Callable[..., Awaitable[Any]]) -> Any:
    """Drive a ceremony through a coroutine function."""
    answer = None
    try:
        while True:
            operation, arguments = steps.send(answer)
            answer = await call(operation, **arguments)
    except StopIteration as end:
        return end.value
