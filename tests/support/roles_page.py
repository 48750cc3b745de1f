"""docs/roles.md, printed from the matrix in `gateway/operations/roles.py`."""

from __future__ import annotations

from gateway.api.app import APART
from gateway.api.routes import PREFIX, ROUTES
from gateway.operations.roles import ABOUT, CONTENT_MEMBERS, MATRIX, NARROWED, READS_CONTENT, UNIT_FREE, Role

HEAD = """# Roles

Printed from `gateway/operations/roles.py` by `./dev docs`; do not edit. The node asks this table, in one place
(`gateway/api/app.py`), before it does anything, and a test asks every cell over HTTP.

Whoever calls on the socket as the user of the node, or as root, is its **owner** and may do everything below; trust
changes need the signatures of administrators besides. A person at the console has one or more roles, and if wanted one
unit ([people.md](people.md) says who gives them). Everything else has a **token** (`trm token new --role ROLE`): one
role, an end, and if wanted one unit. A token that is unknown, expired or revoked is answered 401, one without the
role 403 with the code `forbidden` and the roles that may. After ten failed attempts with one id, one attempt in ten
seconds is looked at (429).

"""


def document() -> str:
    """The whole page."""
    return HEAD + "\n".join([*_roles(), "", *_matrix(), "", *_content(), "", *_units(), ""])


def _roles() -> list[str]:
    rows = [f"| `{role}` | {ABOUT[role]} | {_mark(role in READS_CONTENT)} |" for role in Role]
    return ["| role | for whom | reads content |", "|---|---|---|", *rows]


def _matrix() -> list[str]:
    named = {route.operation: f"{route.method} `{PREFIX}{route.path}`" for route in ROUTES}
    named |= {operation: f"GET `{path}`" for operation, path in APART.items()}
    rows = [
        f"| `{operation}` | {named[operation]} | {' | '.join(_mark(role in roles) for role in Role)} |"
        for operation, roles in MATRIX.items()
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


def _content() -> list[str]:
    listed = ", ".join(f"`{name}`" for name in sorted(CONTENT_MEMBERS))
    return [
        "## Content",
        "",
        "To read content is a right of its own and comes with no operation. Who does not have it gets messages, also",
        f"in the event stream, without {listed}:",
        "what is left is what the database holds in the clear. Such a look is no `content.read` in the audit log.",
    ]


def _units() -> list[str]:
    narrowed = ", ".join(f"`{operation}`" for operation in MATRIX if operation in NARROWED)
    free = ", ".join(f"`{operation}`" for operation in MATRIX if operation in UNIT_FREE)
    return [
        "## Units",
        "",
        "Who is bound to a unit of this node gets only messages and drafts that this unit sends or receives; those of",
        "others are answered as if they were not there, and a page of a list may be shorter than asked. It may use, as",
        f"far as its role does, {narrowed}; and what shows no message: {free}. Everything else is refused.",
    ]


def _mark(yes: bool) -> str:
    return "x" if yes else ""
