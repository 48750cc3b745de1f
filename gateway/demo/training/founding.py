"""The nodes of a training and the trust between them, made on a clock that is behind."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product

from gateway.administration.create_node import Plan, make_node
from gateway.demo.bodies import INSTRUMENT
from gateway.demo.chronicle import wait_until
from gateway.demo.nodes import ROLE, UNIT, Nodes, make_admins, open_doors, run_python, write_private
from gateway.demo.people import People, carry_out_change
from gateway.demo.places import Country, Machine
from gateway.demo.processes import Processes
from gateway.demo.training.clock import LaggingClock
from gateway.demo.training.places import HOSTS, TrainingPlace
from gateway.foundation.config import Unit
from gateway.foundation.ids import UnitKind
from keys.keystore.keystore import system_rand
from keys.offline.administrator_key import Admin, load_admin
from keys.primitives.encoding import b64u
from schemas.region_pack.policies import canonical_bytes, read_policy

SHELTER = "shelter"
"""A second unit, of every country that hosts people."""
_OFFICES = {
    "FR": "Cellule nationale (training)",
    "IT": "Ufficio nazionale (training)",
    "AL": "Zyra kombëtare (training)",
    "MA": "اللجنة الوطنية (training)",
}

_CORRIDOR = """
[[corridors]]
to = "{to}"
legal_basis = ["6_1_e", "9_2_g"]
transfer_basis = "admin_arrangement_46_3_b"
transfer_instrument = "{instrument}"
onward_sharing = "none"
retain_days = 180
export_to_local = "full"
"""

Admins = dict[str, tuple[Admin, ...]]
"""The administrators of each country, by its code."""


def start_behind(place: TrainingPlace, processes: Processes, countries: Sequence[Country]) -> None:
    """Start nodes on the clock that is behind, and wait until each takes requests."""

    def command(machine: Machine) -> list[str]:
        words = (str(machine.node), str(machine.passphrase_file), str(place.clock))
        return run_python(machine, "gateway.demo.training.behind", *words)

    Nodes(processes, command).start(countries)


def make_countries(place: TrainingPlace, clock: LaggingClock) -> Admins:
    """Make every node with its keys and its two administrators; what an interrupted attempt left is removed first."""
    for name in ("nodes", "roots", "admins", "secrets", "pairing"):
        shutil.rmtree(place.base / name)
        (place.base / name).mkdir(mode=0o700)

    async def every() -> list[tuple[Admin, ...]]:
        return list(await asyncio.gather(*(_make(country, clock) for country in place.countries)))

    made = asyncio.run(every())
    for country in place.countries:
        _set_corridors(
            country, [other for other in place.countries if (other.code in HOSTS) != (country.code in HOSTS)]
        )
    return {country.code: admins for country, admins in zip(place.countries, made, strict=True)}


def load_admins(place: TrainingPlace) -> Admins:
    """Load the keys of the administrators from their files."""
    return {
        country.code: tuple(
            load_admin(file, country.admin_secret.read_text(encoding="utf-8")) for file in country.admin_files
        )
        for country in place.countries
    }


def pair_shores(place: TrainingPlace, admins: Admins, clock: LaggingClock, tell: Callable[[str], None]) -> None:
    """Pair each country that hosts people with each to which they return."""
    people = {country.code: People(country, admins[country.code], clock) for country in place.countries}
    for one in people.values():
        one.write_pairing_file()
    hosts = [country for country in place.countries if country.code in HOSTS]
    for host, origin in product(hosts, [country for country in place.countries if country not in hosts]):
        tell(f"{host.title} and {origin.title} compare the digits of their pairing files, and two of each sign")
        here, there = people[host.code], people[origin.code]
        digits = here.propose(origin)
        here.type_digits(origin, digits)
        here.second(origin)
        there.type_digits(host, there.propose(host))
        there.second(host)
        for one, other in ((here, origin), (there, host)):
            wait_until(f"the trust record of {other.title}", partial(one.agreed, other))


def permit_files(place: TrainingPlace, admins: Admins, clock: LaggingClock) -> None:
    """Let two administrators of each country adopt a policy by which files go with referrals once a case is taken:
    the one that nodes begin with keeps every file back. It takes effect a day later.
    """
    for country in place.countries:
        people = People(country, admins[country.code], clock)
        held = people.ask("policy.show")["in_force"]
        if not isinstance(held, dict):
            raise TypeError("a new node has a policy")
        policy = read_policy(str(held["file"]).encode())
        wider = replace(
            policy,
            version=policy.version + 1,
            rules=tuple(
                replace(rule, after=rule.after | {"files"}) if rule.purpose == "referral" else rule
                for rule in policy.rules
            ),
        )
        text = canonical_bytes(wider).decode()
        carry_out_change(people.ask, people.admins, "policy.widen", "node", clock=clock, policy=text)


async def _make(country: Country, clock: LaggingClock) -> tuple[Admin, ...]:
    admins = await make_admins(country, clock.now())
    passphrase = b64u(system_rand(18))
    write_private(country.passphrase_file, passphrase)
    await make_node(
        Plan(
            folder=country.node,
            roots=country.roots,
            name=country.code,
            country=country.code,
            endpoint=country.address,
            listen=f"127.0.0.1:{country.port}",
            contact="duty desk (training)",
            units=_units(country),
            demo=True,
            admins=[admin.card for admin in admins],
        ),
        passphrase,
        b64u(system_rand(18)),
        clock=clock,
    )
    open_doors(country, level="info")
    return admins


def _set_corridors(country: Country, others: Sequence[Country]) -> None:
    """Let forms begin with what is the same in every message to a country, as an office sets it once."""
    with (country.node / "node.toml").open("a", encoding="utf-8") as file:
        file.writelines(_CORRIDOR.format(to=other.code, instrument=INSTRUMENT) for other in others)


def _units(country: Country) -> list[Unit]:
    office = Unit(id=UNIT, name=_OFFICES[country.code], kind=UnitKind.PUBLIC_AUTHORITY, roles=(ROLE,))
    if country.code not in HOSTS:
        return [office]
    return [office, Unit(id=SHELTER, name="Shelter (training)", kind=UnitKind.NGO, roles=("shelter_provider",))]
