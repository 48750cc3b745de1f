"""`trm directory`: whom to contact in another country, and the published offices of this one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json


@click.group("directory", context_settings=CONTEXT)
def directory_commands() -> None:
    """Find whom to contact in another country; publish the offices of this one."""


@options.add_verb(directory_commands, "search")
@click.argument("words", nargs=-1)
@click.option("--country", metavar="XX", help="Only offices of this country.")
@click.option("--role", metavar="CODE", help="Only units with this role.")
@click.option("--service", metavar="CODE", help="Only units with this service.")
@click.option("--child/--adult", "child", default=None, help="Only units that serve children, or adults.")
@click.option("--speaks", "speaks", metavar="XX", help="Only units that can be written to in this language.")
@options.language
@options.pass_node
@options.as_json
def search_directory(
    reach: Reach,
    words: tuple[str, ...],
    country: str | None,
    role: str | None,
    service: str | None,
    child: bool | None,
    speaks: str | None,
    lang: str | None,
    as_json: bool,
) -> None:
    """Find whom to contact, best match first. WORDS are a question in any of the nine languages, also with a time.

    Each line has whom to call at the time asked for: the office while it is open, else its duty telephone. What a
    country has not confirmed for 90 days comes last and is marked.

    \b
    Example:
      trm directory search who do I ask in Albania for a child case on a Sunday --node /srv/trm/fr
      trm directory search --country PL --role shelter_provider --node /srv/trm/fr
    """
    answer = reach.ask(
        "directory.search",
        text=" ".join(words) or None,
        country=country,
        role=role,
        service=service,
        child=child,
        unit_language=speaks,
        language=lang,
    )
    output.print_answer(answer, as_json=as_json, people=_show_found)


def _show_found(value: Mapping[str, Json]) -> None:
    _units(list_objects(value, "units"), empty="nobody was found")


def _units(units: Sequence[Mapping[str, Json]], *, empty: str) -> None:
    output.print_table(
        ["country", "unit", "name", "open", "call", "until"],
        [[one["country"], one["unit"], one["name"], one["open"], _call(one["contact"]), _until(one)] for one in units],
        empty=empty,
    )


def _call(contact: Json) -> str:
    if not isinstance(contact, dict):
        return ""
    said = " ".join(str(contact[name]) for name in ("phone", "email") if contact[name] is not None)
    return f"{said} (duty)" if contact["duty"] else said


def _until(one: Mapping[str, Json]) -> str:
    return time_text.when(one["expires"]) if one["current"] else f"OVER {time_text.when(one['expires'])}"


@options.add_verb(directory_commands, "show")
@click.argument("country")
@options.language
@options.pass_node
@options.as_json
def show_country(reach: Reach, country: str, lang: str | None, as_json: bool) -> None:
    """Show everything that the nodes of COUNTRY publish: units, duty telephones, procedures.

    \b
    Example:
      trm directory show AL --language sq --node /srv/trm/fr
    """
    answer = reach.ask("directory.show", id=country, language=lang)
    output.print_answer(answer, as_json=as_json, people=_show_country)


def _show_country(value: Mapping[str, Json]) -> None:
    for entry in list_objects(value, "entries"):
        output.print_facts(
            [
                ("told by", f"{entry['peer']} ({entry['state']})"),
                ("number", entry["number"]),
                ("made", time_text.when(entry["made"])),
                ("current", entry["current"]),
                ("until", time_text.when(entry["expires"])),
            ]
        )
        if entry["foreign"]:
            output.print_hint(
                f"{entry['foreign']} unit(s) of other countries are left out: a node speaks only for its own"
            )
        _units(list_objects(entry, "units"), empty="no unit")
        for one in list_objects(entry, "procedures"):
            output.print_line(f"{one['kind']}: {one['text']}" + (f" ({one['url']})" if one["url"] else ""))


@options.add_verb(directory_commands, "own")
@options.pass_node
@options.as_json
def show_own_entry(reach: Reach, as_json: bool) -> None:
    """Print this node's published entry as a file to edit and publish; its units, if it has published nothing yet.

    \b
    Example:
      trm directory own --node /srv/trm/fr > offices.json
    """
    answer = reach.ask("directory.own")
    output.print_answer(answer, as_json=as_json, people=_show_own)


def _show_own(value: Mapping[str, Json]) -> None:
    output.print_line(json.dumps(value["content"], ensure_ascii=False, indent=2))
    expires = value["expires"]
    output.print_hint(
        f"it is valid until {time_text.when(expires)}" if isinstance(expires, int) else "nothing was published yet"
    )


@options.add_verb(directory_commands, "publish")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--unit", metavar="UNIT", help="The unit of this node that publishes it; default: the coordinating one.")
@options.language
@options.pass_node
@options.as_json
def publish_entry(reach: Reach, file: Path, unit: str | None, lang: str | None, as_json: bool) -> None:
    """Publish FILE ('-' for standard input) as this country's entry, and send it to every active peer.

    FILE is the content of a directory.update; `trm schema show directory.update/1` lists its members. The node numbers
    it. Publish again whenever something changes, and before 90 days are over.

    \b
    Example:
      trm directory publish offices.json --node /srv/trm/fr
    """
    answer = reach.ask("directory.publish", content=output.read_object(file), unit=unit, language=lang)
    output.print_answer(answer, as_json=as_json, people=_show_published)


def _show_published(value: Mapping[str, Json]) -> None:
    output.print_facts([("number", value["number"]), ("until", time_text.when(value["expires"]))])
    output.print_table(
        ["peer", "message"],
        [[one["peer"], one["message"]] for one in list_objects(value, "sent")],
        empty="no active peer: it is kept here only",
    )
    for one in list_objects(value, "left_out"):
        output.print_hint(f"{one['peer']} did not get it: {one['code']} {one['hint']}")
