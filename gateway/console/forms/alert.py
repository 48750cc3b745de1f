"""A safety alert as one page of five questions: which they are, in which words, and what else has to be asked (pure).

Whoever writes one has no time. What the node knows is not asked; what it lacks in the header comes after the five, and
what may be left out is folded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.console.forms.fields import Fields
from gateway.console.forms.guided import belongs
from gateway.console.forms.parts import Field, Group, Options, Part
from gateway.console.forms.steps import plan_steps
from gateway.console.words import N_, Words
from gateway.conversations.alert_rules import URGENT_KINDS, alert_clock
from gateway.errors import Finding

ALERT = "safety.alert/1"
KIND = "/content/kind"
FIVE: Mapping[str, str] = {
    KIND: N_("What has happened?"),
    "/content/level": N_("How great is the danger?"),
    "/content/what_happened": N_("What is known?"),
    "/content/asked_action": N_("What should %(country)s do?"),
    "/content/police_informed": N_("Do the police here know?"),
}
"""The five questions, by their places."""
FIRST = ("missing_child", "trafficker_contact", "violence", "medical", "unsafe_channel")
"""Kinds that stand open; the others are one touch away."""
MORE = ("/content/never_use_channel", "/content/last_contact_at", "/header/respond_by")
"""What may be added. The first is needed for some answers, and then told as a fault like any other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertForm:
    """The page: the ``five`` questions, what the node ``lacks`` and has to ask, and what ``more`` can be said."""

    five: Sequence[Part]
    lacks: Sequence[Part]
    more: Sequence[Part]


def arrange_alert(parts: Iterable[Part], findings: Iterable[Finding], words: Words, country: str) -> AlertForm:
    """Arrange the form of a whole alert as one page for a reader who writes to ``country``, by its name."""
    found, wrong = {part.place: part for part in _each(parts)}, tuple(findings)
    asked = [place for step in plan_steps(ALERT) for place in step.places if place not in (*FIVE, *MORE)]
    lacking = [place for place in asked if place in found and any(belongs(one.place, place) for one in wrong)]
    hints = {
        KIND: _explain_hours(words, country),
        "/content/what_happened": words("In a few words. No name, no address."),
    }
    five = [
        _put(found[place], f"{n}. {words(text, country=country)}", hints.get(place, ""), words)
        for n, (place, text) in enumerate(FIVE.items(), 1)
    ]
    more = [replace(found[place], need="") for place in MORE if place in found]
    return AlertForm(five=five, lacks=[_open(found[place]) for place in lacking], more=more)


def list_sent(sent: Fields) -> tuple[str, ...]:
    """List the places of the questions that a page sends: its own, and those that the node lacked when it was shown."""
    asked = [place for step in plan_steps(ALERT) for place in step.places]
    return (*FIVE, *MORE, *(p for p in asked if p not in (*FIVE, *MORE) and any(belongs(name, p) for name in sent)))


def _put(part: Part, question: str, hint: str, words: Words) -> Part:
    hints = ((words.language.code, hint),) if hint else ()
    asked = replace(part, label=question, hints=hints, need="")
    if isinstance(asked, Field):
        asked = replace(asked, mark="")
    if isinstance(asked, Field) and asked.place == KIND:
        options = dict(asked.options)
        near = [(code, options[code]) for code in FIRST if code in options]
        return replace(asked, look="radios", near=near, options=_without(asked.options, FIRST))
    return asked


def _without(options: Options, codes: Iterable[str]) -> Options:
    return [one for one in options if one[0] not in codes]


def _open(part: Part) -> Part:
    return replace(part, filled=True) if isinstance(part, Group) else part


def _explain_hours(words: Words, country: str) -> str:
    """Say how long the other side has to take it, by its kind."""
    urgent = [label for code, label in words.codes("alert_kind") if code in URGENT_KINDS]
    return words(
        "%(country)s has to take it within %(soon)s if it is one of these: %(kinds)s; else within %(later)s.",
        country=country,
        soon=words.span(min(alert_clock(code) for code in URGENT_KINDS)),
        kinds=words.comma.join(urgent),
        later=words.span(alert_clock("")),
    )


def _each(parts: Iterable[Part]) -> Iterable[Part]:
    for part in parts:
        yield part
        if isinstance(part, Group):
            yield from _each(part.parts)
