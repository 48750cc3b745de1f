"""The pages on which somebody confirms that a shell is theirs."""

from __future__ import annotations

import pytest
from support.consoles import console, person


async def test_the_code_is_typed_looked_at_and_confirmed():
    """Which shell and for how long stands on the page before anything is done; the code is in no address."""
    async with console() as there:
        assert "trm login" in (await there.get("/shell")).text
        shown = await there.post("/shell", {"code": "code"})
        assert "eva at desk-3" in shown.text and "<dd>12</dd>" in shown.text
        assert there.sign_in.confirmed == []
        done = await there.post("/shell/confirm", {"code": "code"})
        assert (done.status, there.sign_in.confirmed) == (200, [person().id])


@pytest.mark.parametrize("path", ["/shell", "/shell/confirm"])
async def test_a_wrong_code_confirms_nothing(path: str):
    """The form comes again, with what is wrong."""
    async with console() as there:
        shown = await there.post(path, {"code": "another"})
        assert (shown.status, there.sign_in.confirmed) == (422, [])
        assert 'action="/shell"' in shown.text and "another" not in shown.text


@pytest.mark.parametrize("path", ["/shell", "/shell/confirm"])
async def test_nobody_confirms_who_is_not_signed_in(path: str):
    """They are led to sign in first."""
    async with console() as there:
        assert (await there.post(path, {"code": "code"}, session=None)).headers["Location"] == "/sign-in"
        assert there.sign_in.confirmed == []
