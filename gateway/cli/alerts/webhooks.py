"""`trm webhook`: systems in this country that are notified of what happens on this node."""

from __future__ import annotations

from collections.abc import Mapping

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import Code, RefusedError
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json


@click.group("webhook", context_settings=CONTEXT)
def webhook_commands() -> None:
    """Notify systems in this country of what happens: signed, in order, retried for five days."""


@options.add_verb(webhook_commands, "new")
@click.argument("name")
@click.option("--url", required=True, metavar="URL", help="https://..., or http://127.0.0.1:PORT/... on this machine.")
@options.pass_node
@options.as_json
def create_webhook(reach: Reach, name: str, url: str, as_json: bool) -> None:
    """Create the secret of a receiver and print the section to put into node.toml.

    The secret lies in DIR/webhooks/NAME; give it to the receiver over a way that you trust. An existing one stays.

    \b
    Example:
      trm webhook new case-system --url http://127.0.0.1:9000/trm --node /srv/trm/fr
    """
    from gateway.foundation.config import WebhookSection
    from gateway.foundation.node_folder import WEBHOOKS
    from keys.keystore.keystore import system_rand
    from keys.primitives.webhook_signature import new_secret

    try:
        section = WebhookSection(name=name, url=url)
    except ValueError as error:
        raise RefusedError(
            Code.INVALID,
            "the name or the address cannot be used for a webhook; nothing was made",
            hint="a name of a-z, 0-9 and -, an address that begins with https:// or is on this machine",
        ) from error
    path = reach.folder / WEBHOOKS / section.name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    output.write_new(path, new_secret(system_rand).encode("ascii") + b"\n")
    made: dict[str, Json] = {"name": section.name, "url": section.url, "secret": str(path)}
    output.print_answer(made, as_json=as_json, people=_show_new)


def _show_new(value: Mapping[str, Json]) -> None:
    output.print_line(f'[[webhooks]]\nname = "{value["name"]}"\nurl = "{value["url"]}"')
    output.print_hint("put these lines into node.toml and start the node again; it sends what happens from then on")
    output.print_hint(f"the secret for the receiver is in {value['secret']}")


@options.add_verb(webhook_commands, "list")
@options.pass_node
@options.as_json
def list_webhooks(reach: Reach, as_json: bool) -> None:
    """List each receiver, and what waits for it.

    \b
    Example:
      trm webhook list --node /srv/trm/fr
    """
    output.print_answer(reach.ask("webhook.list"), as_json=as_json, people=_show_list)


def _show_list(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["name", "address", "waiting", "since", "attempts"],
        [
            [item["name"], item["url"], item["waiting"], time_text.when(item["oldest"]), item["attempts"]]
            for item in list_objects(value, "webhooks")
        ],
        empty="no webhook is set in node.toml",
    )
