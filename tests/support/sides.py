"""Two nodes beside which programs run, and the programs of a page of docs/, run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support import desks
from support.desks import Desk
from support.house import ROOT
from support.patience import PATIENCE
from support.ports import free_port


@dataclass(frozen=True)
class Side:
    """One node with loopback, and the token that `trm init` made."""

    desk: Desk
    port: int

    @property
    def token(self) -> str:
        """The one of the case system."""
        return (self.desk.folder / "api-token").read_text().strip()

    @property
    def url(self) -> str:
        """The address of the local API."""
        return f"http://127.0.0.1:{self.port}"


def side(base: Path, name: str, *, at_the_desk: bool) -> Side:
    """A node that listens on loopback, with or without a case system of its own."""
    desk, port = desks.make(base, name), free_port()
    settings = desk.folder / "node.toml"
    text = settings.read_text()
    if at_the_desk:
        text = re.sub(r"\[adapter\]\n(?:[^\[\n]*\n)*", "", text)
    settings.write_text(text + f'\n[local]\nlisten = "127.0.0.1:{port}"\n')
    return Side(desk=desk, port=port)


def examples(page: str, languages: Iterable[str], names: Iterable[str]) -> dict[tuple[str, str], str]:
    """The blocks of a page of docs/ by language and name: three backquotes, the language, the name."""
    block = re.compile(rf"^```({'|'.join(languages)}) ({'|'.join(names)})\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return {(language, name): body for language, name, body in block.findall(text)}


def ran(at: Side, *command: str | Path, folder: Path, **environment: str) -> str:
    """What a program prints that runs beside this node, in a folder."""
    env: Mapping[str, str] = {**os.environ, "TRM_URL": at.url, "TRM_TOKEN": at.token, **environment}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True)
class Programs:
    """Programs in one language, a file for each in `folder`, and what runs them."""

    folder: Path
    run: tuple[str, ...]
    suffix: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def printed(self, at: Side, name: str, *words: str | Path, **environment: str) -> list[list[str]]:
        """The words of each line that a program prints beside this node."""
        command = (*self.run, self.folder / f"{name}{self.suffix}", *words)
        lines = ran(at, *command, folder=self.folder, **self.environment, **environment).splitlines()
        return [line.split() for line in lines]
