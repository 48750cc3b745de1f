"""What a JSON API needs: a mapping file to start from, a sample of an item, and the rights of the account there.

Looking reads the list to its end and asks for a key that nothing has; whatever would make or remove something is not
tried, and said so.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from adapters.kit.setup.needs import Need, met, missing, untried
from adapters.kit.setup.plan import (
    MAPPING,
    SAMPLE,
    SECTION,
    Asked,
    Plan,
    quoted,
    starter_mapping,
    starter_record,
)
from adapters.rest.api import Api
from adapters.rest.files import ApiFiles
from gateway.errors import GatewayError, RefusedError

BAD_REF = "a name is a whole number, or 1 to 64 of letters, digits, dot, hyphen, underscore"
NO_KEY = "trm-adapter-check"
"""A key that nothing was created with."""
_OPEN = {
    "list_path": "path, with its query, of the items that people there have made ready, such as /referrals?state=ready",
    "create_path": "path to which messages are posted, such as /inbox",
}


async def plan(asked: Asked) -> Plan:
    """Plan a mapping file and a sample for the API at `url`."""
    given = asked.given
    asked.setting("url")
    secret = given.get("secret_file", asked.path("secret"))
    own = {"secret_file": asked.path("secret"), "mapping": asked.path(MAPPING), "journal": asked.path("rest.db")}
    sample = {"id": "sample-1", **starter_record(asked.today)}
    still = [name for name in _OPEN if name not in given]
    return Plan(
        files={
            MAPPING: starter_mapping(asked.recipient),
            SAMPLE: json.dumps(sample, ensure_ascii=False, indent=2) + "\n",
        },
        settings={name: path for name, path in own.items() if name not in given},
        open=_OPEN,
        steps=[
            "let the administrator of the system make an account for the gateway that may read the items that are "
            "ready, post messages, read again what it posted, and delete that, where erase_path is set; put and delete "
            "files, where files_path is set, and read those of items, where record_files_path is; and no more",
            f"put its token or password into a file, closed to others: install -m 600 /dev/stdin {quoted(secret)}",
            *([f"write into {asked.path(SECTION)} what is open: {' and '.join(still)}"] if still else []),
            f"say in {asked.path(SECTION)} where the list stands in its answer (items) and how it goes on (paging), "
            "where it is not the answer itself or has pages",
            asked.check,
            asked.into_node(),
            f"let the system offer an item like {asked.path(SAMPLE)}: it becomes the draft of an enquiry to "
            f"{asked.recipient}",
            f"then put the members of your items into {asked.path(MAPPING)} in place of those of the sample, and look "
            f"at one: trm mapping preview {quoted(asked.path(MAPPING))} ITEM.json",
        ],
    )


async def look_at_api(
    api: Api,
    files: ApiFiles,
    *,
    create: str,
    notices: str | None,
    ref: str,
    name_of: Callable[[Mapping[str, Any], str], str | None],
) -> AsyncIterator[Need]:
    """Look at the list, its names and its first file, and at the search for a key; tell what is not tried."""
    paths = api.paths
    first: tuple[str, Mapping[str, Any]] | None = None
    refs: list[str | None] = []
    try:
        async for item in api.items():
            name = name_of(item, ref)
            refs.append(name)
            if first is None and name is not None and files.lists_any(item):
                first = name, item
        yield met(f"list {paths.list.partition('?')[0]}")
        if None in refs:
            yield missing(f"list, member {ref}", "bad_ref", BAD_REF)
        elif len(set(refs)) < len(refs):
            yield missing(f"list, member {ref}", "ref_twice", "two items have one name")
        else:
            yield met(f"list, member {ref}")
        if paths.record_files is not None:
            for need in await _look_at_file(files, first, f"files of items {paths.record_files}"):
                yield need
        if paths.find is not None:
            await api.find(NO_KEY)
            yield met(f"search {paths.find.partition('?')[0]}")
    except GatewayError as error:
        yield missing("api", "not_usable", f"{error.what}. {error.hint}")
        return
    if paths.files is None:
        yield met("files of messages stay in the node, without files_path")
    for name, path in (
        ("post to", create),
        ("news to", notices),
        ("files to", paths.files),
        ("delete", paths.erase),
        ("delete", paths.record),
    ):
        if path is not None:
            yield untried(f"{name} {path.partition('?')[0]}", "a check makes and removes nothing there; send a sample")


async def _look_at_file(files: ApiFiles, first: tuple[str, Mapping[str, Any]] | None, place: str) -> list[Need]:
    """Look at the files of the first item that has any."""
    if first is None:
        return [untried(place, "no item that is ready has a file")]
    name, item = first
    listed, faults = files.of_item(item, name)
    if faults:
        return [missing(fault.place, fault.rule, fault.hint) for fault in faults]
    try:
        await files.try_first(name, listed[0].size)
    except RefusedError as error:
        return [missing(listed[0].place, "not_readable", error.what)]
    return [met(place)]
