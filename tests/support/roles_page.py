"""docs/roles.md, printed from the rows of the operations (`gateway/node/rows.py`)."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.api.app import APART
from gateway.api.routes import PREFIX, ROUTES
from gateway.node.rows import ROWS
from gateway.operations.registry import Units
from gateway.operations.roles import ABOUT, CONTENT_MEMBERS, READS_CONTENT, Role

HEAD = """# Roles

Printed by `./dev docs` from the rows that stand on the operations (`gateway/node/rows.py` has them all); do not edit.
The node asks these rows, in one place (`gateway/api/app.py`), before it does anything, and a test asks every cell over
HTTP.

| credential | who that is | made by | lasts |
|---|---|---|---|
| the socket, by the kernel's word | its **owner**: the user of the node, or root | `trm init` | |
| a session of the console | a **person**: roles, if wanted one unit | a passkey | 30 minutes without use, 10 hours |
| a personal token | that person at a shell, and the owner besides | `trm login` | 12 hours, at most 30 days |
| a token of a program | one role, if wanted one unit | `trm token new` | a year, at most 400 days |
| an administrator's key | approves trust, and who may release | `trm admin new`, the console | until retired |

The owner may do everything below but the acts of a person; trust changes need the signatures of administrators
besides.
[people.md](people.md) says who gives people their roles. A token that is unknown, expired or revoked is answered
401, one without the role 403 with the code `forbidden` and the roles that may. After ten failed attempts with one
id, one attempt in ten seconds is looked at (429).

"""


def document() -> str:
    """The whole page."""
    return HEAD + "\n".join([*_roles(), "", *_matrix(), "", *_acts(), "", *_content(), "", *_units(), ""])


def _roles() -> list[str]:
    rows = [f"| `{role}` | {ABOUT[role]} | {_mark(role in READS_CONTENT)} |" for role in Role]
    return ["| role | for whom | reads content |", "|---|---|---|", *rows]


def _matrix() -> list[str]:
    named = {route.operation: f"{route.method} `{PREFIX}{route.path}`" for route in ROUTES}
    named |= {operation: f"GET `{path}`" for operation, path in APART.items()}
    rows = [
        f"| `{operation}` | {place} | {' | '.join(_mark(role in ROWS[operation].roles) for role in Role)} |"
        for operation, place in named.items()
    ]
    head = f"| operation | route | {' | '.join(str(role).replace('_', ' ') for role in Role)} |"
    return [
        "## Operations",
        "",
        "A row without a mark: the owner alone.",
        "",
        head,
        "|---|---|" + ":-:|" * len(Role),
        *rows,
    ]


def _acts() -> list[str]:
    person = [name for name in _rows() if ROWS[name].by_person]
    attested = [name for name in person if ROWS[name].attested]
    reads = {route.operation for route in ROUTES if route.method == "GET"} | {*APART}
    operates = [name for name in _rows() if name not in person and name not in reads]
    return [
        "## Acts of a person",
        "",
        "Only a person does these, by a session of the console or a personal token (`trm login`), and by the roles",
        "that the person has, also where the owner of the node calls. The owner operates the node and does none:",
        f"{_joined(person)}.",
        "",
        "A token of a case system may do some of these, if it names in `attested` which of its users does it; that is",
        f"kept as attested by this token, and the corridor policy says what may leave on it: {_joined(attested)}.",
        "A withdrawal goes also where nobody is named.",
        "",
        f"The owner does, besides reading: {_joined(operates)}.",
    ]


def _rows() -> list[str]:
    return [*(route.operation for route in ROUTES), *APART]


def _joined(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _content() -> list[str]:
    listed = ", ".join(f"`{name}`" for name in sorted(CONTENT_MEMBERS))
    shown = ", ".join(f"`{name}`" for name, row in sorted(ROWS.items()) if row.shows)
    return [
        "## Content",
        "",
        "To read content is a right of its own and comes with no operation. Who does not have it gets messages, also",
        f"in the event stream, without {listed}:",
        "what is left is what the database holds in the clear. Such a look is no `content.read` in the audit log.",
        "",
        f"{shown} show what they name there to each of their roles: to a `data_protection_officer` legal bases and",
        "consent records, which name nobody, and one message at a time for a reason that is kept",
        "([data-protection.md](data-protection.md)).",
    ]


def _units() -> list[str]:
    narrowed, free = (_listed(units) for units in (Units.NARROWED, Units.FREE))
    return [
        "## Units",
        "",
        "Who is bound to a unit of this node gets only what this unit looks after; what is of others is answered as if",
        "it were not there, also where a draft or the content of a message names it, and a page of a list may be",
        "shorter than asked. Files that wait for a message are of the unit of the draft that names them, else of",
        "whoever added them. It may use, as",
        f"far as its role does, {narrowed}; and what shows no message: {free}. Everything else is refused.",
    ]


def _listed(units: Units) -> str:
    return _joined(name for name in _rows() if ROWS[name].units is units)


def _mark(yes: bool) -> str:
    return "x" if yes else ""
