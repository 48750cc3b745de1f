"""The settings of an office under `[adapter]` of node.toml, besides `kind` and `poll_seconds`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from adapters.kit.kind import Settings

MAPPING = Path(__file__).with_name("mapping.yaml")


class TemplateSettings(Settings):
    """The address of the case system, the login of the gateway, and the mapping file that reads its records."""

    url: str = Field(pattern=r"^https?://[^\s@]+$", description="address of the interface, without user and password")
    user: str = Field(min_length=1, max_length=100)
    password_file: Path
    mapping: Path = MAPPING
    patience: float = Field(default=30, gt=0, le=300, description="seconds that one answer may take")

    def mapping_files(self) -> Sequence[Path]:
        """Return the one mapping file of both directions."""
        return (self.mapping,)
