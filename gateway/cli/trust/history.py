"""Changes that administrators approved, and those that still wait for a second one, as a table for people."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.cli import output
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json


def show_history(value: Mapping[str, Json], name: str, *, empty: str, approve: str) -> None:
    """Show the member `name` of an answer and what is pending; `approve` is the verb for the second administrator."""
    output.print_line("")
    output.print_table(
        ["", "change", "completed", "takes effect", "approved by", "verified"],
        [
            [
                item["seq"],
                item["action"],
                time_text.when(item["completed"]),
                _effect(item),
                [who["label"] or who["admin"] for who in list_objects(item, "approvals")],
                item["fault"] or "yes",
            ]
            for item in list_objects(value, name)
        ],
        empty=empty,
    )
    for item in list_objects(value, "pending"):
        names = [who["label"] or who["admin"] for who in list_objects(item, "approvals")]
        output.print_line(
            f"pending: {item['action']}, approved by {output.format_value(names)}, until {time_text.when(item['ends'])}"
        )
        output.print_hint(f"a different administrator: {approve} --as KEYFILE")


def _effect(item: Mapping[str, Json]) -> str:
    """When a change took or takes effect, and what took its place since."""
    when = time_text.when(item["effective"])
    return when if item["superseded"] is None else f"{when}, superseded by {item['superseded']}"
