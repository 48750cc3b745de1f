"""Host names that an address may spell but no resolver takes: a peer that names one is away, and nothing else."""

from __future__ import annotations

import pytest

from gateway.errors import Code, TransientError
from gateway.federation import endpoints
from gateway.federation.wire import PATIENCE, Wire
from gateway.foundation.clock import SystemClock


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".example"])
async def test_name_that_can_not_be_asked_for(host: str) -> None:
    """An empty or overlong label is an unreachable peer, not a fault of ours."""
    wire = Wire(f"https://{host}:443", None, patience=PATIENCE, clock=SystemClock())
    with pytest.raises(TransientError) as refusal:
        await wire.send(endpoints.GET_KEYSET)
    assert refusal.value.code is Code.UNREACHABLE
    await wire.close()
    with pytest.raises(TransientError):
        await wire.send(endpoints.GET_KEYSET)
