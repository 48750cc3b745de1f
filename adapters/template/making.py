"""`trm adapter new NAME`: a package of its own out of the template, complete and passing its check."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from adapters.kit.kind import offered
from gateway.errors import Code, RefusedError

HERE = Path(__file__).parent
MODULES = ("__init__.py", "adapter.py", "bench.py", "settings.py", "system.py", "mapping.yaml")
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def make_package(name: str, where: Path) -> Path:
    """Make the folder `trm-adapter-NAME` in `where`, with everything that the adapter needs; nothing is overwritten.

    Raises:
        RefusedError: invalid for a name that cannot be one, conflict for a kind that is installed, exists.
    """
    if _NAME.fullmatch(name) is None or len(name) > 32 or name == "template":
        raise RefusedError(
            Code.INVALID, "not a name of an adapter; nothing was made", hint="letters a to z and digits, such as acme"
        )
    if name in offered():
        raise RefusedError(Code.CONFLICT, f"an adapter named {name} is installed; nothing was made")
    folder = where / f"trm-adapter-{name.replace('_', '-')}"
    if folder.exists():
        raise RefusedError(Code.EXISTS, f"{folder} exists already; nothing was changed", hint="name another one")
    for path, text in _files(name).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return folder


def _files(name: str) -> Mapping[str, str]:
    """Return every file of the package by its path in the folder."""
    texts = {f"trm_adapter_template/{module}": HERE / module for module in MODULES}
    texts |= {
        "pyproject.toml": HERE / "project" / "pyproject.toml.txt",
        "README.md": HERE / "project" / "README.md.txt",
        "tests/test_contract.py": HERE / "project" / "test_contract.py.txt",
    }
    return {_named(path, name): _named(source.read_text(encoding="utf-8"), name) for path, source in texts.items()}


def _named(text: str, name: str) -> str:
    """Insert the name in each of its forms: of a distribution, a class, a module and kind."""
    dashed = name.replace("_", "-")  # a distribution and a mapping file have no underscore in their names
    text = text.replace("trm-adapter-template", f"trm-adapter-{dashed}").replace("name: template", f"name: {dashed}")
    text = text.replace("Template", "".join(part.capitalize() for part in name.split("_")))
    return text.replace("template", name)
