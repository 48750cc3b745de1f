"""A change as a person reads and signs it: its words, hash, digits and challenge are made here of one object, so that a
page cannot show another change than the passkey is asked to sign (nrm1 8.15).
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from markupsafe import Markup

from gateway.changes.rules import rule_of
from gateway.console.visit import Visit
from gateway.errors import Code, RefusedError, RemoteError
from gateway.operations.ports import Ceremony
from gateway.ports import Json
from gateway.trust.change_text import words
from keys.documents.change import Change
from keys.primitives.encoding import canon

Way: TypeAlias = tuple[bool, Ceremony]
"""Whether it is signed as an emergency, and what the browser is asked for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactChange:
    """What a page shows of a change, and lets sign."""

    change: Change

    @property
    def hash(self) -> str:
        """What is signed."""
        return self.change.hash

    @property
    def digits(self) -> str:
        """The same for people to compare."""
        return self.change.digits

    @property
    def words(self) -> list[str]:
        """The whole change in English, line by line."""
        return words(self.change.to_json())

    @property
    def text(self) -> str:
        """The change as a form sends it back."""
        return json.dumps(self.change.to_json(), ensure_ascii=False)

    async def list_ways(self, visit: Visit) -> list[Way]:
        """List the ways in which this person can sign it: as it is, and as an emergency if it would wait a day."""
        shown = self.change.to_json()
        return [
            (emergency, await visit.console.sign_in.approval(visit.who, shown, emergency=emergency))
            for emergency in ((False, True) if rule_of(self.change.action).delayed else (False,))
        ]


def read_exact(value: Mapping[str, Json], hash: Json) -> ExactChange:
    """Read the change that `hash` names. Raises RefusedError(conflict) where the node shows another one."""
    try:
        return ExactChange(change=Change.parse_named(canon(dict(value)), str(hash)))
    except RemoteError as exc:
        raise RefusedError(
            Code.CONFLICT,
            f"the node shows no change that can be signed: {exc.what}; nothing was changed",
            hint="do not sign it; check this node: trm doctor",
        ) from exc


def draw_qr(text: str) -> Markup:
    """Draw a QR code for the page."""
    import segno  # 2.4 MiB that only a node which pairs or compares needs

    drawn = io.BytesIO()
    segno.make(text, error="m").save(drawn, kind="svg", xmldecl=False, svgns=True, border=2, omitsize=True)
    return Markup(drawn.getvalue().decode())  # noqa: S704 (segno writes no word of the text, only squares)
