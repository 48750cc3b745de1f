"""ajv in its own process (judge.cjs), for verdicts that no Python package has a part in."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from support.shared import ROOT, lacking

MODULES = ROOT / ".venv-node"
"""Where `.ci/run` installs what package-lock.json pins."""


@dataclass(frozen=True, slots=True)
class Ajv:
    """One running judge; its answers come one by one, in the order of the questions."""

    process: subprocess.Popen[str]

    def broken(self, file: str, body: object) -> list[dict[str, Any]]:
        """What `body` breaks of the published schema `file`, as judge.cjs has it; nothing for a valid one."""
        asked, answered = self.process.stdin, self.process.stdout
        assert asked and answered
        asked.write(json.dumps({"file": file, "body": body}, ensure_ascii=True) + "\n")
        asked.flush()
        line = answered.readline()
        if not line:
            raise RuntimeError(f"judge.cjs ended with code {self.process.wait()}; its reason is on stderr")
        found: list[dict[str, Any]] = json.loads(line)
        return found


@contextmanager
def running() -> Iterator[Ajv]:
    """The judge, until the end of the block. Skips or fails, as `lacking` says, where node.js or ajv is missing."""
    node = shutil.which("node")
    if node is None:
        lacking("node.js is not on this machine")
    if not (MODULES / "node_modules" / "ajv").is_dir():
        lacking("ajv is not installed, tests/README.md says how")
    script, schemas = ROOT / "tests" / "support" / "judge.cjs", ROOT / "schemas" / "published"
    command = [node, str(script), str(MODULES), str(schemas)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Ajv(process)
