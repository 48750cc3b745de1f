"""The people of a training country: who acts while its past is made, and how each of them signs in afterwards.

Tokens and invitations are in a file that only this user can read, `secrets/FR-people.json`, and nowhere else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.cli import transfers
from gateway.cli.connection import call_node
from gateway.demo.people import enrol_person, let_in
from gateway.demo.places import Country
from gateway.demo.training.clock import LaggingClock
from gateway.demo.training.places import people_file
from gateway.demo.training.steps import Steps
from gateway.operations.roles import Role
from gateway.ports import Json
from keys.offline.administrator_key import Admin

LOGIN_HOURS = 30 * 24
"""As long as a personal token may last: those who make the past stay signed in through it."""
FOCAL, WORKER = "focal point", "case worker"
_ACTING: Mapping[str, tuple[Role, ...]] = {FOCAL: (Role.FOCAL_POINT,), WORKER: (Role.CASE_WORKER,)}
_LOOKING: Mapping[str, tuple[Role, ...]] = {"auditor": (Role.AUDITOR,), "trust administrator": (Role.TRUST_ADMIN,)}
"""Invited in one country besides: they act on no case."""
WATCHED = "FR"
"""The country that has an auditor and a trust administrator too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """Somebody who is invited to the console; `address` is None for who has made a passkey already."""

    who: str
    country: str
    roles: tuple[Role, ...]
    console: str
    address: str | None


class Crew:
    """The people of one country. Every method raises GatewayError when the node refuses."""

    def __init__(self, country: Country, steps: Steps) -> None:
        self.country = country
        self._steps = steps
        self._file = people_file(country)
        self._kept: dict[str, dict[str, str]] = (
            json.loads(self._file.read_text(encoding="utf-8")) if self._file.exists() else {}
        )

    def enrol(self, admins: Sequence[Admin], clock: LaggingClock) -> None:
        """Enrol the two who act, each let in by another administrator, and sign each in at a shell."""
        for (who, roles), admin in zip(_ACTING.items(), admins, strict=True):
            made = enrol_person(self.owner, admin, clock=clock, name=self.name(who), roles=[*map(str, roles)])
            taken = self.owner("login.enrol", code=made["code"], label="the training", hours=LOGIN_HOURS)
            self._keep(who, id=str(made["id"]), token=str(taken["token"]))

    def name(self, who: str) -> str:
        """Return the name under which somebody works here."""
        return f"{self.country.code} {who}"

    def person(self, who: str) -> str:
        """Return the id of somebody who works here."""
        return self._kept[who]["id"]

    def owner(self, operation: str, /, **arguments: Json) -> dict[str, Json]:
        """Do one operation as the owner of the node."""
        return self._call(operation, arguments)

    def ask(self, who: str, operation: str, /, **arguments: Json) -> dict[str, Json]:
        """Do one operation as somebody who works here."""
        return self._call(operation, arguments, token=self._kept[who]["token"])

    def once(self, step: str, who: str, operation: str, /, **arguments: Json) -> dict[str, Json]:
        """Do one operation as somebody, in a training once: the answer of a step that was done is returned."""
        token = self._kept[who]["token"]
        self._steps.once(step, lambda: self._call(operation, arguments, token=token, key=f"training/{step}"))
        return self._steps.answer(step)

    def attach(self, step: str, who: str, file: Path) -> dict[str, Json]:
        """Seal a file for a message that is still to be sent; in a training once."""
        token = self._kept[who]["token"]
        self._steps.once(step, lambda: transfers.add_file(self.country.door, file, None, None, token))
        return self._steps.answer(step)

    def invite(self, admins: Sequence[Admin]) -> list[Invited]:
        """Invite everybody who has no passkey here yet, for a day, and return all with their roles."""
        listed = self.owner("person.list")["people"]
        known = {str(one["name"]): one for one in listed if isinstance(one, dict)} if isinstance(listed, list) else {}
        working = {**_ACTING, **(_LOOKING if self.country.code == WATCHED else {})}
        return [
            Invited(
                who=self.name(who),
                country=self.country.title,
                roles=roles,
                console=f"http://localhost:{self.country.console_port}/",
                address=self._address(who, roles, known.get(self.name(who)), admins[place % len(admins)]),
            )
            for place, (who, roles) in enumerate(working.items())
        ]

    def _address(self, who: str, roles: Sequence[Role], found: dict[str, Json] | None, admin: Admin) -> str | None:
        if found is None:
            return str(self.owner("person.add", name=self.name(who), roles=[*map(str, roles)])["address"])
        if found["passkeys"]:
            return None
        asked = self.owner("person.invite", id=found["id"])
        return str((let_in(self.owner, admin, asked) if who in _ACTING else asked)["address"])

    def _call(
        self, operation: str, arguments: Mapping[str, Json], *, token: str | None = None, key: str | None = None
    ) -> dict[str, Json]:
        value = call_node(self.country.door, operation, arguments, token=token, key=key)
        if not isinstance(value, dict):
            raise TypeError(f"{operation} answers with an object")
        return value

    def _keep(self, who: str, **said: str) -> None:
        self._kept[who] = self._kept.get(who, {}) | said
        handle = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(self._kept, file)
