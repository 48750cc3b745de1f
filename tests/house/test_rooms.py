"""The folders and the import contracts say the same, and each folder explains itself."""

from __future__ import annotations

import ast
import re

import pytest
from support.house import PRODUCT, ROOT, contract, files_of, imported, pyproject, syntax, tracked

LEVELS = [
    {name.strip(" ()") for name in re.split(r"[|:]", layer)} for layer in contract("rooms of one level")["layers"]
]
PLACED = set().union(*LEVELS)
PRIMITIVES = set(contract("primitives")["forbidden_modules"])
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
CODE = [path for package in PRODUCT for path in files_of(package)]


def rooms_on_disk() -> set[str]:
    """What a contract has to place: each room of the gateway, each file of keys, the other packages as they are."""
    found = {"schemas", "adapters"}
    for package in ("gateway", "keys"):
        for path in (ROOT / package).iterdir():
            is_room = path.is_dir() and any(path.rglob("*.py"))
            if is_room or (path.suffix == ".py" and path.stem != "__init__"):
                found.add(f"{package}.{path.stem}")
    return found


def test_every_room_has_a_level():
    """A new room or a new file of keys is placed in the layers contract before anything can import it."""
    assert rooms_on_disk() - PLACED == set()


def test_the_wheel_has_the_packages_and_nothing_else():
    """What is installed is what the contracts govern."""
    settings = pyproject()["tool"]
    assert list(PRODUCT) == settings["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert list(PRODUCT) == settings["importlinter"]["root_packages"]


@pytest.mark.parametrize(
    "folder", sorted({path.relative_to(ROOT).parts[0] for path in tracked() if path.parent != ROOT})
)
def test_a_top_level_folder_explains_itself(folder):
    """Each folder has a README with a heading; hidden ones explain themselves in their files."""
    if not folder.startswith("."):
        assert (ROOT / folder / "README.md").read_text(encoding="utf-8").startswith("# ")


def environment_uses(tree: ast.AST) -> set[str]:
    """The names by which a file reaches the environment."""
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    return (attributes | names) & ENVIRONMENT


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_one_file_reads_the_environment(path):
    """`gateway/foundation/environment.py` is the one file of the product that looks at the environment."""
    if path != ROOT / "gateway" / "environment.py":
        assert environment_uses(syntax(path)) == set()


@pytest.mark.parametrize("source", ["import os\nos.environ['A']", "from os import getenv", "os.putenv('A', 'B')"])
def test_a_planted_look_at_the_environment_is_found(source):
    """The scan sees each way to reach the environment."""
    assert environment_uses(ast.parse(source)) != set()


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_only_keys_touches_primitives(path):
    """No file outside keys/ imports a primitive, not even inside a function."""
    if not path.is_relative_to(ROOT / "keys"):
        assert {name.split(".")[0] for name in imported(syntax(path))} & PRIMITIVES == set()


@pytest.mark.parametrize("path", files_of("adapters"), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_an_adapter_knows_the_port_only(path):
    """Of ours, an adapter imports the port, the error words and adapters; which adapters is the contract's matter."""
    ours = {name for name in imported(syntax(path)) if name.split(".")[0] in PRODUCT}
    assert {name for name in ours if name.split(".")[0] != "adapters"} <= {"gateway.ports", "gateway.errors"}


def test_the_changelog_knows_the_version():
    """The version of pyproject.toml has its heading in the changelog."""
    headings = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{pyproject()['project']['version']}]" in headings


@pytest.mark.parametrize(
    "path", [*files_of("gateway"), *files_of("adapters")], ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_cancellation_is_lost(path):
    """`asyncio.wait_for` of Python 3.11 swallows a cancellation that comes as its work ends, and a loop that is not
    cancelled keeps its node from stopping: `asyncio.timeout` does not.
    """
    called = [ast.unparse(node.func) for node in ast.walk(syntax(path)) if isinstance(node, ast.Call)]
    assert "asyncio.wait_for" not in called
