"""keys.keystore.steps: what one machine of a node seals for the others opens there, in order, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.keystores import NODE, fails
from support.nodes import refused

from gateway.errors import Code
from keys.keystore.keystore import system_rand
from keys.keystore.steps import Link, decode_content, encode_content, open_step, seal_step
from keys.primitives.encoding import lp_join

LINK = Link.new(7, system_rand)
RING = b'{"a":"keyring"}'


def test_content_comes_out_as_it_went_in() -> None:
    """With a link and without; the keyring of a node with one machine stands alone, as before."""
    assert decode_content(encode_content(LINK, RING)) == (LINK, RING)
    assert decode_content(encode_content(None, RING)) == (None, RING)
    assert encode_content(None, RING) == RING


@pytest.mark.parametrize(
    "content",
    [b"", b"x", lp_join(b"1234567", b"s" * 32, RING), lp_join(b"12345678", b"s" * 31, RING), lp_join(b"12345678")],
)
def test_other_content_is_refused(content: bytes) -> None:
    """A number or a secret of another size, a part too few."""
    with refused(Code.MALFORMED):
        decode_content(content)


def test_a_step_opens_for_who_stands_before_it() -> None:
    """The next link is a new one, and the one of before does not open the step after."""
    step = seal_step(NODE, LINK, RING, system_rand)
    link, ring = open_step(NODE, LINK, step)
    assert (link.n, link.mark, ring, step.before) == (8, step.mark, RING, LINK.mark)
    assert link.secret != LINK.secret
    after = seal_step(NODE, link, b"{}", system_rand)
    with fails(Code.CONFLICT, "stands at step 7 and was given step 9"):
        open_step(NODE, LINK, after)
    with fails(Code.UNDECRYPTABLE, "does not open"):
        open_step(NODE, replace(LINK, n=8), replace(after, before=LINK.mark))


def test_what_is_not_the_next_step_is_refused() -> None:
    """Of another node, of another keyring under the same number, altered at any part, cut short, renumbered."""
    step = seal_step(NODE, LINK, RING, system_rand)
    with fails(Code.UNDECRYPTABLE):
        open_step("n1" + "b" * 32, LINK, step)
    with fails(Code.CONFLICT, "follows another keyring"):
        open_step(NODE, Link.new(7, system_rand), step)
    for place in (0, 23, 24, len(step.sealed) - 1):
        spoilt = bytearray(step.sealed)
        spoilt[place] ^= 1
        with fails(Code.UNDECRYPTABLE):
            open_step(NODE, LINK, replace(step, sealed=bytes(spoilt)))
    for spoilt_step in (replace(step, sealed=b""), replace(step, mark=b"m" * 16)):
        with fails(Code.UNDECRYPTABLE):
            open_step(NODE, LINK, spoilt_step)
    for n in (7, 9):
        with fails(Code.CONFLICT):
            open_step(NODE, LINK, replace(step, n=n))
    with fails(Code.UNDECRYPTABLE):
        open_step(NODE, replace(LINK, n=8), replace(step, n=9))


def test_secrets_are_not_printed() -> None:
    """Neither by a link nor by what has one."""
    assert LINK.secret.hex() not in repr(LINK) and repr(LINK.secret) not in repr(LINK)
