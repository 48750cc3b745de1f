"""The case systems of Albania, Ukraine and Morocco, and the actions of people there.

Each runs as a process of its own, and the node's adapter reaches it as it would a real one. People there write and read
as they would: rows of a table, the pages that a worker's login of Primero opens, the items of an API.
"""

from __future__ import annotations

import base64
import http.client
import json
import sys
from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any, Protocol

from gateway.demo.chronicle import wait_until
from gateway.demo.database import KEEP_DAYS, Database, find_mapping
from gateway.demo.nodes import format_day, write_private
from gateway.demo.places import Country, Federation
from gateway.demo.processes import Processes
from gateway.demo.standins import GATEWAY, OFFICE, WORKER
from gateway.ports import Json
from keys.keystore.keystore import system_rand
from keys.primitives.encoding import b64u

ASK_SECONDS = 20.0

Message = Mapping[str, Json]
"""`id` and `conversation` of a message that is answered."""


class CaseSystem(Protocol):
    """A case system of one country."""

    @property
    def what(self) -> str:
        """The name under which it is shown."""

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings of the node's adapter; known once it has started."""

    def start(self, processes: Processes) -> None:
        """Start it, and wait until it answers."""

    def shown(self) -> list[Any]:
        """Return all that people there see."""


class _Web:
    """A case system over HTTP on this machine."""

    def __init__(self, country: Country, host: Country) -> None:
        self.country = country
        self.host = host

    @property
    def url(self) -> str:
        """The address at which the adapter finds it."""
        return f"http://127.0.0.1:{self.country.system_port}/{OFFICE}"

    def serve(self, processes: Processes, *who: str) -> None:
        """Make the credentials, start the server and wait for it."""
        files = [self.country.secret(name) for name in who]
        for file in files:
            write_private(file, b64u(system_rand(18)))
        words = [self.country.adapter, str(self.country.system_port), *map(str, files)]
        name = f"the case system of {self.country.title}"
        log = self.country.base / "logs" / f"{self.country.code}-{self.country.adapter}.log"
        processes.start(name, [sys.executable, "-m", "gateway.demo.standins", *words], log)
        wait_until(f"{name} to answer", partial(self._is_up, processes))

    def _is_up(self, processes: Processes) -> bool:
        processes.alive()
        try:
            self.ask("GET", "/", "")
        except OSError:
            return False
        return True

    def ask(self, method: str, path: str, login: str, body: Json = None) -> Any:
        """Return the server's answer to somebody with these credentials; None for an error."""
        headers = {"Authorization": login, "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.country.system_port, timeout=ASK_SECONDS)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, f"/{OFFICE}{path}", data, headers)
            answer = connection.getresponse()
            return json.loads(answer.read()) if answer.status < 300 else None
        finally:
            connection.close()


class Primero(_Web):
    """Ukraine's case system: a strict stand-in for Primero, since no package registry has one that could be started
    here.
    """

    what = "Primero v2 (a stand-in)"

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings of the node's adapter."""
        return {
            "url": self.url,
            "user": GATEWAY,
            "password_file": str(self.country.secret(GATEWAY)),
            "worker": WORKER,
            "mapping": str(find_mapping("ukraine.yaml", self.country, self.host)),
            "journal": str(self.country.journal),
        }

    def start(self, processes: Processes) -> None:
        """Start the server."""
        self.serve(processes, GATEWAY, WORKER)

    def referred(self, message: Json) -> bool:
        """Whether the worker has an open referral of the case that this message has made."""
        return any(
            any(each["transitioned_to"] == WORKER and each["status"] == "in_progress" for each in self._referrals(case))
            for case in self.shown()
            if any(str(note["note_subject"]).endswith(str(message)) for note in case.get("notes_section", []))
        )

    def shown(self) -> list[Any]:
        """Return the cases that were referred to the worker."""
        answer = self.ask("GET", "/api/v2/cases", self._worker())
        return [] if answer is None else list(answer["data"])

    def _referrals(self, case: Mapping[str, Any]) -> list[Any]:
        answer = self.ask("GET", f"/api/v2/cases/{case['id']}/referrals", self._worker())
        return [] if answer is None else list(answer["data"])

    def _worker(self) -> str:
        login = f"{WORKER}:{self.country.secret(WORKER).read_text(encoding='utf-8')}"
        return f"Basic {base64.b64encode(login.encode()).decode()}"


class WebApi(_Web):
    """Morocco's case system: a JSON API, in the words of the office."""

    what = "a web API"

    def __init__(self, country: Country, host: Country, today: date) -> None:
        super().__init__(country, host)
        self._today = today
        self._answers = 0

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings of the node's adapter."""
        return {
            "url": self.url,
            "secret_file": str(self.country.secret(GATEWAY)),
            "mapping": str(find_mapping("morocco.yaml", self.country, self.host)),
            "journal": str(self.country.journal),
            "list_path": "/ready",
            "items": "/data",
            "create_path": "/inbox",
            "notices_path": "/news",
            "erase_path": "/inbox/{id}",
        }

    def start(self, processes: Processes) -> None:
        """Start the server."""
        self.serve(processes, GATEWAY)

    def decline(self, enquiry: Message, staff: str) -> str:
        """Answer as the office that there is no place, as an item that is ready, and return its name."""
        self._answers += 1
        item: dict[str, Json] = {
            "id": f"avis-{self._answers}",
            "demande": {"message": enquiry["id"], "conversation": enquiry["conversation"]},
            "avis": "non",
            "motif": "saturé",
            "agent": staff,
            "priorite": "ordinaire",
            "a_garder_jusqu_au": format_day(self._today, KEEP_DAYS),
        }
        self.ask("POST", "/ready", self._token(), item)
        return str(item["id"])

    def received(self, message: Json) -> bool:
        """Whether the office finds this message in its API."""
        return any(item.get("message_id") == message for item in self.shown())

    def shown(self) -> list[Any]:
        """Return all that was posted to it."""
        answer = self.ask("GET", "/inbox", self._token())
        return [] if answer is None else list(answer["data"])

    def _token(self) -> str:
        return f"Bearer {self.country.secret(GATEWAY).read_text(encoding='utf-8')}"


class Systems:
    """All case systems that are no files, each with its country."""

    def __init__(self, federation: Federation, today: date) -> None:
        host, declining, full = federation.host, federation.declining, federation.full
        self.database = Database(federation.home, host, today)
        self._primero = None if declining is None else Primero(declining, host)
        self._web = None if full is None else WebApi(full, host, today)
        held: tuple[tuple[Country | None, CaseSystem | None], ...] = (
            (federation.home, self.database),
            (declining, self._primero),
            (full, self._web),
        )
        self.of: Mapping[str, CaseSystem] = {
            country.code: system for country, system in held if country is not None and system is not None
        }
        self._federation = federation

    @property
    def primero(self) -> Primero:
        """The one of the country that declines, where there is one."""
        if self._primero is None:
            raise RuntimeError("no country has a Primero here")
        return self._primero

    @property
    def web(self) -> WebApi:
        """The one of the country that has no place, where there is one."""
        if self._web is None:
            raise RuntimeError("no country has a web API here")
        return self._web

    def start(self, processes: Processes) -> None:
        """Start all."""
        for system in self.of.values():
            system.start(processes)

    def export(self) -> None:
        """Write what people see in each system as a file in its folder."""
        for country in self._federation.countries:
            if country.code in self.of:
                seen = json.dumps(self.of[country.code].shown(), ensure_ascii=False, indent=1)
                (country.cases / "seen.json").write_text(seen, encoding="utf-8")
