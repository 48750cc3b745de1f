"""Python looks for circles seldom, and not among what was there when a node became ready; malloc gives back."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.house import ROOT

from gateway.cli import memory
from gateway.cli.administration import serve as serving


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Python looks as before when the test is over."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


class Circle:
    """It holds itself, and says when it goes."""

    def __init__(self, gone: list[str]) -> None:
        self.itself: Any = self
        self.gone = gone

    def __del__(self) -> None:
        self.gone.append("gone")


def test_looks_are_seldom():
    """Thirty times as seldom as Python does it by itself."""
    memory.look_seldom()
    young, *older = gc.get_threshold()
    assert (young, older) == (memory.YOUNG, [memory.OLDER] * 2)
    assert young >= 20 * 700


def test_what_was_there_is_set_apart_and_what_comes_is_found():
    """A circle that is made later still goes."""
    gone: list[str] = []
    memory.set_apart()
    assert gc.get_freeze_count() > 1_000
    Circle(gone)
    gc.collect()
    assert gone == ["gone"]


HELD_ONCE = """
import sys
from pathlib import Path
from gateway.cli import memory

def held() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) // 256

if sys.argv[1] == "given back":
    assert memory.give_back()
one = bytearray(20 * 2**20)
del one
many = [bytearray(b"x") * 500 * 1024 for _ in range(100)]
most = held()
above = [bytearray(b"x") * 3000 for _ in range(200)]
del many
print(most - held())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be asked")
def test_what_was_held_once_is_given_back():
    """Fifty MiB in a hundred pieces, something small stays above them; as it comes nearly all would be kept."""

    def given_back(how: str) -> int:
        ran = subprocess.run(
            [sys.executable, "-c", HELD_ONCE, how], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return int(ran.stdout)

    assert given_back("as it comes") < 10
    assert given_back("given back") > 40


def test_a_node_sets_apart_what_it_loaded(monkeypatch: pytest.MonkeyPatch):
    """When it is ready, and not before; what a test before has set apart is collected again."""
    gc.unfreeze()
    counted, before = list[int](), gc.get_freeze_count()

    async def opened(*_: Any) -> tuple[Any, Any]:
        return SimpleNamespace(), contextlib.AsyncExitStack()

    async def served(_: Any, ready: Callable[[], None], stop: Any) -> None:
        counted.append(gc.get_freeze_count())
        ready()
        counted.append(gc.get_freeze_count())

    monkeypatch.setattr("gateway.app.open_node", opened)
    for name, put in (("require_roots", lambda _: None), ("serve", served), ("_say_ready", lambda *_: None)):
        monkeypatch.setattr(serving, name, put)
    asyncio.run(serving._serve(Path(), partial(pytest.fail, "no key is asked for"), as_json=False))
    assert counted[0] == before < counted[1] - 1_000
