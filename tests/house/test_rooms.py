"""The folders and the import contracts say the same, and each folder explains itself."""

from __future__ import annotations

import ast
import re

import pytest
from support.house import PRODUCT, ROOT, contract, files_of, imported, pyproject, syntax, tracked

LINE = [name.strip() for layer in contract("stand in one line")["layers"] for name in layer.split("|")]
PRIMITIVES = set(contract("primitives")["forbidden_modules"])
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
READER_OF_THE_ENVIRONMENT = ROOT / "gateway" / "foundation" / "environment.py"
MANY_FILES = 20
PARTS = ["Security", "Before you upgrade", "Added", "Changed", "Deprecated", "Removed", "Fixed"]


@pytest.fixture(scope="module")
def code() -> dict[str, ast.Module]:
    """The syntax tree of each file of the product, by its path; parsed once for all tests here."""
    return {path.relative_to(ROOT).as_posix(): syntax(path) for package in PRODUCT for path in files_of(package)}


def slices() -> list[str]:
    """The packages of the gateway."""
    return sorted(path.parent.name for path in (ROOT / "gateway").glob("*/__init__.py"))


def test_every_slice_has_its_place_in_the_line():
    """A new slice or file is placed in the contract before anything can import it."""
    ground = {"errors", "strict_json", "ports", "app"}
    files = {path.stem for path in (ROOT / "gateway").glob("*.py")} - {"__init__"}
    assert files == ground
    tops = {"keys", "schemas", "adapters", "bench", "clients"}
    assert {f"gateway.{name}" for name in (*slices(), *ground)} | tops == set(LINE)


def test_the_wheel_has_the_packages_and_nothing_else():
    """What is installed is what the contracts govern; bench and clients are governed and stay in the repository."""
    settings = pyproject()["tool"]
    assert list(PRODUCT) == settings["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert [*PRODUCT, "bench", "clients"] == settings["importlinter"]["root_packages"]


def test_every_folder_explains_itself():
    """Each top-level folder and each slice has a README with a heading; hidden ones explain themselves in their
    files.
    """
    folders = {path.relative_to(ROOT).parts[0] for path in tracked() if path.parent != ROOT}
    guides = [ROOT / name / "README.md" for name in sorted(folders) if not name.startswith(".")]
    guides += [ROOT / "gateway" / name / "README.md" for name in slices()]
    lacking = [
        path.relative_to(ROOT).as_posix()
        for path in guides
        if not path.is_file() or not path.read_text(encoding="utf-8").startswith("# ")
    ]
    assert lacking == []


def test_no_folder_is_too_full_to_read():
    """Twenty files at most lie in one folder, unless its README says why there are more."""
    full = []
    for folder in sorted({path.parent for package in PRODUCT for path in files_of(package)}):
        count = len([path for path in folder.glob("*.py") if path.stem != "__init__"])
        readme = folder / "README.md"
        if count > MANY_FILES and f"{count} files" not in (readme.read_text("utf-8") if readme.is_file() else ""):
            full.append(f"{folder.relative_to(ROOT)}: {count} files")
    assert full == []


def environment_uses(tree: ast.AST) -> set[str]:
    """The names by which a file reaches the environment."""
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    return (attributes | names) & ENVIRONMENT


def test_one_file_reads_the_environment(code):
    """`gateway/foundation/environment.py` is the one file of the product that looks at the environment."""
    readers = {path for path, tree in code.items() if environment_uses(tree)}
    assert readers == {READER_OF_THE_ENVIRONMENT.relative_to(ROOT).as_posix()}


@pytest.mark.parametrize("source", ["import os\nos.environ['A']", "from os import getenv", "os.putenv('A', 'B')"])
def test_a_planted_look_at_the_environment_is_found(source):
    """The scan sees each way to reach the environment."""
    assert environment_uses(ast.parse(source)) != set()


def test_only_keys_touches_primitives(code):
    """No file outside keys/ imports a primitive, not even inside a function."""
    found = {
        path: sorted({name.split(".")[0] for name in imported(tree)} & PRIMITIVES)
        for path, tree in code.items()
        if not path.startswith("keys/")
    }
    # the digest by which a translation is known to be older than its text protects nothing
    digests = {"schemas/region_pack/guidance_bodies.py": ["hashlib"]}
    assert {path: names for path, names in found.items() if names} == digests


def test_an_adapter_knows_the_port_only(code):
    """Of ours, an adapter imports the port, the error words, the JSON reader and adapters; the contract says which."""
    allowed = {"gateway.ports", "gateway.errors", "gateway.strict_json"}
    strange = []
    for path, tree in code.items():
        if path.startswith("adapters/"):
            ours = {name for name in imported(tree) if name.split(".")[0] in PRODUCT}
            strange += [f"{path}: {name}" for name in ours if name.split(".")[0] != "adapters" and name not in allowed]
    assert strange == []


def test_the_changelog_knows_the_version():
    """The version of pyproject.toml has its heading in the changelog."""
    headings = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(pyproject()['project']['version'])}\]", headings, re.MULTILINE)


def test_each_version_has_its_parts_once():
    """In the order that the changelog itself names: nobody reads the second half of a part that is there twice."""
    for version in re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        parts = re.findall(r"^### (.+)$", version, flags=re.MULTILINE)
        assert parts == [name for name in PARTS if name in parts], version.splitlines()[0]


def test_no_cancellation_is_lost(code):
    """`asyncio.wait_for` of Python 3.11 swallows a cancellation that comes as its work ends, and a loop that is not
    cancelled keeps its node from stopping: `asyncio.timeout` does not.
    """
    waiting = [
        f"{path}:{node.lineno}"
        for path, tree in code.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "asyncio.wait_for"
    ]
    assert waiting == []
