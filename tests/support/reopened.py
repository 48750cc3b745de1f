"""Folders that are opened again and again in one process: what was looked at once is not looked at again.

That a database has the tables of this program, that its schemas are as they were released, and what a policy file says,
are questions of other tests. Here folders are copies of some that were made a moment ago.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest
from sqlalchemy import Engine

import schemas
from gateway.database import engine
from gateway.policy import in_force
from schemas.region_pack.policies import CorridorPolicy, read_policy


@cache
def _read_once(file: bytes) -> CorridorPolicy:
    return read_policy(file)


def _compare_nothing(_: Engine, *, new: bool = False) -> None:
    """In the place of `migrate`, of a database that this program has made."""


@contextmanager
def known_folders() -> Iterator[None]:
    """For so long only folders are opened that this program has made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "migrate", _compare_nothing)
        patch.setattr(schemas, "verify_schema_files", lambda _: [])
        yield


@contextmanager
def known_policies() -> Iterator[None]:
    """For so long a policy file is read once in this process, whoever adopts it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(in_force, "read_policy", _read_once)
        yield
