"""Which countries play the story: those of the program, or those of a region pack.

host        where people are found; its case system is a workbook
home        where most of them go; a database. It takes the case, and is away for a while
declining   has no help for somebody, or is missing; Primero
full        has no place, or is missing; a web API
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import Code, RefusedError
from gateway.policy.gates.transfer import EEA
from gateway.regions.files import PackFiles, read_pack
from schemas.codelists import ENGLISH, code_list
from schemas.labels import load_languages
from schemas.reading import Labels
from schemas.region_pack.regions import Region

AIRPORTS: Mapping[str, str] = {"FR": "Lyon LYS", "IT": "Milano MXP", "AL": "Tirana TIA", "MA": "Casablanca CMN"}
"""Where journeys begin and end, as a case worker writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """A country that plays: its code, its English name, and the language in which its people write."""

    code: str
    title: str
    language: str

    @property
    def citizens(self) -> str | None:
        """The code by which a message names its nationals; None for an invented country, which has none."""
        return self.code if self.code in code_list("country") else None


def name_airport(code: str, title: str) -> str:
    """Name where a journey from or to a country begins or ends; for one that this list lacks by its English name."""
    return AIRPORTS.get(code, f"airport of {title}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """The countries in their parts, and the region pack of their nodes, with the folder in which it was found; None
    for the one of the program.
    """

    host: Player
    home: Player
    declining: Player | None
    full: Player | None
    pack: PackFiles | None = None
    folder: Path | None = None


OF_THE_PROGRAM = Cast(
    host=Player(code="FR", title="France", language="fr"),
    home=Player(code="AL", title="Albania", language="sq"),
    declining=Player(code="UA", title="Ukraine", language="uk"),
    full=Player(code="MA", title="Morocco", language="ar"),
)


def cast_region(folder: Path) -> Cast:
    """Give the parts to the countries of a region: the host with the most ways out, and up to three that receive.

    Raises:
        RefusedError: invalid, for a pack with a fault, and for one without a corridor of return: within the European
            Economic Area the story would break the law that its gates keep.
    """
    pack = read_pack(folder)
    region = pack.read()
    goals = {
        host: [to for from_, to in _ordered(region) if from_ == host and not {host, to} <= EEA]
        for host in region.countries
    }
    host = max(region.countries, key=lambda code: len(goals[code]))
    if not goals[host]:
        raise RefusedError(
            Code.INVALID,
            "the region has no corridor of return, so its story cannot be played; nothing was started",
            hint="the story leads from a host country to one outside the European Economic Area, or from one outside",
        )
    home, *others = (_player(region, code) for code in goals[host][:3])
    declining, full = (*others, None, None)[:2]
    return Cast(host=_player(region, host), home=home, declining=declining, full=full, pack=pack, folder=folder)


def _ordered(region: Region) -> list[tuple[str, str]]:
    """The corridors in the order in which the pack names the receiving countries."""
    places = [*region.countries]
    return sorted(region.corridors, key=lambda pair: places.index(pair[1]))


def _player(region: Region, code: str) -> Player:
    country = region.countries[code]
    name: Labels = country.name or {ENGLISH: code_list("country").label(code)}
    language = next((one for one in country.languages if one in load_languages()), ENGLISH)
    return Player(code=code, title=name[ENGLISH], language=language)
