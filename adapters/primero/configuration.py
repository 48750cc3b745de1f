"""The forms, fields and lists that an office made in its Primero, as its API tells them (`/forms`, `/lookups`).

Forms are configuration and hold nothing of a case. Whatever is not as the API describes it is passed over: a mapping
file to start from says less then, and nothing wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from adapters.kit.setup.plan import Configured, Meant, Option, SystemField

BODY_TYPE: Final = "referral.request/1"
RECORD_TYPE: Final = "case"
MOST_OPTIONS: Final = 400
"""Options of a list that a mapping file still shows; lists of places are longer and are read by nothing here."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_SORTS: Final = {
    "text_field": "text",
    "textarea": "text",
    "date_field": "date",
    "select_box": "choice",
    "radio_button": "choice",
}
_NO_VALUES: Final = frozenset({"separator"})
MEANT: Final = (
    Meant(name="case_id_display", path="header.case_ref_sender", type="text", always=True, required=True),
    Meant(name="referral.notes", path="content.summary", type="text", always=True),
    Meant(name="name_first", path="content.person.name_given", type="text"),
    Meant(name="name_last", path="content.person.name_family", type="text"),
    Meant(name="date_of_birth", path="content.person.birth_date", type="date"),
    Meant(
        name="sex",
        path="content.person.gender",
        type="code",
        code_list="gender",
        codes={"female": "Feminine", "male": "Masculine"},
    ),
    Meant(name="nationality", path="content.person.nationalities[]", type="country", many=True),
    Meant(name="language", path="content.person.languages[].language", type="language", many=True),
)
"""The fields that Primero itself ships and whose meaning is that of one member of a referral. Those of a first
referral only: names of the CP module, which an office keeps when it changes the labels.
"""


def read_configuration(forms: Sequence[Mapping[str, Any]], lookups: Sequence[Mapping[str, Any]]) -> Configured:
    """Make one list of the fields of all visible case forms, each once, with the options of their lists."""
    lists = {str(each.get("unique_id")): each.get("values") for each in lookups}
    fields: dict[str, SystemField] = {}
    for form in forms:
        if form.get("parent_form") == RECORD_TYPE and form.get("visible") is not False and not form.get("is_nested"):
            for own in _fields(form, lists):
                fields.setdefault(own.name, own)
    title = "Cases of a Primero as referrals (made of its forms, to be changed)"
    return Configured(name="primero", title=title, body_type=BODY_TYPE, fields=[*fields.values()], meant=MEANT)


def modules_of(forms: Iterable[Mapping[str, Any]]) -> list[str]:
    """List the modules that the forms belong to."""
    named = (each for form in forms for each in _list(form.get("module_ids")))
    return sorted({each for each in named if isinstance(each, str)})


def _fields(form: Mapping[str, Any], lists: Mapping[str, Any]) -> Iterator[SystemField]:
    where = str(form.get("unique_id"))
    for each in _list(form.get("fields")):
        if not isinstance(each, dict) or each.get("type") in _NO_VALUES or each.get("visible") is False:
            continue
        name, sort = each.get("name"), each.get("type")
        if isinstance(name, str) and _NAME.fullmatch(name) and isinstance(sort, str):
            yield SystemField(
                name=name,
                sort=_SORTS.get(sort, sort),
                where=where if _NAME.fullmatch(where) else "a form",
                many=each.get("multi_select") is True,
                texts=_texts(each.get("display_name")),
                options=_options(each, lists),
            )


def _options(own: Mapping[str, Any], lists: Mapping[str, Any]) -> tuple[Option, ...]:
    """Find the options of a field: those of the lookup it names, or its own; none where they are too many."""
    source = own.get("option_strings_source")
    words = source.split() if isinstance(source, str) else []
    values = lists.get(words[1]) if len(words) == 2 and words[0] == "lookup" else own.get("option_strings_text")
    found = [
        Option(id=each["id"], texts=_texts(each.get("display_text")))
        for each in _list(values)
        if isinstance(each, dict) and isinstance(each.get("id"), str) and not each.get("disabled")
    ]
    return () if len(found) > MOST_OPTIONS else tuple(found)


def _texts(value: Any) -> dict[str, str]:
    """Keep the texts by language; one that has none is an empty text in the API."""
    named = value.items() if isinstance(value, dict) else ()
    return {str(language): text for language, text in named if isinstance(text, str) and text.strip()}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
