"""Makes clients of the local API from its description: for Python, for TypeScript, and a file of requests.

    ./dev clients                    all of them into dist/clients, with their hashes
    ./dev clients --only python      one of python, typescript, requests

They follow from `gateway.api.openapi` and are files of a release, so nothing that is made lies in the repository. What
stands here beside the generators' work is what they cannot know: how a token is kept (`connecting.py`, `index.ts`).
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import orjson

from clients.request_file import ENVIRONMENT, write_environment, write_requests
from gateway.api.openapi import describe_api
from keys.primitives.encoding import sha256_hex

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MADE = ROOT / "dist" / "clients"
TOOLS = ROOT / ".venv-typescript"
"""Where the generator for TypeScript and the compiler are, as clients/typescript/package-lock.json pins them."""
LOCKED = ("package.json", "package-lock.json")
GENERATED = "trm_gateway_client"


class MakingError(Exception):
    """A client was not made; the text says why and what to do."""


def describe(folder: Path) -> Path:
    """Write the description from which everything here is made."""
    path = folder / "openapi.json"
    path.write_bytes(orjson.dumps(describe_api(), option=orjson.OPT_INDENT_2))
    return path


def make_python(description: Path, folder: Path) -> list[Path]:
    """Make the wheel. Whatever the generator leaves out is a failure."""
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        shutil.copytree(HERE / "python", work, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        own = (work / GENERATED).rename(work / "own")
        generator = ("openapi_python_client", "generate", "--fail-on-warning", "--meta", "none")
        ours = ("--config", work / "generator.yaml", "--custom-template-path", work / "templates")
        _python(work, *generator, "--path", description, *ours, "--output-path", work / GENERATED)
        shutil.copytree(own, work / GENERATED, dirs_exist_ok=True)
        shutil.copy(ROOT / "LICENSE", work)
        (work / "VERSION").write_text(version("trm-gateway"))
        _python(work, "hatchling", "build", "-t", "wheel", "-d", folder)
    return [*folder.glob("*.whl")]


def make_typescript(description: Path, folder: Path) -> list[Path]:
    """Make the package that `npm install FILE` takes: types, and the compiled few lines that use them."""
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        shutil.copytree(HERE / "typescript", work, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
        shutil.copy(ROOT / "LICENSE", work)
        (work / "node_modules").symlink_to(TOOLS / "node_modules")
        about = json.loads((work / "package.json").read_text())
        shipped = {name: said for name, said in about.items() if name not in ("private", "devDependencies")}
        (work / "package.json").write_text(json.dumps(shipped | {"version": version("trm-gateway")}, indent=2) + "\n")
        _run(work, "node", "describe.mjs", description, work / "src" / "api.d.ts")
        _run(work, "node", "node_modules/typescript/bin/tsc")
        shutil.copy(work / "src" / "api.d.ts", work / "dist")
        _run(work, "npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", folder)
    return [*folder.glob("*.tgz")]


def make_requests(description: Path, folder: Path) -> list[Path]:
    """Make the file of requests, and beside it the one that says where the node is."""
    requests, environment = folder / "trm-gateway.http", folder / ENVIRONMENT
    requests.write_text(write_requests(json.loads(description.read_bytes())), encoding="utf-8")
    environment.write_text(write_environment(), encoding="utf-8")
    return [requests, environment]


MAKERS: dict[str, Callable[[Path, Path], list[Path]]] = {
    "python": make_python,
    "typescript": make_typescript,
    "requests": make_requests,
}


def install_tools() -> None:
    """Install what makes the package for TypeScript, once and again when its lock has changed."""
    if shutil.which("npm") is None:
        raise MakingError("the package for TypeScript needs node.js and npm; ./dev clients --only python goes without")
    there = all((TOOLS / name).exists() for name in (*LOCKED, "node_modules"))
    if there and not filecmp.cmpfiles(HERE / "typescript", TOOLS, LOCKED, shallow=False)[1]:
        return
    TOOLS.mkdir(exist_ok=True)
    for name in LOCKED:
        shutil.copy(HERE / "typescript" / name, TOOLS)
    _run(ROOT, "npm", "ci", "--prefix", TOOLS, "--ignore-scripts", "--silent", "--no-audit", "--no-fund")


def _python(place: Path, *command: str | Path) -> None:
    """Run a module of this environment, whose programs it finds."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    _run(place, sys.executable, "-m", *command, env={**os.environ, "PATH": path})


def _run(place: Path, *command: str | Path, env: dict[str, str] | None = None) -> None:
    ran = subprocess.run(
        command, cwd=place, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if ran.returncode:
        raise MakingError(f"{command[0]} ended with code {ran.returncode}:\n{ran.stdout[-2000:]}")


def write_hashes(files: Sequence[Path], folder: Path) -> None:
    """Write what `sha256sum --check SHA256SUMS` compares."""
    lines = [f"{sha256_hex(path.read_bytes())}  {path.name}\n" for path in sorted(files)]
    (folder / "SHA256SUMS").write_text("".join(lines))


def main(arguments: Sequence[str]) -> int:
    """Make what is named, or everything."""
    parser = argparse.ArgumentParser(prog="./dev clients", description="clients of the local API, for a release")
    parser.add_argument("--only", choices=MAKERS, action="append", help="make this one; may be said again")
    kinds = parser.parse_args(arguments).only or list(MAKERS)
    shutil.rmtree(MADE, ignore_errors=True)
    MADE.mkdir(parents=True)
    description = describe(MADE)
    files = [description]
    try:
        if "typescript" in kinds:
            install_tools()
        for kind in kinds:
            made = MAKERS[kind](description, MADE)
            print("\n".join(f"clients: {path.relative_to(ROOT)}" for path in made), flush=True)
            files += made
    except MakingError as error:
        print(f"clients: error: {error}", file=sys.stderr)
        return 1
    write_hashes(files, MADE)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
