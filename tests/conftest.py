"""What holds for every test: names of cases that are the same in every process, so that they can be spread over
several; folders in memory; what takes long comes first, and what takes long to start is started once; every answer of a
desk is held against its shape; migrations run and statements are compiled once, adapters are looked for once, and
schemas and policies are read once.
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Generator, Iterator
from functools import cache, wraps
from importlib.metadata import EntryPoints
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings
from support import fresh
from support.ajv import Ajv, running
from support.shapes import misfits
from support.tokens import SoftToken, SoftTpm, soft_token, soft_tpm

import schemas
from adapters.kit import kind
from gateway.database import engine
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.node.dispatch import NodeOperations
from gateway.ports import OperationResult

# How long an example takes says more of the machine than of the code, and so does how long one takes to draw.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def log_apart() -> None:
    """A node that runs in the process of a test logs beside it, not into what a verb prints there."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.__stderr__))


MEMORY = Path("/dev/shm")
"""Where folders of tests lie if it has so many bytes (all of a run would be about 3 GB): no disk is waited for."""
ENOUGH = 4 << 30


def pytest_configure() -> None:
    """Put the folders of tests into memory, unless somebody has said where they go."""
    usable = os.access(MEMORY, os.W_OK) and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
    if usable and shutil.disk_usage(MEMORY).free > ENOUGH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


SELDOM = 5_000
"""New objects after which garbage is looked for: nodes that come and go make so many that it took a twelfth of all."""

LONGEST_FIRST = (
    "acceptance",
    "faults",
    "browser",
    "property",
    "contract",
    "integration",
    "house",
    "unit/console",
    "unit/statistics",
    "unit/delivery",
    "unit/mapping",
)
"""Folders in the order in which their files are handed out, those whose single files take longest first; what is not
named comes last.
"""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long begin early, so that no process is left with one while the others have ended.

    Within a folder the order stays random.
    """

    def place(item: pytest.Item) -> int:
        path = item.nodeid.removeprefix("tests/")
        named = (number for number, folder in enumerate(LONGEST_FIRST) if path.startswith(f"{folder}/"))
        return next(named, len(LONGEST_FIRST))

    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: to look through it for garbage, now and later, would be in vain and long."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()
        gc.set_threshold(SELDOM, 10, 10)


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """A name without memory addresses for values that hold functions; None leaves the name to pytest."""
    if callable(val):
        return getattr(val, "__qualname__", argname).replace("<locals>.", "")
    if isinstance(val, dict) and any(callable(item) for item in val.values()):
        return ",".join(map(str, val))
    return None


@pytest.fixture(scope="session")
def run_seed(request: pytest.FixtureRequest) -> int:
    """The seed of this run, as pytest-randomly prints it and `./dev deep` counts it up, for what draws by itself."""
    seed: int = request.config.getoption("randomly_seed", default=0)
    return seed


@pytest.fixture(scope="session")
def ajv() -> Iterator[Ajv]:
    """The validator of node.js, one process for all tests that ask it."""
    with running() as judge:
        yield judge


@pytest.fixture(scope="module")
def tpm() -> Iterator[SoftTpm]:
    """A TPM for the tests of a file."""
    with soft_tpm() as made:
        yield made


@pytest.fixture(scope="module")
def token() -> Iterator[SoftToken]:
    """A PKCS#11 token for the tests of a file."""
    with soft_token() as made:
        yield made


@pytest.fixture(scope="session", autouse=True)
def _answers_have_their_shape() -> Iterator[None]:
    """What a node in this process answers is what the OpenAPI document promises."""
    plain = NodeOperations.call

    @wraps(plain)
    async def held(self: NodeOperations, operation: str, *args: Any, **named: Any) -> OperationResult:
        done = await plain(self, operation, *args, **named)
        found = misfits(operation, done.value)
        assert not found, f"the answer to {operation} has not its shape: {found}"
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NodeOperations, "call", held)
        yield


@pytest.fixture(scope="session", autouse=True)
def _the_path_is_searched_for_adapters_once() -> Iterator[None]:
    """Each node that is opened looks for its adapter in all that is installed; another path is searched anew."""
    plain = kind.entry_points

    @cache
    def searched(_path: tuple[str, ...], group: str) -> EntryPoints:
        return plain(group=group)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "entry_points", lambda group: searched(tuple(sys.path), group))
        yield


@pytest.fixture(scope="session", autouse=True)
def _schemas_are_hashed_once() -> Iterator[None]:
    """Each node that is opened compares all of them with the catalogue; no test changes one of their files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schemas, "verify_schema_files", cache(schemas.verify_schema_files))
        yield


@pytest.fixture(scope="session", autouse=True)
def _a_database_is_ready_at_once() -> Iterator[None]:
    """What migrations do is told of `gateway.database.engine.migrate` itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "migrate", fresh.migrate)
        patch.setattr(SqliteFile, "open_engine", fresh.engine_of)
        yield
