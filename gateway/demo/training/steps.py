"""The journal of a training: each step is done once, also when the training is stopped and started again.

A step has a name of its own, and its answer is a line of the file. A step that asks a node for something carries its
name as the Idempotency-Key: one that was done, and whose answer did not reach the file any more, is not done twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from gateway.ports import Json


class Steps:
    """What was done so far, by name."""

    def __init__(self, path: Path) -> None:
        """Read the file; half a line at its end is a step whose answer was lost, and is cut off."""
        self._path = path
        self._done: dict[str, Json] = {}
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            os.truncate(path, len(whole.encode()))
        for line in whole.splitlines():
            said = json.loads(line)
            self._done[said["step"]] = said["answer"]

    def __contains__(self, name: str) -> bool:
        return name in self._done

    def once(self, name: str, act: Callable[[], Json]) -> Json:
        """Return the answer of a step: of the first time if it was done before."""
        if name not in self._done:
            answer = act()
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"step": name, "answer": answer}, ensure_ascii=False) + "\n")
            self._done[name] = answer
        return self._done[name]

    def answer(self, name: str) -> dict[str, Json]:
        """Return the answer of a step that was done, which is an object. Raises KeyError."""
        found = self._done[name]
        if not isinstance(found, dict):
            raise TypeError(f"the answer of {name} is no object")
        return found
