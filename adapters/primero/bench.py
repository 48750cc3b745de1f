"""A Primero under the control of a test: the stand-in, a worker who refers cases, and the gateway's account."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from adapters.kit.contract import MARKER, NewBench, Trouble, in_folders
from adapters.primero.adapter import PrimeroAdapter
from adapters.primero.client import Primero
from adapters.primero.standin import Account, Faults, Office, StandIn
from adapters.primero.standin.attachments import attach

SAMPLE = Path(__file__).with_name("sample.yaml")
USER, WORKER, PASSWORD = "trm_gateway", "worker", "a long password of the bench"
DOCUMENTS, SENDS = "other_documents", "for_abroad_"
_MESSAGE = re.compile(r"[a-z_.]+/[0-9]+ (\S+)")
_NEWS = re.compile(r"TRM ([a-z]+)")


class PrimeroBench:
    """A Primero for the cases of the contract."""

    troubles = (
        Trouble.FAILING,
        Trouble.SLOW,
        Trouble.CUT,
        Trouble.THROTTLED,
        Trouble.LOCKED_OUT,
        Trouble.GARBLED,
        Trouble.SMALL_PAGES,
        Trouble.EQUAL_STAMPS,
        Trouble.CLOCK_AHEAD,
        Trouble.CLOCK_BEHIND,
        Trouble.UNMAPPED_CODE,
    )

    def __init__(self, url: str, office: Office, folder: Path) -> None:
        self.url = url
        self.office = office
        self.folder = folder
        self.worker = Account(WORKER, sees_all=True)
        self.office.accounts = {WORKER: self.worker, USER: Account(USER, PASSWORD)}
        self._password = folder / "password"
        self._password.write_text(PASSWORD)
        self._password.chmod(0o600)
        self._sex = "female"
        self._patience = 30.0

    @contextmanager
    def trouble(self, kind: Trouble) -> Iterator[None]:
        """Switch on a fault of the stand-in."""
        faults = {
            Trouble.FAILING: Faults(status=500),
            Trouble.SLOW: Faults(slow=1.0),
            Trouble.CUT: Faults(cut=True),
            Trouble.THROTTLED: Faults(status=429),
            Trouble.LOCKED_OUT: Faults(locked_out=True),
            Trouble.GARBLED: Faults(garbled=True),
            Trouble.SMALL_PAGES: Faults(largest_page=2),
            Trouble.EQUAL_STAMPS: Faults(stands_still=True),
            Trouble.CLOCK_AHEAD: Faults(clock=timedelta(hours=26)),
            Trouble.CLOCK_BEHIND: Faults(clock=timedelta(hours=-26)),
        }
        self.office.faults = faults.get(kind, Faults())
        self._patience = 0.4 if kind is Trouble.SLOW else 30.0
        self._sex = "of another list" if kind is Trouble.UNMAPPED_CODE else "female"
        try:
            yield
        finally:
            self.office.faults, self._sex = Faults(), "female"

    def settings(self) -> Mapping[str, str | int | bool]:
        return {
            "url": self.url,
            "user": USER,
            "password_file": str(self._password),
            "mapping": str(SAMPLE),
            "journal": str(self.folder / "journal.db"),
            "worker": WORKER,
            "files_field": DOCUMENTS,
            "sends": SENDS,
        }

    def adapter(self, *, files: bool = True) -> PrimeroAdapter:
        return PrimeroAdapter(
            Primero(self.url, USER, self._password, patience=self._patience),
            user=USER,
            mapping=SAMPLE,
            journal=self.folder / "journal.db",
            worker=WORKER,
            files_field=DOCUMENTS if files else None,
            sends=SENDS if files else None,
        )

    def offer(self, name: str) -> None:
        self.case(name_first=name, sex=self._sex)

    def offer_file(self, name: str, data: bytes) -> None:
        case, _ = self.case(name_first=name, sex=self._sex)
        self.attach(case, f"{SENDS}court_document", data)

    def attach(self, case: str, field: str, data: bytes) -> int:
        """Attach a document to a case, as a worker does; return its number."""
        told = {"field_name": field, "attachment_type": "document", "file_name": "the paper of a person.pdf"}
        return int(attach(self.office, self.worker, case, {**told, "attachment": b64encode(data).decode()})["id"])

    def offer_bad(self, name: str) -> None:
        self.case(name_first=MARKER, age=1.5)

    def case(self, *, notes: str = "to Albania", **fields: object) -> tuple[str, str]:
        """Make a case with consent as a worker and refer it to the gateway with these notes; return the ids of the case
        and the referral.
        """
        given = {"consent_for_services": True, "disclosure_other_orgs": True, **fields}
        case, _ = self.office.create(self.worker, {"id": str(uuid4()), **given})
        referral = self.office.refer(self.worker, case["id"], {"transitioned_to": USER, "notes": notes})
        return case["id"], referral["id"]

    def notes(self) -> list[dict[str, str]]:
        """Return every note of every case."""
        return [note for case in self.office.cases.values() for note in case.get("notes_section", [])]

    def received(self) -> list[str]:
        return [match[1] for note in self.notes() if (match := _MESSAGE.match(note["note_subject"]))]

    def received_files(self) -> list[bytes]:
        return [each["content"] for each in self.office.attachments.values() if each["field_name"] == DOCUMENTS]

    def noticed(self) -> list[str]:
        return [match[1] for note in self.notes() if (match := _NEWS.match(note["note_subject"]))]

    def shows(self, text: str) -> bool:
        return any(text in note["note_text"] for note in self.notes())

    def holds(self, text: str) -> bool:
        journal = self.folder / "journal.db"
        noted = journal.read_bytes() if journal.exists() else b""
        kept = [noted, *(each["content"] for each in self.office.attachments.values())]
        return text in str(self.office.cases) or any(text.encode() in each for each in kept)


@asynccontextmanager
async def stand_in(folder: Path) -> AsyncIterator[NewBench]:
    """One server; each bench has a Primero of its own on it."""
    async with StandIn() as server, in_folders(lambda own: PrimeroBench(*server.new(), own), folder) as new:
        yield new
