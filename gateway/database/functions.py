"""Functions of SQL that the two kinds of database write in different ways."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Integer
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction


class place_in(GenericFunction[int]):
    """The place, from 1, at which the bytes of the second argument begin in the first; 0 where they do not stand."""

    type = Integer()
    inherit_cache = True


@compiles(place_in, "sqlite")
def _sqlite(element: place_in, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(place_in, "postgresql")
def _postgresql(element: place_in, compiler: SQLCompiler, **options: Any) -> str:
    whole, part = (compiler.process(clause, **options) for clause in element.clauses)
    return f"position({part} in {whole})"


class database_ms(GenericFunction[int]):
    """The clock of the database at this moment, Unix milliseconds: one clock for all workers of a node."""

    type = BigInteger()
    inherit_cache = True


@compiles(database_ms, "sqlite")
def _sqlite_ms(element: database_ms, compiler: SQLCompiler, **options: Any) -> str:
    return "cast((julianday('now') - 2440587.5) * 86400000.0 as integer)"


@compiles(database_ms, "postgresql")
def _postgresql_ms(element: database_ms, compiler: SQLCompiler, **options: Any) -> str:
    return "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)"
