"""What every operation of the local API takes and answers, a module for each kind of thing.

One entry for each row of `gateway.api.routes`; the OpenAPI document is made of both, and the tests hold every answer
that the desk gives in any of them against its shape. A new operation: its entry here, beside those of its kind.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.api.shape import Shape
from gateway.api.shapes import cases, library, messages, node, safekeeping, trust, words

SHAPES: Mapping[str, Shape] = {
    operation: shape
    for module in (messages, cases, safekeeping, node, trust, words, library)
    for operation, shape in module.SHAPES.items()
}
