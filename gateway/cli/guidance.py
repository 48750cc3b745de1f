"""`trm guidance`: short texts on what to do, searched by words in any language, and the node's own texts beside
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.foundation.json import list_objects
from gateway.ports import Json


@click.group("guidance", context_settings=CONTEXT)
def guidance_commands() -> None:
    """Search short texts on what to do; check the node's own texts."""


def _filters(function: Callable[..., Any]) -> Callable[..., Any]:
    for name, about in (
        ("topic", "Only this topic, such as child or consent."),
        ("with", "And this second country: what holds in one of the two, or between both."),
        ("country", "Only what holds in this country."),
        ("role", "Only for this role, a code of the list role."),
        ("stage", "Only for this stage, a code of the list trm_stage."),
    ):
        keyword = "other" if name == "with" else name
        function = click.option(f"--{name}", keyword, metavar="CODE", help=about)(function)
    return function


@options.add_verb(guidance_commands, "list")
@_filters
@options.language
@options.pass_node
@options.as_json
def list_texts(reach: Reach, lang: str | None, as_json: bool, **wanted: str | None) -> None:
    """List the texts of the library, and the faults in the node's own folder.

    \b
    Example:
      trm guidance list --stage return --role guardian --language fr --node /srv/trm/fr
    """
    answer = reach.ask("guidance.list", language=lang, **wanted)
    output.print_answer(answer, as_json=as_json, people=_show_list)


@options.add_verb(guidance_commands, "search")
@click.argument("words", nargs=-1, required=True)
@_filters
@options.language
@options.pass_node
@options.as_json
def search_texts(reach: Reach, words: tuple[str, ...], lang: str | None, as_json: bool, **wanted: str | None) -> None:
    """Find texts that answer WORDS, a question in any of the nine languages; best match first.

    \b
    Example:
      trm guidance search la personne retire son consentement --language fr --node /srv/trm/fr
    """
    answer = reach.ask("guidance.search", text=" ".join(words), language=lang, **wanted)
    output.print_answer(answer, as_json=as_json, people=_show_texts)


def _show_list(value: Mapping[str, Json]) -> None:
    _show_texts(value)
    if list_objects(value, "faults"):
        output.print_hint("the node's own texts have faults and are not used: trm guidance check")


def _show_texts(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["text", "title", "from", "read again by"],
        [[one["id"], _title(one), one["origin"], _review(one)] for one in list_objects(value, "texts")],
        empty="no text was found",
    )


def _title(one: Mapping[str, Json]) -> str:
    return f"{one['title']} (draft)" if one["draft"] else str(one["title"])


def _review(one: Mapping[str, Json]) -> str:
    return f"OVERDUE {one['review_by']}" if one["overdue"] else str(one["review_by"])


@options.add_verb(guidance_commands, "show")
@click.argument("text")
@click.option("--original", is_flag=True, help="The text as it was written, not its translation.")
@options.language
@options.pass_node
@options.as_json
def show_text(reach: Reach, text: str, original: bool, lang: str | None, as_json: bool) -> None:
    """Show one TEXT with the documents it rests on, in your language where it is translated.

    \b
    Example:
      trm guidance show withdrawal --language el --node /srv/trm/fr
    """
    answer = reach.ask("guidance.show", id=text, original="true" if original else None, language=lang)
    output.print_answer(answer, as_json=as_json, people=_show_text)


def _show_text(value: Mapping[str, Json]) -> None:
    output.print_line(f"{_title(value)}\n\n{value['summary']}\n\n{value['body']}\n")
    if value["body_older"]:
        output.print_hint("the text has changed since it was translated: --original shows it as it is now")
    elif value["body_draft"]:
        output.print_hint("the translation is a draft that nobody reviewed: --original shows what was translated")
    for one in list_objects(value, "sources"):
        year = f", {one['year']}" if one["year"] is not None else ""
        output.print_line(f"- {one['title']} ({one['issuer']}{year}; {one['where']})")
    output.print_line(f"\nversion {value['version']} of {value['written']}, next review by {_review(value)}")


@options.add_verb(guidance_commands, "country")
@click.argument("country")
@options.language
@options.pass_node
@options.as_json
def show_country(reach: Reach, country: str, lang: str | None, as_json: bool) -> None:
    """Show what is known of a COUNTRY of the region, such as MA: who coordinates, how long one may reflect, whom to
    ring, duties to report. What the country has not confirmed is marked, and what nobody found is named.

    \b
    Example:
      trm guidance country MA --language fr --node /srv/trm/fr
    """
    answer = reach.ask("guidance.country", id=country, language=lang)
    output.print_answer(answer, as_json=as_json, people=_show_country)


def _show_country(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["about", "what", "from", "confirmed by", "look again by"],
        [
            [str(one["kind"]), str(one["text"]), _name_source(one), str(one["confirmed_by"] or "-"), _review(one)]
            for one in list_objects(value, "facts")
        ],
        empty="nothing was found",
    )
    missing = value["missing"]
    if isinstance(missing, list) and missing:
        output.print_line(f"not found: {', '.join(map(str, missing))}")
    if any(one["confirmed_by"] is None for one in list_objects(value, "facts")):
        output.print_hint("what nobody of the country has confirmed is to be confirmed before anybody relies on it")


def _name_source(one: Mapping[str, Json]) -> str:
    return str(one["source"]) if one["year"] is None else f"{one['source']}, {one['year']}"


@options.add_verb(guidance_commands, "check")
@options.pass_node
@options.as_json
def check_texts(reach: Reach, as_json: bool) -> None:
    """Check the node's own texts in its folder `guidance`; each fault is reported with its place, and for each text the
    digest that its translations name and which of them are older. Needs no running node.

    \b
    Example:
      trm guidance check --node /srv/trm/fr
    """
    from gateway.foundation import config
    from gateway.foundation.node_folder import GUIDANCE
    from gateway.guidance.library import own_texts
    from gateway.regions.installed import load_node_region
    from schemas.region_pack.guidance_bodies import digest_body

    folder = reach.folder / GUIDANCE
    found = own_texts(folder, load_node_region(reach.folder, config.load(reach.folder).node.region))
    listed: list[Json] = [
        {"id": id, "of": digest_body(text.body), "older": " ".join(filter(text.is_older, text.translations))}
        for id, text in found.items()
    ]
    output.print_answer({"texts": listed, "folder": str(folder)}, as_json=as_json, people=_show_checked)


def _show_checked(value: Mapping[str, Json]) -> None:
    texts = list_objects(value, "texts")
    output.print_line(f"{len(texts)} text(s) in {value['folder']}, no fault")
    output.print_table(
        ["text", "digest", "older translations"],
        [[one["id"], one["of"], one["older"] or "-"] for one in texts],
        empty="no text",
    )
