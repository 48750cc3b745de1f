"""What a Primero needs: a mapping file made of its own forms, and a role with the rights of the gateway's account.

Looking reads forms, cases and the people to whom may be referred; it makes and changes nothing, so that the rights to
write are told as untried.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from adapters.kit.kind import WayOut
from adapters.kit.mapping import columns_read
from adapters.kit.setup.needs import Need, met, missing, untried
from adapters.kit.setup.plan import KEEP, MAPPING, SECTION, Asked, Plan, plain_name, quoted
from adapters.primero.client import Primero, PrimeroError, refusals_told, sees_too_much
from adapters.primero.configuration import RECORD_TYPE, modules_of, read_configuration
from gateway.errors import Code, GatewayError, RefusedError

RIGHTS = "rights.txt"
FIRST: Final = "first.yaml"
"""The mapping file of a first message, which holds nothing of a case."""
DOCUMENTS = "document_upload_box"
"""The type of a field that holds documents."""
OF_THE_CASE = ("case_id_display", "owned_by", "status", "last_updated_at")
"""Members of every case, which no form has to show."""
_FORMLESS = ("referral.", "services_section.")

_RIGHTS = """What the administrator of Primero gives the account of the gateway, and nothing beyond it.

A role of the normal category with the scope SELF ("only cases of this user"), with these rights on cases:
  read, write, create, receive referral
  referral, where the setting worker is set: cases from abroad are then referred to that person
Forms of the role: those with the fields of the mapping file, to be read, and forms with these fields, to be written:
  notes_section, other_agency_id, consent_for_services, disclosure_other_orgs
For files, where the office wants them in Primero; each is a field for documents:
  the field of the setting files_field (other_documents, as Primero ships it), to be read and written: files from abroad
  fields to be read whose names are the setting sends and the code of a kind of document (for_abroad_court_document):
  what a worker puts there goes abroad with each referral of the case
