"""Logs of two nodes that witness each other."""

from __future__ import annotations

from support.pair import Party, Two

from keys.documents.signed_note import SignedNote


async def cosigned(two: Two, party: Party) -> None:
    """The newest checkpoint of `party` has its peer's cosignature."""

    async def done() -> bool:
        shown = await party.call("audit.show")
        newest = shown["checkpoint"]
        return bool(newest and shown["witnessed"] and shown["witnessed"]["size"] == newest["size"])

    await two.until(done, seconds=120, what="a witnessed checkpoint")


def kept_by(party: Party) -> list[str]:
    """Who has signed the checkpoint beside the database."""
    note = SignedNote.decode((party.folder / "checkpoint").read_bytes())
    return [signature.name for signature in note.signatures]
