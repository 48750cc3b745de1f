"""What the product says to a published vector: None where it accepts, else the code. One judge per kind of case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from support.signed_requests import verify_request, verify_response

from gateway.delivery.inbound import steps
from gateway.errors import GatewayError, RemoteError
from gateway.federation.signatures import RequestHead, ResponseHead, SignedRequest
from gateway.messages import answers, types
from gateway.messages.machines.numbering import Entry, LinkView, Refuse, Repeat, apply, judge
from keys.documents import envelope as wire
from keys.documents.descriptor import DESCRIPTORS, Descriptor
from keys.documents.descriptor_chain import accept_chain, accept_descriptor
from keys.documents.key_records import KeyRecord
from keys.documents.keyset import Keyset, accept_keyset
from keys.documents.taken_list import TakenPage
from keys.primitives.batch import Verifier
from keys.primitives.domains import KEYSET, TAKEN, VOID
from keys.primitives.encoding import DOCUMENT_LIMIT, canon, parse, unb64u
from keys.primitives.hybrid_keys import PublicKey
from keys.primitives.raw_signatures import verify_raw
from keys.primitives.seal import EncPrivateKey, check_enc_public, open_cek
from keys.primitives.sign import SignedDocument

Case = Mapping[str, Any]


def code_of(judged: Callable[[], object]) -> str | None:
    """The code with which the product refuses, None if it does not."""
    try:
        judged()
    except GatewayError as error:
        return str(error.code)
    return None


# --- encodings and identity ----------------------------------------------------------------------------------------


def not_canonical(case: Case) -> str | None:
    """Bytes that are no protocol object."""
    return code_of(lambda: parse(bytes.fromhex(case["hex"]), limit=case.get("limit", DOCUMENT_LIMIT)))


def bad_base64url(case: Case) -> str | None:
    """Text that is no base64url, or not of the size that is wanted."""
    return code_of(lambda: unb64u(case["text"], case.get("size")))


def bad_record(case: Case) -> str | None:
    """A key record that nobody may list."""
    return code_of(lambda: KeyRecord.from_json(case["record"]))


def bad_key(case: Case) -> str | None:
    """Public keys that are refused, whatever they are for."""
    if "enc" in case:
        return code_of(lambda: check_enc_public(unb64u(case["enc"])))
    return code_of(lambda: PublicKey.checked(bytes.fromhex(case["ed25519"])))


# --- documents -----------------------------------------------------------------------------------------------------


def chain_of(file: Case, names: list[str]) -> list[Descriptor]:
    """The accepted descriptors with these names."""
    documents = [SignedDocument.from_json(file["documents"][name], *DESCRIPTORS) for name in names]
    return list(accept_chain(documents, file["now"])) if documents else []


def descriptor(file: Case, case: Case) -> str | None:
    """A descriptor offered to who holds `held`."""
    held = chain_of(file, case["held"])

    def judged() -> object:
        document = SignedDocument.decode(canon(file["documents"][case["document"]]), *DESCRIPTORS)
        return accept_descriptor(held[-1] if held else None, document, case["now"], earlier=held[:-1])

    return code_of(judged)


def keyset(file: Case, case: Case) -> str | None:
    """A keyset offered to who holds the descriptors `held` and the keyset `last`."""
    chain = chain_of(file, case["held"])
    last: Keyset | None = None
    if case["last"] is not None:
        last = accept_keyset(chain[-1], None, _keyset(file["documents"][case["last"]]), file["now"])
    offered = canon(file["documents"][case["document"]])
    return code_of(lambda: accept_keyset(chain[-1], last, SignedDocument.decode(offered, KEYSET), case["now"]))


def _keyset(value: Any) -> SignedDocument:
    return SignedDocument.from_json(value, KEYSET)


# --- envelopes -----------------------------------------------------------------------------------------------------


def envelope_bytes(file: Case, case: Case) -> bytes:
    """What travels: `bytes` as they are, or `envelope` in canonical form with its `ct` looked up."""
    if "bytes" in case:
        return unb64u(case["bytes"])
    value = dict(case["envelope"])
    if isinstance(value["ct"], str) and value["ct"].startswith("@"):
        value["ct"] = file["cts"][value["ct"][1:]]
    return canon(value)


def opener(file: Case) -> Callable[[str, bytes, bytes], bytes]:
    """The key service of the recipient."""
    held = {key.kid: key for key in (EncPrivateKey(bytes.fromhex(seed)) for seed in file["enc_seeds"].values())}

    def open_one(kid: str, enc: bytes, info: bytes) -> bytes:
        if kid not in held:
            raise RemoteError(steps.Code.UNKNOWN_RECIPIENT_KEY, "no such key")
        return open_cek(held[kid], enc, info)

    return open_one


def receive(file: Case, case: Case) -> types.AuthenticStatement:
    """Receive steps 4 to 11, as the node does them. Raises RemoteError."""
    chain = chain_of(file, case.get("recipient", ["recipient-1"]))
    own = chain[-1]
    sender = chain_of(file, case.get("sender", ["sender-1"]))[-1]
    unpacked = steps.open_envelope(
        steps.read_envelope(envelope_bytes(file, case)),
        own=own,
        signer=case.get("signer", sender.node),
        open_cek=opener(file),
        now=case["now"],
    )
    return steps.authenticate_statement(
        unpacked, own=own, sender=sender, verifier=Verifier(), now=case["now"], oldest=steps.oldest_usable(chain)
    )


def envelope(file: Case, case: Case) -> str | None:
    """An envelope that arrives."""
    return code_of(lambda: receive(file, case))


# --- receipts and voids --------------------------------------------------------------------------------------------


def receipts(file: Case, case: Case) -> str | None:
    """Live receipts."""
    issuer = chain_of(file, ["issuer-1"])[-1]
    data = canon(case["receipts"])
    return code_of(lambda: answers.read_receipts(data, issuer=issuer, me=file["me"], now=case["now"]))


def void(file: Case, case: Case) -> str | None:
    """The document of a void: its form and its signature."""
    sender = chain_of(file, ["sender-1"])[-1]

    def judged() -> object:
        document = SignedDocument.decode(canon(case["document"]), VOID)
        said = wire.Void.parse(document.payload)
        document.verify(sender.signing_key(document.signature.kid, at=said.created))
        return said

    return code_of(judged)


def taken(file: Case, case: Case) -> str | None:
    """A page of what was taken away: its form and its signature."""
    sender = chain_of(file, ["sender-1"])[-1]

    def judged() -> object:
        document = SignedDocument.decode(canon(case["document"]), TAKEN)
        page = TakenPage.parse(document.payload)
        document.verify(sender.signing_key(document.signature.kid, at=page.created))
        return page

    return code_of(judged)


# --- numbers -------------------------------------------------------------------------------------------------------


def numbers(case: Case) -> list[str]:
    """The verdict on each step of one link: "new", "repeat" or a code."""
    view = LinkView(epoch=1, high=0, known={})
    said: list[str] = []
    for step in case["steps"]:
        asked = {name: step[name] for name in ("epoch", "n", "id", "prev")}
        link = wire.link_hash(**asked, commit=step["commit"])
        verdict = judge(view, link_hash=link, **asked)
        if isinstance(verdict, Refuse):
            said.append(str(verdict.code))
        elif isinstance(verdict, Repeat):
            said.append("repeat")
        else:
            said.append("new")
            high, gaps = apply(view, step["n"])
            known = {**view.known, step["n"]: Entry(id=step["id"], prev=step["prev"], link_hash=link)}
            view = LinkView(epoch=1, high=high, known=known, gaps=gaps)
    return said


# --- http ----------------------------------------------------------------------------------------------------------


def http(file: Case, case: Case) -> str | None:
    """A signed request or answer."""
    keys = {entry["keyid"]: bytes.fromhex(entry["ed25519"]) for entry in file["keys"]}

    def genuine(node: str, kid: str, base: bytes, signature: bytes) -> bool:
        key = keys.get(f"{node}:{kid}")
        return key is not None and code_of(lambda: verify_raw(key, base, signature)) is None

    fields = [(name.encode(), value.encode()) for name, value in case["fields"]]
    body = unb64u(case["body"])
    if "status" in case:
        head = ResponseHead(status=case["status"], fields=fields)
        asked = SignedRequest(**case["asked"])
        return code_of(
            lambda: verify_response(head, asked=asked, body=body, now=case["now"], peer=case["peer"], verify=genuine)
        )
    target = {name: case[name] for name in ("method", "authority", "path", "query")}
    request = RequestHead(fields=fields, **target)
    return code_of(lambda: verify_request(request, body=body, now=case["now"], started=case["started"], verify=genuine))