The modules of the account are those of the cases that are referred to it.
A user with this role, a long password, and no e-mail address of a person.
"""


async def plan(asked: Asked, way: WayOut | None = None) -> Plan:
    """Read the forms of the Primero at `--from` or `url`, and plan a mapping file of them."""
    given = asked.given
    url = asked.source or asked.setting("url")
    if given.get("url", url) != url:
        raise RefusedError(Code.INVALID, "--from and url are two addresses; nothing was made", hint="give one of them")
    user, password = asked.setting("user"), Path(given.get("password_file", asked.path("password")))
    if not password.exists():
        raise RefusedError(
            Code.NOT_FOUND,
            "the password file of Primero is not there; nothing was made",
            hint=f"mkdir -m 700 -p {quoted(password.parent)} && install -m 600 /dev/stdin {quoted(password)}",
        )
    ca = Path(given["ca_file"]) if "ca_file" in given else None
    client = Primero(url, user, password, ca=ca, way=way)
    forms, lookups, version = await refusals_told("reading its forms", _read(client))
    own = {
        "url": url,
        "password_file": str(password.absolute()),
        "mapping": asked.path(MAPPING),
        "journal": asked.path("primero.db"),
    }
    modules = ", ".join(modules_of(forms)) or "none told"
    return Plan(
        files={RIGHTS: _RIGHTS, FIRST: first_mapping(asked.recipient, asked.today)},
        settings={name: value for name, value in own.items() if name not in given},
        steps=[
            f"this Primero says it is version {version}; its case forms are of the modules {modules}",
            f"give {asked.path(RIGHTS)} to the administrator of Primero",
            f"to try it first, go by {FIRST}: sed -i s/{MAPPING}/{FIRST}/ {quoted(asked.path(SECTION))}",
            asked.check,
            asked.into_node(),
            f"refer an invented case of Primero to {user}, with the consent fields ticked and the one word try as the "
            f"notes of the referral: it becomes the draft of an enquiry to {asked.recipient}, with nothing of the case",
            f"look at every line of {asked.path(MAPPING)}; what has no code yet: "
            f"trm mapping check {quoted(asked.path(MAPPING))}",
            f"go by {MAPPING} again, here and in node.toml, and refer another invented case: a note in it says what a "
            "referral still needs and no field gave, until there are fields and rules for all of it",
        ],
        configured=read_configuration(forms, lookups),
    )


def first_mapping(recipient: str, today: date) -> str:
    """Return the mapping file of a first message to this peer, which asks to be kept for as long as a sample."""
    text = Path(__file__).with_name(FIRST).read_text(encoding="utf-8")
    text = text.replace("to: AL\n", f'to: "{plain_name(recipient)}"\n')
    return text.replace("2027-02-28", (today + KEEP).isoformat())


_Told = Sequence[Mapping[str, Any]]


async def _read(client: Primero) -> tuple[_Told, _Told, str]:
    return await client.forms(RECORD_TYPE), await client.lookups(), await client.version()


async def look_at_primero(
    client: Primero,
    *,
    user: str,
    worker: str | None,
    mapping: Path,
    written: Sequence[str],
    files_field: str | None,
    sends: str | None,
) -> AsyncIterator[Need]:
    """Look at the account, at the fields that are read and written, and at the cases and people that it sees."""
    try:
        forms = await client.forms(RECORD_TYPE)
        yield met("primero")
        yield met(f"account {user}")
        known = {own.name: own.sort for own in read_configuration(forms, ()).fields}
        for need in (*_fields({*known}, mapping, written), *_fields_of_files(known, files_field, sends)):
            yield need
        if await sees_too_much(client, user):
            hint = "the account sees cases that nobody referred to it: give its role the scope SELF"
            yield missing("account", "too_many_rights", hint)
        else:
            yield met("cases that the account sees")
        if worker is not None:
            yield await _look_at_worker(client, worker)
    except PrimeroError as error:
        hint = f"Primero refuses it ({error.status}): give the role the right to read cases"
        yield missing("account", "missing_right", hint)
        return
    except GatewayError as error:
        yield missing("primero", "not_usable", f"{error.what}. {error.hint}".rstrip(". "))
        return
    hint = "a check writes nothing; refer an invented case to the account, and look whether its note comes"
    yield untried("rights to write, create and receive referrals", hint)


def _fields(known: set[str], mapping: Path, written: Sequence[str]) -> Iterator[Need]:
    for name in written:
        if name in known:
            yield met(f"field {name}")
        else:
            yield missing(f"field {name}", "missing_field", "the role of the account needs a form with it")
    for labels in columns_read(mapping):
        if labels[0].startswith(_FORMLESS) or set(labels) & {*known, *OF_THE_CASE}:
            continue
        yield missing(f"field {labels[0]}", "missing_field", "the mapping file reads it, and no form of Primero has it")


def _fields_of_files(known: Mapping[str, str], files_field: str | None, sends: str | None) -> Iterator[Need]:
    """Look at the fields for documents, and tell where there are none by choice."""
    if files_field is None:
        yield met("files of messages stay in the node, without files_field")
    elif known.get(files_field) == DOCUMENTS:
        yield met(f"field {files_field}")
    else:
        yield missing(f"field {files_field}", "missing_field", f"files of messages need a field of type {DOCUMENTS}")
    if sends is not None:
        found = sorted(name for name, sort in known.items() if name.startswith(sends) and sort == DOCUMENTS)
        yield from (met(f"field {name}") for name in found)
        if not found:
            hint = f"make a field of type {DOCUMENTS} for each kind: {sends}court_document, for one"
            yield missing(f"fields {sends}...", "missing_field", hint)


async def _look_at_worker(client: Primero, worker: str) -> Need:
    place = f"worker {worker}"
    try:
        people = await client.people_to_refer_to(RECORD_TYPE)
    except PrimeroError as error:
        return missing(place, "missing_right", f"the account may not refer cases ({error.status}): see its role")
    if worker in people:
        return met(place)
    return missing(place, "unknown_worker", "nobody of this name may get referrals: look at the user and the role")
