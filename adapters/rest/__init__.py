"""A JSON API of the office, by configuration: a list to read, a path to post to. See README.md."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from adapters.kit.contract import NewBench
from adapters.kit.kind import Kind, Settings, WayOut
from adapters.rest.adapter import RestAdapter
from adapters.rest.api import Api, Login, Paging, Paths
from adapters.rest.setup import plan
from gateway.ports import Erasure

__all__ = ["KIND", "RestAdapter", "RestSettings"]

LocalPath = Annotated[str, Field(pattern=r"^/[!-~]*$")]
FilesPath = Annotated[str, Field(pattern=r"^/[!->@-~]*$")]
"""Without a query: a slash and the number of a file come behind it."""
Pointer = Annotated[str, Field(pattern=r"^(/[!-~]+)?$")]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\[\]-]{1,64}$")]


class RestSettings(Settings):
    """The address of the API, the login of the gateway, and the form of lists and answers."""

    url: str
    ca_file: Path | None = None
    login: Literal["bearer", "basic", "header"] = "bearer"
    user: str | None = None
    header: Word | None = None
    secret_file: Path
    mapping: Path
    journal: Path
    list_path: LocalPath
    items: Pointer = ""
    ref: Pointer = "/id"
    paging: Literal["none", "page", "offset", "cursor", "link"] = "none"
    page_param: Word = "page"
    first_page: int = Field(default=1, ge=0, le=1)
    size_param: Word | None = None
    size: int = Field(default=100, ge=1, le=1000)
    next: Pointer = "/next"
    create_path: LocalPath
    created_id: Pointer = "/id"
    body: Literal["document", "fields"] = "document"
    find_path: LocalPath | None = None
    notices_path: LocalPath | None = None
    erase_path: LocalPath | None = None
    record_path: LocalPath | None = None
    files_path: FilesPath | None = None
    record_files_path: FilesPath | None = None
    record_files: Pointer = "/files"
    erasing: Literal["erased", "disabled_only"] = "erased"
    signing_file: Path | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> "RestSettings":
        if (self.login == "basic") != (self.user is not None) or (self.login == "header") != (self.header is not None):
            raise ValueError("user belongs to login basic, header to login header")
        for name, path, word in (
            ("find_path", self.find_path, "{key}"),
            ("erase_path", self.erase_path, "{id}"),
            ("record_path", self.record_path, "{ref}"),
            ("files_path", self.files_path, "{key}"),
            ("record_files_path", self.record_files_path, "{ref}"),
        ):
            if path is not None and word not in path:
                raise ValueError(f"{name} has {word} in it, which is missing")
        if any(path is not None and path.endswith("/") for path in (self.files_path, self.record_files_path)):
            raise ValueError("files_path and record_files_path end in no slash: one, and a number, come behind them")
        return self

    def mapping_files(self) -> Sequence[Path]:
        """Return the mapping file that reads the items of the list."""
        return (self.mapping,)


def _make(settings: RestSettings, way: WayOut | None = None) -> RestAdapter:
    api = Api(
        settings.url,
        login=Login(kind=settings.login, name=settings.user or settings.header, secret=settings.secret_file),
        paging=Paging(
            kind=settings.paging,
            param=settings.page_param,
            first=settings.first_page,
            size_param=settings.size_param,
            size=settings.size,
            next=settings.next,
        ),
        paths=Paths(
            list=settings.list_path,
            items=settings.items,
            created=settings.created_id,
            find=settings.find_path,
            erase=settings.erase_path,
            record=settings.record_path,
            files=settings.files_path,
            record_files=settings.record_files_path,
        ),
        ca=settings.ca_file,
        signing=settings.signing_file,
        way=way,
    )
    return RestAdapter(
        api,
        create=settings.create_path,
        mapping=settings.mapping,
        journal=settings.journal,
        ref=settings.ref,
        whole=settings.body == "document",
        notices=settings.notices_path,
        erasing=Erasure(settings.erasing) if settings.erase_path is not None else Erasure.NOT_SUPPORTED,
        deleting=Erasure(settings.erasing),
        files=settings.record_files,
    )


def _stand_in(folder: Path) -> AbstractAsyncContextManager[NewBench]:
    from adapters.rest.bench import stand_in

    return stand_in(folder)


KIND = Kind(
    name="rest",
    what="any JSON API, by configuration",
    whom="for offices whose system has an API of its own",
    settings=RestSettings,
    make=_make,
    make_behind=_make,
    stand_in=_stand_in,
    prepare=plan,
)
