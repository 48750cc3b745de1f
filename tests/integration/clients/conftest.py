"""The clients of a release, made once for the tests of this folder, and programs that use them, ready to run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.shared import lacking
from support.sides import Programs, examples

from clients import make

NAMES = ("refer", "follow", "take")
EXAMPLES = examples("clients.md", ("python", "ts"), NAMES)
FURTHER = Path(__file__).parent / "programs"
"""Programs that ask what no example asks; a line of one in TypeScript that has to be wrong says so."""
STRICT = ("--strict", "--skipLibCheck", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess")
TYPESCRIPT = (*STRICT, "--target", "ES2022", "--module", "NodeNext", "--types", "node")
INSTALLED = ("openapi-fetch", "openapi-typescript-helpers", "@types", "undici-types")
"""What the package for TypeScript needs, and the types of node.js that its user's program needs."""


@pytest.fixture(scope="session")
def description(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What both clients are made from."""
    return make.describe(tmp_path_factory.mktemp("description"))


@pytest.fixture(scope="session")
def python(description: Path, tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """Programs in Python, and the wheel as it is installed: unpacked."""
    folder, installed = tmp_path_factory.mktemp("python"), tmp_path_factory.mktemp("site")
    (wheel,) = make.make_python(description, folder)
    shutil.unpack_archive(wheel, installed, "zip")
    written(folder, "python", ".py")
    return Programs(folder=folder, run=(sys.executable,), suffix=".py", environment={"PYTHONPATH": str(installed)})


@pytest.fixture(scope="session")
def typescript(description: Path, tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """Programs in TypeScript, checked and compiled beside the installed package."""
    if shutil.which("npm") is None or not (make.TOOLS / "node_modules" / "typescript").is_dir():
        lacking("node.js, npm or what clients/typescript/package-lock.json names is not installed")
    folder = tmp_path_factory.mktemp("typescript")
    (package,) = make.make_typescript(description, folder)
    modules = folder / "node_modules"
    modules.mkdir()
    for name in INSTALLED:
        (modules / name).symlink_to(make.TOOLS / "node_modules" / name)
    subprocess.run(["tar", "--extract", "--file", package], cwd=folder, check=True)
    (folder / "package").rename(modules / "trm-gateway-client")
    files = written(folder, "ts", ".mts")
    compiler = ["node", str(make.TOOLS / "node_modules" / "typescript" / "bin" / "tsc"), *TYPESCRIPT]
    done = subprocess.run([*compiler, *files], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Programs(folder=folder, run=("node",), suffix=".mjs")


def written(folder: Path, language: str, suffix: str) -> list[str]:
    """Put the examples of the page and the further programs into a folder; their names."""
    for name in NAMES:
        (folder / f"{name}{suffix}").write_text(EXAMPLES[language, name])
    for path in FURTHER.glob(f"*{suffix}"):
        shutil.copy(path, folder)
    return [path.name for path in sorted(folder.glob(f"*{suffix}"))]
