"""Both verifiers of evidence at once: the gateway's, and the one file for strangers in docs/."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from types import ModuleType

from support.shared import ROOT

from gateway.errors import RemoteError
from gateway.evidence import build
from gateway.evidence.report import Report
from gateway.evidence.verify import NO_VERSIONS

FILE = ROOT / "docs" / "verify_evidence.py"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_evidence", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STRANGER = _load()


def told(data: bytes, anchors: Iterable[str], lowest: Mapping[str, int] = NO_VERSIONS) -> list[str] | None:
    """What the stranger prints, None if it refuses; any other error fails the test."""
    try:
        versions = {digits.replace(" ", ""): version for digits, version in lowest.items()}
        lines: list[str] = STRANGER.verify(data, {digits.replace(" ", "") for digits in anchors}, versions)
    except STRANGER.Refused:
        return None
    return lines


def verify(data: bytes, anchors: AbstractSet[str], lowest: Mapping[str, int] = NO_VERSIONS) -> Report:
    """What the gateway reports. The stranger must have the same verdict on the whole and on each signature, and say the
    same caveats in the same words.
    """
    lines = told(data, anchors, lowest)
    try:
        report = build.verify(data, anchors, lowest)
    except RemoteError:
        assert lines is None, "refused here, verified by the stranger"
        raise
    assert lines is not None, "verified here, refused by the stranger"
    signatures = [signature for message in report.messages for signature in message.signatures]
    warnings = [line[9:] for line in lines if line.startswith("warning: ")]
    assert warnings == [*report.warnings], "the stranger warns of something else"
    assert told_fields(lines) == [message.fields for message in report.messages if message.fields]
    assert weighed(lines) == [(str(signature.verdict), [*signature.caveats]) for signature in signatures]
    return report


def told_fields(lines: Iterable[str]) -> list[tuple[str, ...]]:
    """The pointers that the stranger tells, of each message of which single fields are shown."""
    begin = "  proven: the content shown is what was signed, in single fields: "
    return [tuple(line.removeprefix(begin).split(", ")) for line in lines if line.startswith(begin)]


def weighed(lines: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Of each signature that the stranger tells, its verdict and the caveats."""
    told = [re.fullmatch(r"  (proven|in doubt|disputed): (?!the content)[^;]*((?:; .*)?)", line) for line in lines]
    return [(line[1], line[2].split("; ")[1:]) for line in told if line]


def verified(data: bytes, anchors: AbstractSet[str]) -> bool:
    """The verdict of both."""
    try:
        verify(data, anchors)
    except RemoteError:
        return False
    return True
