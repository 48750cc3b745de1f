"""What a program writes in the place of something else is refused in words, wherever in a message it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.pair import Spoiler, Two, example, two_nodes
from support.spoilt import WRONG, places, spoilt
from support.tables import Faults

import schemas
from gateway.errors import GatewayError, RefusedError


async def test_no_value_of_another_type_is_a_fault_of_ours(tmp_path: Path) -> None:
    """Each member of an example of each type in turn, with each kind of JSON value: it is fine, or refused in words.

    Headers are alike, so those of one type stand for all.
    """
    async with two_nodes(tmp_path) as two:
        Spoiler(two.fr).away = True  # what is fine waits for ever
        with Faults() as faults:
            for name in [found.body_type for found in schemas.load_catalogue().types]:
                request = example(name, "AL")
                for path in places(request):
                    if path[0] != "header" or name == "referral.request/1":
                        with faults.row(f"{name} /{'/'.join(map(str, path))}"):
                            await every_kind(two, request, path)


async def every_kind(two: Two, request: dict[str, Any], path: tuple[str | int, ...]) -> None:
    """Ask for one place."""
    for wrong in WRONG:
        try:
            await two.fr.call("message.submit", **spoilt(request, path, wrong))
        except GatewayError as error:
            assert isinstance(error, RefusedError)


async def test_a_list_as_a_unit_is_refused(tmp_path: Path) -> None:
    """Where a message is submitted too, by its place."""
    async with two_nodes(tmp_path) as two:
        for member in ("sender_unit", "recipient_unit"):
            request = example("enquiry.capacity/1", "AL", **{member: ["unit"]})
            with pytest.raises(RefusedError) as caught:
                await two.fr.call("message.submit", **request)
            assert [finding.place for finding in caught.value.findings] == [f"/header/{member}"]
