"""The examples of docs/evidence.md are what both verifiers say of one and the same bundle."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import replace

import pytest
from support.exhibits import A, B, C, Case, conversation, next_version
from support.house import ROOT
from support.nodes import NOW, record
from support.stranger import told, verify

from keys.documents.descriptor import Revocation
from keys.documents.key_records import Use
from keys.primitives.encoding import DAY
from keys.primitives.hybrid_keys import SigningKey

PAGE = ROOT / "docs" / "evidence.md"
CASE = conversation()


def one() -> Case:
    """The referral alone, after erasure."""
    return replace(CASE.erased(), exhibits=CASE.erased().exhibits[:1])


def printed(lines: Iterable[str]) -> str:
    """The lines as the page has them: indented, and folded where they are long."""
    folded = [part for line in lines for part in textwrap.wrap(line, 114, subsequent_indent=_indent(line) + "    ")]
    return "".join(f"    {line}\n" for line in folded)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def verify_example() -> list[str]:
    """What `trm evidence verify` prints."""
    return [*verify(one().build(), CASE.anchors).lines, "verified: every signature and every link is valid"]


def stranger_example() -> list[str]:
    """What docs/verify_evidence.py prints."""
    lines = told(one().build(), CASE.anchors)
    assert lines is not None
    return [*lines, "verified"]


def doubt_example() -> list[str]:
    """The line about a signature in doubt."""
    gone = Revocation(kid=A.sig.public.kid, at=NOW + DAY, since=NOW + 3600, reason="stolen")
    keys = [record(SigningKey.generate(C.rand, hybrid=True), Use.SIG)]
    chain = next_version(A, CASE.chains[0], keys=keys, revoked=[gone], issued=NOW + DAY)
    data = one().build(chains=(chain, CASE.chains[1]), extract=None)
    report = verify(data, {chain[-1].fingerprint, B.first().fingerprint})
    return [f"  in doubt: {line}" for line in report.messages[0].in_doubt]


EXAMPLES = {"verify": verify_example, "stranger": stranger_example, "doubt": doubt_example}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_the_page_is_true(name: str) -> None:
    """To renew the page, put what is expected here between the two comments."""
    shown = PAGE.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")[2].partition(f"<!-- /{name} -->")[0]
    assert shown == "\n" + printed(EXAMPLES[name]()) + "\n"
