"""A JSON API under the control of a test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from adapters.kit.contract import MARKER, NewBench, Trouble, in_folders
from adapters.rest.adapter import RestAdapter
from adapters.rest.standin import ApiOffice, StandIn

SAMPLE = Path(__file__).with_name("sample.yaml")
TOKEN = "a token of the bench"  # noqa: S105 (opens the stand-in of the bench alone)
SIGNING = "whsec_" + "A" * 43 + "="


class RestBench:
    """An API for the cases of the contract."""

    troubles = (
        Trouble.FAILING,
        Trouble.SLOW,
        Trouble.CUT,
        Trouble.THROTTLED,
        Trouble.LOCKED_OUT,
        Trouble.GARBLED,
        Trouble.SMALL_PAGES,
        Trouble.UNMAPPED_CODE,
    )

    def __init__(self, url: str, office: ApiOffice, folder: Path) -> None:
        self.url = url
        self.office = office
        self.folder = folder
        self.gender = "female"
        self.offered = 0
        office.token = TOKEN
        office.folder = folder / "files"
        office.folder.mkdir(exist_ok=True)
        for name, text in (("token", TOKEN), ("signing", SIGNING)):
            file = folder / name
            file.write_text(text)
            file.chmod(0o600)

    @contextmanager
    def trouble(self, kind: Trouble) -> Iterator[None]:
        """Switch on a fault of the stand-in."""
        faults: dict[Trouble, tuple[str, Any]] = {
            Trouble.FAILING: ("status", 500),
            Trouble.THROTTLED: ("status", 429),
            Trouble.SLOW: ("slow", 1.0),
            Trouble.CUT: ("cut", True),
            Trouble.GARBLED: ("garbled", True),
            Trouble.LOCKED_OUT: ("token", "another one"),
            Trouble.SMALL_PAGES: ("largest", 2),
        }
        name, value = faults.get(kind, ("largest", self.office.largest))
        before = getattr(self.office, name)
        setattr(self.office, name, value)
        self.gender = "of another list" if kind is Trouble.UNMAPPED_CODE else "female"
        try:
            yield
        finally:
            setattr(self.office, name, before)
            self.gender = "female"

    def settings(self) -> Mapping[str, str | int | bool]:
        return {
            "url": self.url,
            "secret_file": str(self.folder / "token"),
            "mapping": str(SAMPLE),
            "journal": str(self.folder / "journal.db"),
            "list_path": "/ready",
            "items": "/data",
            "paging": "page",
            "size_param": "size",
            "create_path": "/inbox",
            "notices_path": "/news",
            "erase_path": "/inbox/{id}",
            "record_path": "/ready/{ref}",
            "files_path": "/inbox/{key}/files",
            "record_files_path": "/ready/{ref}/files",
            "signing_file": str(self.folder / "signing"),
        }

    def adapter(self, **more: object) -> RestAdapter:
        from adapters.rest import KIND

        made = KIND.make(KIND.settings.model_validate({**self.settings(), **more}))
        if not isinstance(made, RestAdapter):
            raise TypeError("the kind makes another adapter")
        if self.office.slow:
            made.api.have_patience(0.4)
        return made

    def offer(self, name: str) -> None:
        self.offered += 1
        self.office.ready.append({"id": self.offered, "note": name, "person": {"gender": self.gender}})

    def offer_file(self, name: str, data: bytes) -> None:
        self.offer(name)
        self.office.file_of_item(str(self.offered), 0).write_bytes(data)
        self.office.ready[-1]["files"] = [{"size": len(data), "doc_kind": "court_document"}]

    def offer_bad(self, name: str) -> None:
        self.offer(MARKER)
        self.office.ready[-1]["amount"] = 1.5

    def received(self) -> list[str]:
        return [each["message_id"] for each in self.office.posted.values() if each.get("format") == "trm-delivery/1"]

    def received_files(self) -> list[bytes]:
        return [
            self.office.file_of_message(each["key"], entry["part"]).read_bytes()
            for each in self.office.posted.values()
            for entry in each.get("attachments", [])
        ]

    def noticed(self) -> list[str]:
        return [each["kind"] for each in self.office.posted.values() if each.get("format") == "trm-notice/1"]

    def shows(self, text: str) -> bool:
        return any(text in str(each) for each in self.office.posted.values())

    def holds(self, text: str) -> bool:
        journal = self.folder / "journal.db"
        noted = journal.read_bytes() if journal.exists() else b""
        kept = [noted, *(path.read_bytes() for path in self.office.files.iterdir())]
        return self.shows(text) or text in str(self.office.ready) or any(text.encode() in each for each in kept)


@asynccontextmanager
async def stand_in(folder: Path) -> AsyncIterator[NewBench]:
    """One server; each bench has an office of its own on it."""
    async with StandIn() as server, in_folders(lambda own: RestBench(*server.new(), own), folder) as new:
        yield new
