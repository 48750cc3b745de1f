"""`trm region`: the packs of countries, procedures and calendars: begin one, check it, install it in a node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.json import list_objects
from gateway.ports import Json

if TYPE_CHECKING:
    from gateway.regions.draft import Wanted
    from gateway.regions.files import PackFiles
    from schemas.region_pack.regions import Region

SHOWN = 16
"""Digits of a hash that people compare."""
_ENDED = "revoked"
_FOLDER = click.Path(path_type=Path)


@click.group("region", context_settings=CONTEXT)
def region_commands() -> None:
    """Begin, check, install and list region packs: countries, corridors, procedure, calendars."""


@options.add_verb(region_commands, "new")
@click.argument("folder", metavar="DIR", type=_FOLDER)
@click.option(
    "--from",
    "hosts",
    required=True,
    multiple=True,
    metavar="CODE[:LANG[+LANG]][:NAME]",
    help="A country where people are found; may be repeated.",
)
@click.option(
    "--to",
    "receivers",
    required=True,
    multiple=True,
    metavar="CODE[:LANG[+LANG]][:NAME]",
    help="A country that receives them; may be repeated.",
)
@click.option("--language", "languages", multiple=True, metavar="XX", help="A further language of the region.")
def begin_region(folder: Path, hosts: tuple[str, ...], receivers: tuple[str, ...], languages: tuple[str, ...]) -> None:
    """Begin a region pack in the new folder DIR, whose name is that of the region. It passes the check. Needs no node.

    A country has a code of ISO 3166-1. For an invented one take a code that ISO leaves to its users (AA, QM to QZ, XA
    to XZ, ZZ) and name it; for a territory without a code, small letters. LANG is a language of its units.

    \b
    Example:
      trm region new ./sahel --from IT --to ML:fr --to NE:fr
      trm region new ./exercise --from XA:en:Ruritania --to XB:fr:Zenda --language ar
    """
    from gateway.regions.draft import begin_pack

    pack = begin_pack(
        folder.absolute().name, [_wanted(text) for text in hosts], [_wanted(text) for text in receivers], languages
    )
    region = pack.read()
    if folder.exists():
        raise RefusedError(Code.EXISTS, f"{folder} exists; nothing was changed", hint="name a new folder")
    aside = folder.with_name(f".{folder.name}.new")
    for path, data in pack.files.items():
        (aside / path).parent.mkdir(parents=True, exist_ok=True)
        (aside / path).write_bytes(data)
    aside.rename(folder)
    _show_pack(_describe(pack, region))
    output.print_hint(f"go through its files, then: trm region check {folder}")


@options.add_verb(region_commands, "check")
@click.argument("folder", metavar="DIR", type=_FOLDER)
@click.option("--fix", is_flag=True, help="First mend what has one right answer, and say what was done.")
@options.as_json
def check_region(folder: Path, fix: bool, as_json: bool) -> None:
    """Name every fault of the region pack in DIR with its place, or what is still to be confirmed. Needs no node.

    With --fix: words that the program knows are added as drafts, words and policies are brought into their order, and
    marks of other systems at the ends of lines are taken out. Nothing else is changed.

    \b
    Example:
      trm region check ./sahel
      trm region check ./sahel --fix
    """
    from gateway.regions.blanks import list_blanks
    from gateway.regions.files import read_pack
    from gateway.regions.mending import mend_pack

    pack = read_pack(folder)
    done: tuple[str, ...] = ()
    if fix:
        mended = mend_pack(pack)
        pack, done = mended.pack, mended.done
        for path, data in mended.changed.items():
            _replace(folder / path, data)
        for line in done if not as_json else ():
            output.print_line(f"mended {line}")
    region = pack.read()
    value = _describe(pack, region) | {"mended": [*done], "to_be_confirmed": _list(list_blanks(pack, region))}
    output.print_answer(value, as_json=as_json, people=_show_checked)


@options.add_verb(region_commands, "install")
@click.argument("folder", metavar="DIR", type=_FOLDER)
@options.pass_node
@options.as_json
def install_region(folder: Path, reach: Reach, as_json: bool) -> None:
    """Install the region pack in DIR in a node, in the place of the one that has its name. One with a fault is refused.

    The node goes by it from its next start on, if `region` in node.toml names it. Messages of open conversations keep
    their version, and the policy in force stays until two administrators adopt another. A country of this node or of a
    peer that is not revoked cannot vanish.

    \b
    Example:
      trm region install ./sahel --node /srv/trm/it
    """
    from gateway.foundation import config
    from gateway.foundation.clock import SystemClock
    from gateway.regions.differences import describe_changes
    from gateway.regions.files import read_pack
    from gateway.regions.installed import install_pack

    settings, pack = config.load(reach.folder), read_pack(folder)
    pack.read()  # its faults are told before the node is asked
    needed = {settings.node.country, *_peers(reach, settings.node.region)}
    done = install_pack(reach.folder, pack, needed=needed, now=SystemClock().now())
    changes = () if done.before is None else describe_changes(done.before, pack)
    value = _describe(pack, done.region) | {"changes": [*changes], "in_use": settings.node.region == pack.name}
    output.print_answer(value, as_json=as_json, people=lambda value: _show_installed(value, reach.folder))


@options.add_verb(region_commands, "list")
@click.option(
    "--node", type=_FOLDER, envvar="TRM_NODE", metavar="DIR", help="With the packs of this node; else of TRM_NODE."
)
@options.as_json
def list_packs(node: Path | None, as_json: bool) -> None:
    """List the region packs of the program and of a node, with edition, countries and hash. Reads files only.

    Two nodes whose packs have one hash go by the same calendars and steps: compare it on the telephone.

    \b
    Example:
      trm region list
      trm region list --node /srv/trm/it
    """
    from gateway.regions.installed import read_installed, read_program_pack
    from schemas.region_pack.installed_index import read_index
    from schemas.region_pack.regions import list_regions

    held: list[tuple[PackFiles, str, int | None]] = [
        (read_program_pack(name), "program", None) for name in list_regions()
    ]
    used: str | None = None
    if node is not None:
        from gateway.foundation import config

        used = config.load(node).node.region
        held += [(read_installed(node, one), "installed", one.installed) for one in read_index(node).values()]
    packs: list[Json] = [
        _describe(pack, pack.read()) | {"from": origin, "installed": at, "in_use": used == pack.name}
        for pack, origin, at in held
    ]
    output.print_answer({"packs": packs}, as_json=as_json, people=_show_list)


def _peers(reach: Reach, region: str) -> set[str]:
    """Ask the node for the countries of its peers that are not revoked.

    After a restore it can not be asked: it has no pack to start with, and this one is to be it.
    """
    from gateway.regions.installed import load_node_region

    try:
        load_node_region(reach.folder, region)
    except RefusedError:
        output.print_hint("the node does not start without its pack, so its peers were not asked: see trm doctor")
        return set()
    peers = list_objects(reach.ask("peer.list"), "peers")
    return {str(one["country"]) for one in peers if one["state"] != _ENDED}


def _wanted(text: str) -> Wanted:
    """Read CODE[:LANG[+LANG]][:NAME]."""
    from gateway.regions.draft import Wanted

    code, _, rest = text.partition(":")
    languages, _, name = rest.partition(":")
    return Wanted(code=code, languages=tuple(filter(None, languages.split("+"))), name=name or None)


def _replace(path: Path, data: bytes) -> None:
    """Put `data` in the place of a file, or make it; what another program reads meanwhile is whole."""
    path.parent.mkdir(exist_ok=True)
    aside = path.with_name(f".{path.name}.new")
    aside.write_bytes(data)
    aside.replace(path)


def _describe(pack: PackFiles, region: Region) -> dict[str, Json]:
    corridors: list[Json] = [*sorted(f"{start}>{goal}" for start, goal in region.corridors)]
    calendars: dict[str, Json] = {
        code: pack.hash_of(f"calendars/{code}.json") for code in region.countries if code in region.calendars
    }
    return {
        "name": region.name,
        "version": region.version,
        "countries": [*region.countries],
        "corridors": corridors,
        "languages": [*region.languages],
        "hash": pack.hash,
        "calendars": calendars,
    }


def _list(findings: Sequence[Finding]) -> list[Json]:
    return [{"place": one.place, "rule": one.rule, "hint": one.hint} for one in findings]


# --- for people ---------------------------------------------------------------------------------------------------


def _show_pack(value: Mapping[str, Json]) -> None:
    output.print_facts(
        [
            ("region", f"{value['name']}, version {value['version']}"),
            ("countries", _join(value["countries"])),
            ("corridors", _join(value["corridors"])),
            ("languages", _join(value["languages"])),
            ("hash", str(value["hash"])[:SHOWN]),
        ]
    )


def _show_checked(value: Mapping[str, Json]) -> None:
    _show_pack(value)
    blanks = list_objects(value, "to_be_confirmed")
    output.print_line("no fault" if not blanks else f"no fault; {len(blanks)} to be confirmed:")
    for one in blanks:
        output.print_line(f"  {one['place']}: {one['rule']}  {one['hint']}")


def _show_installed(value: Mapping[str, Json], node: Path) -> None:
    _show_pack(value)
    changes = value["changes"]
    for line in changes if isinstance(changes, list) else ():
        output.print_line(f"changes: {line}")
    output.print_line("messages of open conversations keep their version; the policy in force stays")
    if value["in_use"]:
        output.print_hint("the node goes by it from its next start on")
    else:
        output.print_hint(
            f'to go by it: region = "{value["name"]}" below [node] in {node / "node.toml"}, then start anew'
        )


def _show_list(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["region", "version", "from", "in use", "countries", "hash"],
        [
            [
                str(one["name"]),
                str(one["version"]),
                str(one["from"]),
                "yes" if one["in_use"] else "",
                _join(one["countries"]),
                str(one["hash"])[:SHOWN],
            ]
            for one in list_objects(value, "packs")
        ],
        empty="no region pack",
    )


def _join(value: Json) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
