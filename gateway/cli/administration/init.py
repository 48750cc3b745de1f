"""`trm init`: a node folder, root key files beside it, and the next steps. Nothing is ever overwritten."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import output
from gateway.cli.administration.init_options import (
    check_plan,
    read_adapter,
    read_cards,
    read_region,
    read_root_keys,
    read_unit,
)
from gateway.cli.identity.places import PLACES, read_section, with_places
from gateway.cli.options import CONTEXT
from gateway.errors import Code, GatewayError, RefusedError
from gateway.foundation.node_folder import ROOT_FILES

if TYPE_CHECKING:
    from gateway.administration.create_node import Made, Plan


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")
_FILE = click.Path(path_type=Path)


@click.command("init", context_settings=CONTEXT)
@click.argument("folder", metavar="DIR", type=_FILE)
@click.option("--name", required=True, metavar="NAME", help="Name of this node for people, e.g. FR.")
@click.option("--country", required=True, metavar="CODE", help="ISO 3166-1 alpha-2, e.g. FR.")
@click.option(
    "--region",
    metavar="NAME|./DIR",
    help="Region pack: countries, corridors, procedure; a folder has a slash; default tact.",
)
@click.option(
    "--endpoint", required=True, metavar="https://HOST:PORT", help="Address at which other nodes reach this one."
)
@click.option("--listen", required=True, metavar="ADDRESS:PORT", help="Address to listen on, e.g. 0.0.0.0:8443.")
@click.option(
    "--admin",
    "admins",
    required=True,
    type=_FILE,
    multiple=True,
    metavar="FILE.public",
    help="Public file of an administrator (trm admin new); exactly two.",
)
@click.option(
    "--root-public", type=_FILE, multiple=True, metavar="FILE", help="Public key of a root holder; exactly three."
)
@click.option("--roots", type=_FILE, metavar="DIR2", help="Make the root keys here, in this folder; for trying out.")
@click.option("--passphrase-file", required=True, type=_FILE, metavar="FILE", help="Passphrase of the node.")
@click.option("--root-passphrase-file", type=_FILE, metavar="FILE", help="Passphrase of the root files in DIR2.")
@click.option("--contact", required=True, metavar="TEXT", help="Contact that another administrator calls, and how.")
@click.option(
    "--unit",
    "units",
    required=True,
    multiple=True,
    metavar="ID:KIND:NAME:ROLE[+ROLE]",
    help="An organisation; may be repeated.",
)
@click.option("--adapter", metavar="KIND", help="Kind of case system, as in trm adapter list.")
@click.option("--adapter-path", metavar="PATH", help="Its folder or workbook, outside DIR: the setting path.")
@click.option(
    "--adapter-set",
    "adapter_settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the KIND (see docs/settings.md); may be repeated. Missing ones are named.",
)
@click.option(
    "--key-place",
    type=click.Choice(PLACES),
    default="file",
    show_default=True,
    help="Where the secret of the key store lies (docs/keys.md).",
)
@with_places
@click.option("--database", metavar="URL", help="Rows on a PostgreSQL server: postgresql://ACCOUNT@HOST:PORT/DATABASE.")
@click.option("--database-password-file", type=_FILE, metavar="FILE", help="Password of that account.")
@click.option("--database-ca-file", type=_FILE, metavar="FILE", help="Authorities that may vouch for that server.")
@click.option("--database-pooled", is_flag=True, help="A pooler stands before that server (docs/database.md).")
@click.option("--demo", is_flag=True, help="A demonstration node with one root key; peers see that it is one.")
def initialise_node(
    folder: Path,
    name: str,
    country: str,
    region: str | None,
    endpoint: str,
    listen: str,
    admins: tuple[Path, ...],
    root_public: tuple[Path, ...],
    roots: Path | None,
    passphrase_file: Path,
    root_passphrase_file: Path | None,
    contact: str,
    units: tuple[str, ...],
    adapter: str | None,
    adapter_path: str | None,
    adapter_settings: tuple[str, ...],
    key_place: str,
    tpm: str | None,
    pkcs11_module: Path | None,
    pkcs11_token: str | None,
    pkcs11_pin_file: Path | None,
    database: str | None,
    database_password_file: Path | None,
    database_ca_file: Path | None,
    database_pooled: bool,
    demo: bool,
) -> None:
    """Make a node in DIR: keys, first descriptor, database, settings.

    With --root-public three times, the root holders made their keys elsewhere: the node waits for its first descriptor,
    and DIR/requests has what they sign (docs/key-ceremony.md). With --roots the root keys are made here.

    A unit is ID:KIND:NAME:ROLE, where KIND is public_authority, international_organisation, ngo, service_provider
    or health, and ROLE a code of the list role, several joined by '+'.

    With --database the rows are on a PostgreSQL server, in an empty database; else in the folder (docs/database.md).

    With --key-place tpm or pkcs11 what is destroyed can not be read from an older copy of the disk.

    \b
    Example:
      trm init /srv/trm/fr --name FR --country FR --endpoint https://trm.example.fr:8443 --listen 0.0.0.0:8443 \\
        --admin cleo.public --admin dino.public --root-public ana.public --root-public ben.public \\
        --root-public eva.public --passphrase-file fr.pass \\
        --contact "duty desk +33 1 23 45 67 89" \\
        --unit "focal-point:public_authority:National focal point:national_focal_point" \\
        --adapter folder --adapter-path /srv/cases
    """
    from gateway.administration.create_node import Plan, make_node
    from gateway.foundation import config
    from gateway.foundation.clock import SystemClock
    from keys.keystore.destructible.secret import Place

    if not _NAME.fullmatch(name):
        raise click.BadParameter("1 to 32 letters, digits and hyphens", param_hint="--name")
    if (roots is None) != (root_passphrase_file is None) or (roots is None) != bool(root_public):
        raise click.UsageError("name --root-public three times, or --roots and --root-passphrase-file")
    chosen = read_adapter(adapter, adapter_path, adapter_settings)
    pack = read_region(region)
    plan = Plan(
        folder=folder.absolute(),
        roots=None if roots is None else roots.absolute(),
        name=name,
        country=country,
        region=pack.name if pack is not None else region or config.REGION,
        pack=pack,
        endpoint=endpoint,
        listen=listen,
        contact=contact,
        units=[read_unit(text) for text in units],
        demo=demo,
        admins=read_cards(admins),
        adapter=chosen,
        root_public=read_root_keys(root_public),
        place=Place(key_place),
        keys=read_section(tpm, pkcs11_module, pkcs11_token, pkcs11_pin_file),
        database=config.read_database(database, database_password_file, database_ca_file, pooled=database_pooled),
    )
    cases = check_plan(plan)
    passphrase = config.passphrase(passphrase_file)
    root_passphrase = None if root_passphrase_file is None else config.passphrase(root_passphrase_file)
    if passphrase == root_passphrase and not demo:
        raise RefusedError(
            Code.INVALID,
            "node and roots have the same passphrase; nothing was made",
            hint="root holders are not the people who run the node: give the roots a passphrase of their own",
        )
    click.echo("trm: making keys, this takes a few seconds ...", err=True)
    made = asyncio.run(make_node(plan, passphrase, root_passphrase, clock=SystemClock()))
    if made.root_files:
        output.write_new(folder / ROOT_FILES, "".join(f"{path}\n" for path in made.root_files).encode())
    _show(plan, made)
    if cases is not None:
        try:
            cases.create()
        except GatewayError as exc:
            raise RefusedError(
                exc.code,
                f"the node was made, but what its case system needs was not: {exc.what}",
                hint="make room for it; trm adapter check tells when it is right",
            ) from exc


def _show(plan: Plan, made: Made) -> None:
    output.print_facts(
        [
            ("node folder", str(plan.folder)),
            ("node", made.node),
            ("fingerprint", made.fingerprint),
            ("policy", made.policy or "none: nothing may leave until two administrators adopt one (trm policy adopt)"),
            *_root_lines(made.root_files),
            *(("to be signed", str(path)) for path in made.requests),
        ]
    )
    if plan.demo:
        output.print_line("DEMO: one root key; peers' administrators see that this is a demonstration node")
    for text in [*_abroad(plan), *(_ceremony(made) if made.requests else _next_steps(plan))]:
        output.print_hint(text)


def _abroad(plan: Plan) -> list[str]:
    """Warn that a country outside the region pack is on no corridor of it."""
    from schemas.region_pack.regions import load_region

    region = load_region(plan.region) if plan.pack is None else plan.pack.read()
    if plan.country in region.countries:
        return []
    return [
        f"the region pack {plan.region} has no country {plan.country}, so its policy lets nothing leave: name another "
        "one with --region, or write one (docs/region-packs.md)"
    ]


def _root_lines(files: Sequence[Path]) -> list[tuple[str, str]]:
    return [(f"root file {number} of {len(files)}", str(path)) for number, path in enumerate(files, 1)]


def _ceremony(made: Made) -> list[str]:
    return [
        "carry both requests to the root holders: two or more sign the descriptor, all of them the tombstone",
        "there: trm keys root sign REQUEST --root FILE --out SIG",
        "here: trm keys publish REQUEST SIG SIG, then trm keys tombstone REQUEST SIG SIG SIG --out FILE",
        "docs/key-ceremony.md explains it step by step",
    ]


def _next_steps(plan: Plan) -> list[str]:
    steps = []
    if not plan.demo:
        steps.append(
            "take the root files off this machine now, each to another person; two of three sign changes of keys"
        )
    return [
        *steps,
        f"run it: trm serve --node {plan.folder} --passphrase-file FILE",
        f"check it: trm doctor --node {plan.folder}",
        f"pair it: trm node pairing --node {plan.folder} -o {plan.name.lower()}.pairing",
    ]
