"""What a PostgreSQL server must be like to keep what a node promises to keep."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

OLDEST = 15
"""The oldest major version."""

_SETTINGS = text(
    "select name, setting from pg_settings where name in ('server_version_num', 'server_encoding', 'fsync',"
    " 'full_page_writes', 'synchronous_commit', 'synchronous_standby_names')"
)


@dataclass(frozen=True, slots=True)
class ServerFault:
    """What is wrong, and what to do. A node does not start where it `stops`."""

    what: str
    hint: str
    stops: bool = True


def find_faults(connection: Connection) -> list[ServerFault]:
    """Ask the server about itself."""
    settings: dict[str, str] = {row.name: row.setting for row in connection.execute(_SETTINGS)}
    found = []
    major = int(settings["server_version_num"]) // 10_000
    if major < OLDEST:
        found.append(ServerFault(f"it is PostgreSQL {major}", f"PostgreSQL {OLDEST} or newer"))
    if settings["server_encoding"] != "UTF8":
        found.append(
            ServerFault("the database is not in UTF-8", "create database ... encoding 'UTF8' template template0")
        )
    for name in ("fsync", "full_page_writes"):
        if settings[name] != "on":
            found.append(ServerFault(f"{name} is off: what is accepted may be lost", f"{name} = on"))
    if settings["synchronous_commit"] == "off":
        found.append(ServerFault("synchronous_commit is off: what is accepted may be lost", "synchronous_commit = on"))
    standbys = connection.scalar(text("select count(*) from pg_stat_replication")) or 0
    if standbys and not settings["synchronous_standby_names"]:
        hint = "set synchronous_standby_names: a standby that takes over lacks what it was not waited for"
        found.append(ServerFault("it has standbys that nothing waits for", hint, stops=False))
    return found
