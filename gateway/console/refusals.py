"""Refusals in the reader's language: what happened, what was left as it was, what to do.

The words that the node itself has for a refusal are English; they are shown too, as what to pass on to a technician.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.console.words import N_, Words
from gateway.errors import Code, Finding, GatewayError, RefusedError, TransientError

SAID: Mapping[Code, str] = {
    Code.UNAUTHORISED: N_("Please sign in again."),
    Code.FORBIDDEN: N_("Your role does not include this."),
    Code.NOT_FOUND: N_("This does not exist here, or no longer exists."),
    Code.CONFLICT: N_("This is not possible in the current state."),
    Code.EXISTS: N_("This exists already."),
    Code.CHANGED_MEANWHILE: N_("Somebody else has changed this in the meantime. Look at it again, then decide."),
    Code.INVALID: N_("Something that was filled in is wrong."),
    Code.TOO_LARGE: N_("This is too large."),
    Code.WRONG_TYPE: N_("Files of this kind are not accepted."),
    Code.OUT_OF_SCOPE: N_("The agreement with this country, or the corridor policy, does not cover this."),
    Code.ROOTS_DUE: N_(
        "The root holders of this node have to sign first; until then nothing new is taken in. Telephone what cannot "
        "wait."
    ),
    Code.FIRST_FORM: N_(
        "The node of this country is of release 0.1.0, or its root holders have not signed since. Call its "
        "administrator: it needs this release, then its root holders sign."
    ),
    Code.MAINTENANCE: N_(
        "People are working on this node: nothing new is taken in until they are done. Telephone what cannot wait."
    ),
    Code.NOT_ACTIVE: N_("There is no active trust with this country at the moment."),
}
OTHERWISE = N_("This was refused.")
LATER = N_("This does not work at the moment. Please try again in a few minutes.")
GATE = N_("A safeguard prevents this: gate %(gate)s.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalText:
    """`summary` is in the reader's language; `detail` and `hint` are the node's own, in English."""

    summary: str
    code: str
    detail: str
    hint: str
    findings: tuple[Finding, ...]
    gate: str | None = None


def explain_refusal(error: Exception, words: Words) -> RefusalText:
    """Explain a refusal to a reader; an internal error says nothing about itself."""
    if not isinstance(error, GatewayError):
        return RefusalText(summary=words(LATER), code="fault", detail="", hint="", findings=())
    code = str(error.code)
    gate = code.removeprefix("gate_").upper() if code.startswith("gate_") else None
    if gate is not None:
        summary = words(GATE, gate=gate)
    elif isinstance(error, TransientError):
        summary = words(SAID[error.code] if error.code is Code.MAINTENANCE else LATER)
    else:
        summary = words(SAID.get(error.code, OTHERWISE)) if isinstance(error.code, Code) else words(OTHERWISE)
    findings = error.findings if isinstance(error, RefusedError) else ()
    return RefusalText(
        summary=summary, code=code, detail=error.what, hint=error.hint, findings=tuple(findings), gate=gate
    )
