"""What a browser without JavaScript makes of a page: its forms with what they would send, its links, its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

from support.pagelook import VOID, faults


@dataclass
class Form:
    """One form: where it goes, what it would send, and the buttons that send it (name, value)."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def sent(self) -> dict[str, tuple[str, ...]]:
        """The fields by name, those that are empty left out."""
        found: dict[str, tuple[str, ...]] = {}
        for name, value in self.fields:
            if value:
                found[name] = (*found.get(name, ()), value)
        return found

    def filled(self, values: Mapping[str, str | Sequence[str]], *, act: str | None = None) -> list[tuple[str, str]]:
        """What is sent when these fields are filled in otherwise, and the button with this value is pressed."""
        names = {name for name, _ in self.fields}
        unknown = set(values) - names - self.offered
        assert not unknown, f"the page has no field {sorted(unknown)}"
        kept = [(name, value) for name, value in self.fields if name not in values]
        new = [(n, v) for n, given in values.items() for v in ([given] if isinstance(given, str) else given)]
        if act is not None:
            assert ("act", act) in self.buttons, self.buttons
            new.append(("act", act))
        return kept + new

    offered: set[str] = field(default_factory=set)
    """Names of boxes and buttons that are not chosen."""
    lists: dict[str, list[str]] = field(default_factory=dict)
    """What can be chosen in each list."""

    def choices(self, name: str) -> list[str]:
        """The values of a list."""
        return self.lists[name]


class Page(HTMLParser):
    """A page as it is read; every element is closed where it has to be. ``said`` is its text, ``wrong`` that of the
    summary of faults.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.said = ""
        self.wrong = ""
        self._errors = 0
        self._open: list[str] = []
        self._select: tuple[str, list[tuple[str, bool]]] | None = None
        self._area: tuple[str, str] | None = None
        self.feed(text)
        self.close()
        assert self._open == [], self._open

    def form(self, action: str) -> Form:
        """The form that goes there."""
        (found,) = [form for form in self.forms if form.action == action]
        return found

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note forms, fields and links."""
        given = {name: value or "" for name, value in attributes}
        if tag not in VOID:
            self._open.append(tag)
        if given.get("id") == "errors":
            self._errors = len(self._open)
        if tag == "a":
            self.links.append(given["href"])
        if tag == "form":
            self.forms.append(Form(action=given.get("action", ""), method=given["method"]))
        self._control(tag, given)

    def _control(self, tag: str, given: Mapping[str, str]) -> None:
        form = self.forms[-1] if self.forms else Form(action="", method="")
        match tag, given.get("type"):
            case "input", ("radio" | "checkbox"):
                form.offered.add(given["name"])
                if "checked" in given:
                    form.fields.append((given["name"], given.get("value", "on")))
            case "input", "file":
                form.offered.add(given["name"])
            case "input", "hidden":
                form.fields.append((given["name"], given.get("value", "")))
            case "input", _:
                form.fields.append((given["name"], given.get("value", "").replace("\n", "")))
            case "textarea", _:
                self._area = (given["name"], "")
            case "select", _:
                self._select = (given["name"], [])
            case "option", _ if self._select is not None:
                self._select[1].append((given["value"], "selected" in given))
            case "button", _ if "name" in given:
                form.buttons.append((given["name"], given["value"]))

    def handle_endtag(self, tag: str) -> None:
        """Close it, and with it a field."""
        assert self._open and self._open[-1] == tag, (tag, self._open)
        self._open.pop()
        if len(self._open) < self._errors:
            self._errors = 0
        if tag == "select" and self._select is not None:
            name, options = self._select
            chosen = [value for value, there in options if there] or [value for value, _ in options[:1]]
            self.forms[-1].fields.append((name, chosen[-1]))
            self.forms[-1].lists[name] = [value for value, _ in options]
            self._select = None
        if tag == "textarea" and self._area is not None:
            self.forms[-1].fields.append((self._area[0], self._area[1].removeprefix("\n")))
            self._area = None

    def handle_data(self, data: str) -> None:
        """The text, and what stands in a field of several lines."""
        if self._area is not None:
            self._area = (self._area[0], self._area[1] + data)
        else:
            self.said += data
            self.wrong += data if self._errors else ""


def read(text: str) -> Page:
    """A page, held to what every page has to be (`support.pagelook`)."""
    assert faults(text) == []
    return Page(text)
