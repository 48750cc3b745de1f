"""Primero v2: referrals of its workers go abroad, referrals from abroad become cases. See README.md."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from adapters.kit.contract import NewBench
from adapters.kit.kind import Kind, Settings, WayOut
from adapters.primero.adapter import PrimeroAdapter
from adapters.primero.client import Primero
from adapters.primero.setup import plan

__all__ = ["KIND", "Primero", "PrimeroAdapter", "PrimeroSettings"]


FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,99}$")]


class PrimeroSettings(Settings):
    """The address of Primero, and the account of the gateway there."""

    url: str
    user: str
    password_file: Path
    ca_file: Path | None = None
    mapping: Path
    journal: Path
    worker: str | None = None
    files_field: FieldName | None = None
    sends: FieldName | None = None

    @model_validator(mode="after")
    def _keeps_apart(self) -> "PrimeroSettings":
        """What came from abroad must not go back there by itself."""
        if self.sends is not None and (self.files_field or "").startswith(self.sends):
            raise ValueError("files_field begins with sends: files from abroad would go out again")
        return self

    def mapping_files(self) -> Sequence[Path]:
        """Return the mapping file that reads referrals and writes cases from abroad."""
        return (self.mapping,)


def _make(settings: PrimeroSettings, way: WayOut | None = None) -> PrimeroAdapter:
    client = Primero(settings.url, settings.user, settings.password_file, ca=settings.ca_file, way=way)
    return PrimeroAdapter(
        client,
        user=settings.user,
        mapping=settings.mapping,
        journal=settings.journal,
        worker=settings.worker,
        files_field=settings.files_field,
        sends=settings.sends,
    )


def _stand_in(folder: Path) -> AbstractAsyncContextManager[NewBench]:
    from adapters.primero.bench import stand_in

    return stand_in(folder)


KIND = Kind(
    name="primero",
    what="a Primero v2 (CPIMS+, GBVIMS+)",
    whom="for offices that manage cases in Primero",
    settings=PrimeroSettings,
    make=_make,
    make_behind=_make,
    stand_in=_stand_in,
    prepare=plan,
)
