"""A node that starts prepares its pages by itself."""

from __future__ import annotations

from pathlib import Path

from support.ports import free_port
from support.running import running, until

from gateway.console.looks import make_environment


async def test_pages_are_prepared_before_anybody_asks(tmp_path: Path) -> None:
    """Every template of the language of the node is there soon after the start, and no page was opened."""
    make_environment.cache_clear()

    def open_console(folder: Path) -> None:
        with (folder / "node.toml").open("a", encoding="utf-8") as settings:
            settings.write(f'\n[local]\nlisten = "127.0.0.1:{free_port()}"\n\n[console]\nlanguage = "fr"\n')

    async def is_prepared() -> bool:
        if not make_environment.cache_info().currsize:
            return False
        environment = make_environment("fr")
        return environment.cache is not None and len(environment.cache) == len(environment.list_templates())

    async with running(tmp_path, {"FR": None}, desk_only=("FR",), prepare=open_console):
        await until(is_prepared)
