"""The image of the node: rules for its Containerfile, what goes into it, and its health check against a real node."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

import pytest
from support.house import ROOT, pyproject
from support.pair import two_nodes

from gateway.api.app import LocalServer, local_app

FOLDER = ROOT / "deploy/container"
HEALTH = FOLDER / "health.py"
SECRET = re.compile(r"(?i)pass(word|phrase)|secret|token|\bkey\b")


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Containerfile with its words, in order."""
    lines = [line for line in (FOLDER / "Containerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def of(word: str) -> list[str]:
    """What stands behind each instruction of this name."""
    return [rest for name, rest in instructions() if name == word]


def test_both_stages_have_the_base_that_is_an_argument():
    """So that the environment and the interpreter that it links to are of one system, which is named by digest."""
    assert instructions()[0] == ("ARG", "BASE=docker.io/library/debian:trixie-slim")
    assert of("FROM") == ["${BASE} AS build", "${BASE}"]


def test_nothing_needs_a_shell_at_run_time():
    """What is started, and what asks how it is, are lists of words whose first one is a program itself."""
    check = of("HEALTHCHECK")[0].partition("CMD ")[2]
    for words in (*of("ENTRYPOINT"), *of("CMD"), check):
        assert not {"sh", "bash", "-c"} & {Path(part).name for part in json.loads(words)}


def test_libraries_are_installed_by_hash_and_the_product_without_any():
    """Nothing is installed that the lock does not name."""
    installs = [json.loads(words) for words in of("RUN") if words.startswith('["/opt') and '"install"' in words]
    assert [{"--require-hashes", "--no-deps"} & set(words) for words in installs] == [
        {"--require-hashes"},
        {"--no-deps"},
    ]
    assert "requirements.lock /src/" in of("COPY")


def test_every_package_of_the_wheel_is_in_the_image_and_named_in_the_ignore_file():
    """What the build copies, what the ignore file lets in, and what the wheel is made of are one list."""
    build = pyproject()["tool"]["hatch"]["build"]["targets"]["wheel"]
    packages = set(build["packages"])
    assert packages == {
        words.split()[0] for words in of("COPY") if words.endswith(tuple(f"/src/{p}" for p in packages))
    }
    listed = (ROOT / ".containerignore").read_text().splitlines()
    assert "*" in listed
    sources = {word for words in of("COPY") if "--from" not in words for word in words.split()[:-1]}
    assert sources == {line[1:] for line in listed if line.startswith("!")}


def test_the_second_stage_runs_as_nobody_and_keeps_no_secret():
    """An account that no host has; nothing secret in arguments, variables or added archives."""
    last = instructions()[len(instructions()) - [word for word, _ in reversed(instructions())].index("FROM") :]
    assert [rest for word, rest in last if word == "USER"] == ["65532:65532"]
    assert not [rest for word, rest in last if word in {"ARG", "ENV"} and SECRET.search(rest)]
    assert "HOME=/var/lib/trm" in of("ENV")[0].split()  # no list of accounts names a home of 65532
    assert not [word for word, _ in instructions() if word == "ADD"]


async def ask_health(folder: Path | None, *words: str) -> tuple[int, str]:
    """Exit code and standard error of the health check with these words."""
    surroundings = {} if folder is None else {"TRM_NODE": str(folder)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", str(HEALTH), *words, env=surroundings, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_the_health_check_says_what_the_node_says(tmp_path: Path):
    """Ready, then at work on it: alive and not ready; then gone."""
    async with two_nodes(tmp_path) as two:
        node, folder = two.fr.running, two.fr.folder
        (folder / "run").mkdir(exist_ok=True)
        server = LocalServer(local_app(node.desk, admit=node.tokens.admit, durations=node.durations))
        await server.start(folder / "run/api.sock", None)
        try:
            assert await ask_health(folder, "live") == (0, "")
            assert await ask_health(folder, "ready") == (0, "")
            await two.fr.call("maintenance.begin", seconds=600, reason="upgrade")
            assert await ask_health(folder, "live") == (0, "")
            assert await ask_health(folder, "ready") == (1, "health: not ready (503); trm doctor says why\n")
        finally:
            await server.close()
        code, said = await ask_health(folder, "live")
        assert code == 1
        assert said.startswith("health: the node does not answer on its socket (")


@pytest.mark.parametrize("words", [(), ("well",), ("live", "ready")])
async def test_the_health_check_refuses_wrong_usage(tmp_path: Path, words: tuple[str, ...]):
    """One question, and one that it knows."""
    assert (await ask_health(tmp_path, *words))[0] == 2


async def test_the_health_check_needs_to_know_the_folder():
    """Without TRM_NODE there is nobody to ask."""
    assert (await ask_health(None, "live"))[0] == 2
