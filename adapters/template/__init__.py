"""A case system with a JSON interface over HTTP.

As it stands the system is an invented one. Its interface is in `system.py`, the settings of an office in `settings.py`,
the words of its records in `mapping.yaml`; `bench.py` imitates it for `trm adapter check`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.kit.contract import NewBench
from adapters.kit.kind import Kind

from .adapter import TemplateAdapter
from .settings import TemplateSettings

__all__ = ["KIND"]


@asynccontextmanager
async def _stand_in(folder: Path) -> AsyncIterator[NewBench]:
    from .bench import serve_imitation

    async with serve_imitation(folder) as new:
        yield new


KIND = Kind(
    name="template",
    what="an invented case system with a JSON interface",
    whom="for offices that have it",
    settings=TemplateSettings,
    make=TemplateAdapter,
    stand_in=_stand_in,
)
