"""What `trm adapter prepare KIND` makes: a folder of the adapter with what the kind needs beside the case system.

A kind plans, from what it was asked and told; `carry_out` makes the files. Nothing that is there is changed.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Final

from adapters.kit.files import PRIVATE
from gateway.errors import Code, RefusedError
from gateway.ports import Json

PRIVATE_FOLDER: Final = 0o700
MAPPING: Final = "office.yaml"
"""The mapping file of the office, in the folder of the adapter."""
SAMPLE: Final = "sample.json"
SECTION: Final = "adapter.toml"
"""The lines for node.toml, in the folder of the adapter."""
KEEP: Final = timedelta(days=90)
"""How long a sample asks to be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person asked for: the folder, settings of the kind by name, the address of a case system to read from.

    `recipient` is whom the sample is for, a peer by its name; `today` is the date here; `line_list` makes an empty
    workbook in a language.
    """

    folder: Path
    given: Mapping[str, str]
    recipient: str
    language: str
    today: date
    line_list: Callable[[str], bytes]
    source: str | None = None

    def path(self, name: str) -> str:
        """Return the whole path of something in the folder, as a setting has it."""
        return str(self.folder / name)

    @property
    def check(self) -> str:
        """The command that looks whether everything is there."""
        return f"trm adapter check --settings {quoted(self.path(SECTION))}"

    def into_node(self, *owned: Path) -> str:
        """The step that gives the lines to a node, and `owned` (the folder, if nothing else) to its account."""
        what = " ".join(quoted(path) for path in owned or (self.folder,))
        return (
            f"put the lines of {self.path(SECTION)} into node.toml, in place of the section [adapter] that is there; "
            f"the account of the node has to own what was made: chown -R ACCOUNT {what}; then start the node again"
        )

    def setting(self, name: str) -> str:
        """Return a setting that was given. Raises RefusedError(invalid) where it was not."""
        if name not in self.given:
            raise RefusedError(
                Code.INVALID,
                f"{name} is not given; nothing was made",
                hint=f"add --set {name}=..., see docs/settings.md",
            )
        return self.given[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One value that a field of a case system offers, with its texts by language."""

    id: str
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemField:
    """One field of a case system, as its own configuration describes it. `sort` is `text`, `date`, `choice` or another
    word of that system, for fields that no rule of a mapping reads; `where` is its form.
    """

    name: str
    sort: str
    where: str
    many: bool = False
    texts: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[Option] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """A field name whose meaning is certain in this kind of system, and the member of the message that it becomes.
    `codes` are values that the system itself ships and that mean one code, whatever their label is.
    """

    name: str
    path: str
    type: str
    code_list: str | None = None
    codes: Mapping[str, str] = field(default_factory=dict)
    many: bool = False
    always: bool = False
    """Whether every record has it, whatever the forms are."""
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """The fields of a case system from which a mapping file is made, and those whose meaning is certain by name."""

    name: str
    title: str
    body_type: str
    fields: Sequence[SystemField]
    meant: Sequence[Meant]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to make in the folder: subfolders, and files with their text. `settings` are the lines of `[adapter]`,
    `open` those that a person has to fill in, with what belongs there; `steps` is what a person does next, in order.
    With `configured` the mapping file is made of a case system's own fields.
    """

    folders: Sequence[str] = ()
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    settings: Mapping[str, Json] = field(default_factory=dict)
    open: Mapping[str, str] = field(default_factory=dict)
    steps: Sequence[str] = ()
    configured: Configured | None = None


class Outcome(StrEnum):
    """What became of one planned thing."""

    MADE = "made"
    THERE = "there"
    """It was there, and was left as it is."""


def carry_out(folder: Path, folders: Sequence[str], texts: Mapping[str, str | bytes]) -> list[tuple[Path, Outcome]]:
    """Make the folders and files of a plan, 0700 and 0600; what is there stays as it is, whatever is in it.

    Raises RefusedError(invalid) where something else is in the place of a folder, OSError of the disk.
    """
    made = [_make_folder(folder)]
    made += [_make_folder(folder / name) for name in folders]
    return [*made, *(_make_file(folder / name, text) for name, text in texts.items())]


def _make_folder(path: Path) -> tuple[Path, Outcome]:
    try:
        path.mkdir(mode=PRIVATE_FOLDER, parents=True)
    except FileExistsError:
        if not stat.S_ISDIR(path.lstat().st_mode):
            raise RefusedError(
                Code.INVALID, f"{path} is no folder; it was left as it is", hint="name another folder with --into"
            ) from None
        return path, Outcome.THERE
    return path, Outcome.MADE


def _make_file(path: Path, text: str | bytes) -> tuple[Path, Outcome]:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE)
    except FileExistsError:
        return path, Outcome.THERE
    with os.fdopen(handle, "wb") as file:
        file.write(text.encode() if isinstance(text, str) else text)
        file.flush()
        os.fsync(file.fileno())
    return path, Outcome.MADE


def starter_mapping(recipient: str) -> str:
    """Return a mapping file to start from: an enquiry, which needs no consent and holds no personal data."""
    text = files("adapters.kit.setup").joinpath("enquiry.yaml").read_text(encoding="utf-8")
    return text.replace("to: AL", f'to: "{plain_name(recipient)}"')


def starter_record(today: date) -> dict[str, Json]:
    """Return an invented record that the mapping to start from reads whole."""
    return {
        "services": "shelter; doctor",
        "age_group": "adult",
        "kind": "return",
        "urgency": "normal",
        "keep_until": (today + KEEP).isoformat(),
    }


def sample_draft(recipient: str, today: date) -> dict[str, Json]:
    """Return an invented draft for a drop folder: the same enquiry in the form of the local API."""
    return {
        "type": "enquiry.capacity/1",
        "to": plain_name(recipient),
        "header": {
            "sender_unit": "focal-point",
            "sender_role": "national_focal_point",
            "recipient_unit": "focal-point",
            "recipient_role": "national_focal_point",
            "priority": "normal",
            "handling": {
                "onward_sharing": "none",
                "retain_until": (today + KEEP).isoformat(),
                "export_to_local": "full",
            },
            "language": "en",
        },
        "content": {"services": ["safe_accommodation"], "age_group": "adult", "referral_kind": "return_reception"},
    }


def plain_name(recipient: str) -> str:
    """Return the name of a peer. Raises RefusedError(invalid) for what is none."""
    if not recipient or len(recipient) > 64 or not all(each.isalnum() or each in "-_." for each in recipient):
        raise RefusedError(
            Code.INVALID, "this is no name of a peer; nothing was made", hint="trm peer list shows the names"
        )
    return recipient


def quoted(path: str | Path) -> str:
    """Quote a path for a shell, where it needs that."""
    return shlex.quote(str(path))
