"""How long the stages of a message take, as histograms of Prometheus with fixed buckets and labels of a closed list.

`prometheus_client` is loaded with the first duration or the first reading: a node that idles and is not watched has
none.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Histogram

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
WAITS: Final = (1.0, 5.0, 30.0, 60.0, 300.0, 1_800.0, 3_600.0, 21_600.0, 86_400.0, 259_200.0)
"""Up to three days, after which a person is told of what waits."""


class MessageStage(StrEnum):
    """What is measured, whether it succeeds or not."""

    TAKING_IN = "taking_in"
    """An operation that takes something in: judged, sealed, stored and answered."""
    SENDING = "sending"
    """One request to a peer, until its answer is verified."""
    RECEIVING = "receiving"
    """One request of a proven peer, until it is answered."""
    HANDING_OVER = "handing_over"
    """One batch of messages to the case system."""


class Durations:
    """The histograms of one node, in a registry of their own."""

    def observe(self, stage: MessageStage, seconds: float) -> None:
        """Count one duration of a stage."""
        self._stages.labels(str(stage)).observe(seconds)

    @contextmanager
    def measure(self, stage: MessageStage) -> Iterator[None]:
        """Count how long the block takes, also where it raises."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.observe(stage, time.perf_counter() - begun)

    def observe_wait(self, seconds: float) -> None:
        """Count how long a message was here before its peer answered for it."""
        self._waits.observe(max(0.0, seconds))

    @cached_property
    def registry(self) -> CollectorRegistry:
        """The registry, with what the kernel says of this process beside the histograms."""
        from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics

        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, that only says when it began
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        return registry

    def open(self) -> CollectorRegistry:
        """Return the registry with every histogram, also those that nothing was counted in yet."""
        for stage in MessageStage:
            self._stages.labels(str(stage))
        self._waits.describe()
        return self.registry

    @cached_property
    def _stages(self) -> Histogram:
        from prometheus_client import Histogram

        about = "duration of the stages of a message"
        return Histogram("trm_stage_seconds", about, ["stage"], registry=self.registry, buckets=SECONDS)

    @cached_property
    def _waits(self) -> Histogram:
        from prometheus_client import Histogram

        about = "from when a message was taken here until its peer answered for it"
        return Histogram("trm_queue_wait_seconds", about, registry=self.registry, buckets=WAITS)
