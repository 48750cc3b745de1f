"""The HTTP signature profile ``nrm-node/1``: one way to write a signature, no other (nrm1 9.10; threats 27, 28)."""

from __future__ import annotations

import base64
import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import ED25519
from http_message_signatures.structures import CaseInsensitiveDict, PreparedSignature
from hypothesis import given
from hypothesis import strategies as st
from support.federation import NOW, Party, PeerTable
from support.signed_requests import verify_request, verify_response

from gateway.errors import Code, RemoteError
from gateway.federation.signatures import Fields, RequestHead, ResponseHead, SignedRequest, split_target
from gateway.federation.signing import content_digest, encode_fields, fresh_nonce, sign_request, sign_response

ALB, BEL = Party("alb"), Party("bel")
TABLE = PeerTable(ALB, BEL)
AUTHORITY = "bel.example:8443"
BODY = b"\x00\x00\x00\x02{}"
NONCE = "AAECAwQFBgcICQoLDA0ODw"
ENVELOPES = "application/vnd.nrm.envelopes.v2"


def signed(**changes: Any) -> dict[str, str]:
    """The fields of a good request of alb to bel, with some arguments changed."""
    arguments: dict[str, Any] = {
        "method": "POST",
        "authority": AUTHORITY,
        "path": "/v1/messages",
        "query": "?",
        "content_type": ENVELOPES,
        "body": BODY,
        "recipient": BEL.node,
        "node": ALB.node,
        "kid": ALB.http_kid,
        "nonce": NONCE,
        "created": NOW,
        "sign": ALB.sign_http,
    }
    return sign_request(**{**arguments, **changes})


def head_of(fields: Fields) -> RequestHead:
    """The request as the server sees it."""
    return RequestHead(method="POST", authority=AUTHORITY, path="/v1/messages", query="?", fields=fields)


def judge(head: RequestHead, *, body: bytes = BODY, now: int = NOW, started: int = NOW - 3600) -> Any:
    """What the verifier says at ``now``."""
    return verify_request(head, body=body, now=now, started=started, verify=TABLE.check)


def test_a_signed_request_verifies_and_names_its_sender() -> None:
    """What one node signs the other one accepts, and learns who, for whom, and until when."""
    verified = judge(head_of(encode_fields(signed())))
    assert (verified.node, verified.kid, verified.nonce) == (ALB.node, ALB.http_kid, NONCE)
    assert (verified.created, verified.expires, verified.recipient) == (NOW, NOW + 120, BEL.node)


def test_a_request_without_a_body_signs_the_empty_digest() -> None:
    """An empty body has a content type and a digest too (nrm1 9.10)."""
    fields = signed(method="GET", path="/v1/link", content_type="application/octet-stream", body=b"")
    assert fields["Content-Digest"] == "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
    head = RequestHead(method="GET", authority=AUTHORITY, path="/v1/link", query="?", fields=encode_fields(fields))
    assert judge(head, body=b"").node == ALB.node


# --- bad requests, one fault each ----------------------------------------------------------------------------------

Fault = Callable[[dict[str, str]], Fields]


def edit(name: str, old: str, new: str) -> Fault:
    """One field with one piece of text replaced, the signature made anew over what is then written."""

    def fault(fields: dict[str, str]) -> Fields:
        assert old in fields[name], "the fault must be possible"
        return encode_fields(resigned({**fields, name: fields[name].replace(old, new)}))

    return fault


def resigned(fields: dict[str, str]) -> dict[str, str]:
    """Sign whatever Signature-Input claims to cover, as an attacker with a real key of his own would."""
    values = {
        '"@method"': "POST",
        '"@authority"': AUTHORITY,
        '"@path"': "/v1/messages",
        '"@query"': "?",
        '"content-type"': fields["Content-Type"],
        '"content-digest"': fields["Content-Digest"],
        '"nrm-recipient"': fields["NRM-Recipient"],
    }
    params = fields["Signature-Input"].partition("=")[2]
    covered = [name for name in params[1 : params.index(")")].split(" ") if name in values]
    lines = [f"{name}: {values[name]}" for name in covered]
    base = "\n".join([*lines, f'"@signature-params": {params}']).encode("latin-1")
    signature = base64.b64encode(ALB.sign_http(base)).decode()
    label = fields["Signature-Input"].partition("=")[0]
    return {**fields, "Signature": f"{label}=:{signature}:"}


def twice(name: str) -> Fault:
    """One field sent two times with the same value."""
    return lambda fields: (*encode_fields(fields), (name.encode(), fields[name].encode()))


def without(name: str) -> Fault:
    """One field left out."""
    return lambda fields: encode_fields({key: value for key, value in fields.items() if key != name})


def over(name: str, value: str) -> Fault:
    """One field overwritten after signing."""
    return lambda fields: encode_fields({**fields, name: value})


BAD_FIELDS: dict[str, Fault] = {
    "a component is not covered": edit("Signature-Input", ' "nrm-recipient"', ""),
    "the digest is not covered": edit("Signature-Input", ' "content-digest"', ""),
    "nothing is covered": edit("Signature-Input", signed()["Signature-Input"][4:].partition(")")[0] + ")", "()"),
    "components in another order": edit("Signature-Input", '"@method" "@authority"', '"@authority" "@method"'),
    "a component is covered twice": edit("Signature-Input", '"@method"', '"@method" "@method"'),
    "one component more": edit("Signature-Input", '"nrm-recipient"', '"nrm-recipient" "date"'),
    "a component has a parameter": edit("Signature-Input", '"content-type"', '"content-type";sf'),
    "an algorithm is named": edit("Signature-Input", ';tag="nrm-node/1"', ';alg="ed25519";tag="nrm-node/1"'),
    "another algorithm is named": edit("Signature-Input", ';tag="nrm-node/1"', ';tag="nrm-node/1";alg="hmac-sha256"'),
    "another tag": edit("Signature-Input", "nrm-node/1", "nrm-node/2"),
    "no tag": edit("Signature-Input", ';tag="nrm-node/1"', ""),
    "another label": edit("Signature-Input", "nrm=(", "sig1=("),
    "two labels": lambda fields: encode_fields(
        {
            **fields,
            "Signature-Input": fields["Signature-Input"] + ", x" + fields["Signature-Input"],
            "Signature": fields["Signature"] + ", x" + fields["Signature"],
        }
    ),
    "parameters in another order": edit(
        "Signature-Input", f";created={NOW};expires={NOW + 120}", f";expires={NOW + 120};created={NOW}"
    ),
    "a parameter twice": edit("Signature-Input", f";created={NOW}", f";created={NOW};created={NOW}"),
    "an unknown parameter": edit("Signature-Input", ";nonce=", ";x=1;nonce="),
    "no created": edit("Signature-Input", f";created={NOW}", ""),
    "no expires": edit("Signature-Input", f";expires={NOW + 120}", ""),
    "no nonce": edit("Signature-Input", f';nonce="{NONCE}"', ""),
    "created with a zero before it": edit("Signature-Input", f"created={NOW}", f"created=0{NOW}"),
    "created is negative": edit("Signature-Input", f"created={NOW}", f"created=-{NOW}"),
    "created has a fraction": edit("Signature-Input", f"created={NOW}", f"created={NOW}.5"),
    "a life longer than 120 s": edit("Signature-Input", f"expires={NOW + 120}", f"expires={NOW + 121}"),
    "a life of a week": edit("Signature-Input", f"expires={NOW + 120}", f"expires={NOW + 604_800}"),
    "expired before it was created": edit("Signature-Input", f"expires={NOW + 120}", f"expires={NOW - 1}"),
    "a short nonce": edit("Signature-Input", NONCE, NONCE[:-2]),
    "a nonce with idle bits": edit("Signature-Input", NONCE, NONCE[:-1] + "x"),
    "a nonce with a space": edit("Signature-Input", NONCE, " " + NONCE[1:]),
    "a keyid without a node": edit("Signature-Input", f"{ALB.node}:", ""),
    "a keyid in capitals": edit("Signature-Input", ALB.node, ALB.node.upper()),
    "more space between components": edit("Signature-Input", '"@method" ', '"@method"  '),
    "space around the list": edit("Signature-Input", "nrm=(", "nrm= ("),
    "a tab at the end": edit("Signature-Input", "nrm-node/1", "nrm-node/1\t"),
    "two Signature fields": twice("Signature"),
    "two Signature-Input fields": twice("Signature-Input"),
    "two Content-Digest fields": twice("Content-Digest"),
    "two Content-Type fields": twice("Content-Type"),
    "two NRM-Recipient fields": twice("NRM-Recipient"),
    "no Signature": without("Signature"),
    "no Signature-Input": without("Signature-Input"),
    "no Content-Digest": without("Content-Digest"),
    "no Content-Type": without("Content-Type"),
    "no NRM-Recipient": without("NRM-Recipient"),
    "another recipient than signed": over("NRM-Recipient", ALB.node),
    "a recipient that is no node id": over("NRM-Recipient", "bel"),
    "another content type than signed": over("Content-Type", "application/json"),
    "another digest than signed": over("Content-Digest", content_digest(b"other")),
    "a second digest algorithm": edit("Content-Digest", "sha-256=", "sha-512=:" + "A" * 86 + "==:, sha-256="),
    "a weak digest algorithm": edit("Content-Digest", "sha-256=", "md5="),
    "a digest with idle bits": lambda fields: encode_fields(
        resigned({**fields, "Content-Digest": fields["Content-Digest"][:-3] + "B=:"})
    ),
    "a signature of zeros": over("Signature", f"nrm=:{base64.b64encode(bytes(64)).decode()}:"),
    "a signature of 63 bytes": over("Signature", f"nrm=:{base64.b64encode(bytes(63)).decode()}:"),
    "a signature with a parameter": lambda fields: encode_fields({**fields, "Signature": fields["Signature"] + ";x=1"}),
    "a value that is not ASCII": lambda fields: (*encode_fields(fields)[1:], (b"Content-Type", b"application/\xff")),
}


@pytest.mark.parametrize("name", sorted(BAD_FIELDS))
def test_a_request_with_one_fault_is_refused(name: str) -> None:
    """Reduced coverage, other algorithms, stretched lives, doubled fields: each alone is enough (threats 27, 28)."""
    fields = signed()
    assert judge(head_of(encode_fields(fields)))
    with pytest.raises(RemoteError) as refused:
        judge(head_of(BAD_FIELDS[name](fields)))
    assert refused.value.code is Code.BAD_SIGNATURE


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"authority": "other.example:8443"},
        {"authority": "bel.example"},
        {"path": "/v1/receipts"},
        {"path": "/v1/messages/"},
        {"query": "?x=1"},
        {"query": ""},
        {"method": "POST\n"},
        {"path": "/v1/messages\n"},
        {"authority": "bel.example:8443\r"},
    ],
    ids=repr,
)
def test_a_request_moved_elsewhere_is_refused(change: dict[str, str]) -> None:
    """Another method, authority, path or query than the signed one (threat 28)."""
    with pytest.raises(RemoteError) as refused:
        judge(replace(head_of(encode_fields(signed())), **change))
    assert refused.value.code is Code.BAD_SIGNATURE


def test_another_body_is_refused() -> None:
    """The digest is compared with the bytes that came."""
    with pytest.raises(RemoteError, match="digest"):
        judge(head_of(encode_fields(signed())), body=BODY + b" ")


def test_a_key_of_another_node_is_refused() -> None:
    """bel cannot sign in the name of alb, nor alb under a kid it does not have."""
    for stolen in (signed(sign=BEL.sign_http), signed(kid=BEL.http_kid)):
        with pytest.raises(RemoteError) as refused:
            judge(head_of(encode_fields(stolen)))
        assert refused.value.code is Code.BAD_SIGNATURE


def test_the_caller_may_answer_unknown_key() -> None:
    """Whoever resolves the key may say more than no."""

    def unknown(*_: object) -> bool:
        raise RemoteError(Code.UNKNOWN_KEY, "no such key")

    with pytest.raises(RemoteError) as refused:
        verify_request(head_of(encode_fields(signed())), body=BODY, now=NOW, started=0, verify=unknown)
    assert refused.value.code is Code.UNKNOWN_KEY


# --- times ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [-30, -29, 0, 120, 149, 150])
def test_a_request_within_its_time_is_taken(shift: int) -> None:
    """Thirty seconds of skew are allowed on both sides of created..expires."""
    assert judge(head_of(encode_fields(signed())), now=NOW + shift).created == NOW


@pytest.mark.parametrize("shift", [-3600, -31, 151, 86_400])
def test_a_request_outside_its_time_is_stale(shift: int) -> None:
    """One second more of skew and the sender has to sign anew."""
    with pytest.raises(RemoteError) as refused:
        judge(head_of(encode_fields(signed())), now=NOW + shift)
    assert refused.value.code is Code.STALE


def test_a_request_from_before_the_start_is_stale() -> None:
    """The nonces of an earlier process are forgotten, so its requests are too."""
    head = head_of(encode_fields(signed()))
    assert judge(head, started=NOW).created == NOW
    with pytest.raises(RemoteError) as refused:
        judge(head, started=NOW + 1)
    assert refused.value.code is Code.STALE


def test_a_forgery_is_never_called_stale() -> None:
    """Only a proven sender learns that its clock is wrong."""
    fields = {**signed(), "Signature": f"nrm=:{base64.b64encode(bytes(64)).decode()}:"}
    with pytest.raises(RemoteError) as refused:
        judge(head_of(encode_fields(fields)), now=NOW + 10_000)
    assert refused.value.code is Code.BAD_SIGNATURE


# --- properties ----------------------------------------------------------------------------------------------------


@given(name=st.sampled_from(sorted(signed())), at=st.integers(0, 500), byte=st.integers(0, 255))
def test_any_changed_byte_is_refused(name: str, at: int, byte: int) -> None:
    """No byte of a signed field can be changed, whatever it becomes."""
    fields = dict(encode_fields(signed()))
    value = bytearray(fields[name.encode()])
    at %= len(value)
    if value[at] == byte:
        return
    value[at] = byte
    with pytest.raises(RemoteError) as refused:
        judge(head_of(tuple({**fields, name.encode(): bytes(value)}.items())))
    assert refused.value.code is Code.BAD_SIGNATURE


@given(
    fields=st.lists(
        st.tuples(st.sampled_from([k for k, _ in encode_fields(signed())]), st.binary(max_size=40)), max_size=9
    )
)
def test_junk_is_refused_and_never_crashes(fields: list[tuple[bytes, bytes]]) -> None:
    """Whatever a stranger puts into the fields, the answer is one and the same code."""
    with pytest.raises(RemoteError) as refused:
        judge(head_of(fields))
    assert refused.value.code is Code.BAD_SIGNATURE


@given(
    body=st.binary(max_size=200),
    created=st.integers(0, 10**11),
    life=st.integers(1, 120),
    path=st.from_regex(r"/v1/[a-z0-9/%._~-]{0,40}", fullmatch=True),
    query=st.from_regex(r"\?([a-z]{1,8}=[a-z0-9]{0,8})?", fullmatch=True),
    seed=st.binary(min_size=16, max_size=16),
)
def test_everything_that_can_be_signed_verifies(
    body: bytes, created: int, life: int, path: str, query: str, seed: bytes
) -> None:
    """Signing and verifying agree on every request that the profile can express."""
    nonce = fresh_nonce(lambda size: seed[:size])
    fields = signed(body=body, created=created, life=life, path=path, query=query, nonce=nonce)
    head = RequestHead(method="POST", authority=AUTHORITY, path=path, query=query, fields=encode_fields(fields))
    assert judge(head, body=body, now=created, started=0).nonce == nonce


@pytest.mark.parametrize(
    "target", ["", "*", "v1/link", "https://bel.example/v1/link", "/v1/link#x", "/v1/li nk", "/v1/l\u00efnk", "/v1?a#b"]
)
def test_a_target_that_is_no_path_is_malformed(target: str) -> None:
    """Only a path with a query is a request target here."""
    with pytest.raises(RemoteError) as refused:
        split_target(target)
    assert refused.value.code is Code.MALFORMED


def test_a_target_is_split_at_its_first_question_mark() -> None:
    """The path and the query stay as they stand on the wire."""
    assert split_target("/v1/descriptor") == ("/v1/descriptor", "?")
    assert split_target("/v1/descriptor?") == ("/v1/descriptor", "?")
    assert split_target("/v1/descriptor?from=2?%41") == ("/v1/descriptor", "?from=2?%41")


# --- answers -------------------------------------------------------------------------------------------------------

ASKED = SignedRequest(method="POST", path="/v1/messages", signature=signed()["Signature"])


def answered(**changes: Any) -> dict[str, str]:
    """The fields of bel's good answer to ``ASKED``."""
    arguments: dict[str, Any] = {
        "status": 200,
        "content_type": "application/json",
        "body": b"{}",
        "asked": ASKED,
        "node": BEL.node,
        "kid": BEL.http_kid,
        "nonce": NONCE,
        "created": NOW,
        "sign": BEL.sign_http,
    }
    return sign_response(**{**arguments, **changes})


def believe(
    fields: Fields,
    *,
    status: int = 200,
    asked: SignedRequest = ASKED,
    body: bytes = b"{}",
    now: int = NOW,
    peer: str = BEL.node,
) -> None:
    """Take the answer as coming from ``peer``."""
    head = ResponseHead(status=status, fields=fields)
    verify_response(head, asked=asked, body=body, now=now, peer=peer, verify=TABLE.check)


def test_a_signed_answer_verifies() -> None:
    """What the server signs the client believes; the profile's text is exact."""
    believe(encode_fields(answered()))
    assert answered()["Signature-Input"].startswith(
        'nrm=("@status" "content-type" "content-digest" "@method";req "@path";req "signature";req);created='
    )


@pytest.mark.parametrize(
    "change",
    [
        {"status": 400},
        {"status": 1000},
        {"body": b"{ }"},
        {"asked": replace(ASKED, method="GET")},
        {"asked": replace(ASKED, path="/v1/void")},
        {"asked": replace(ASKED, signature=signed(nonce=NONCE[:-1] + "A")["Signature"])},
        {"peer": ALB.node},
    ],
    ids=["status", "no status", "body", "method", "path", "request", "peer"],
)
def test_an_answer_moved_elsewhere_is_refused(change: dict[str, Any]) -> None:
    """An answer holds for one status, one body, one request and one peer."""
    with pytest.raises(RemoteError) as refused:
        believe(encode_fields(answered()), **change)
    assert refused.value.code is Code.BAD_SIGNATURE


@pytest.mark.parametrize("name", ["Content-Type", "Content-Digest", "Signature-Input", "Signature"])
def test_an_answer_with_a_field_missing_or_doubled_is_refused(name: str) -> None:
    """Each field exactly once, in answers too."""
    for fault in (twice(name), without(name)):
        with pytest.raises(RemoteError) as refused:
            believe(fault(answered()))
        assert refused.value.code is Code.BAD_SIGNATURE


def test_a_request_signature_is_no_answer() -> None:
    """The two covered lists cannot stand for each other."""
    with pytest.raises(RemoteError) as refused:
        believe(encode_fields(signed()), body=BODY, peer=ALB.node)
    assert refused.value.code is Code.BAD_SIGNATURE


@pytest.mark.parametrize("shift", [-31, 151])
def test_an_answer_outside_its_time_is_stale(shift: int) -> None:
    """Clocks that differ by more than thirty seconds show in the answers too."""
    with pytest.raises(RemoteError) as refused:
        believe(encode_fields(answered()), now=NOW + shift)
    assert refused.value.code is Code.STALE


# --- an independent implementation as oracle ------------------------------------------------------------------------


@dataclass
class Message:
    """A request as the oracle wants it."""

    method: str
    url: str
    headers: Any


@dataclass
class Answer:
    """An answer as the oracle wants it."""

    status_code: int
    headers: Any
    request: Message


class Keys(HTTPSignatureKeyResolver):  # type: ignore[misc]
    """The oracle's view of the same two keys."""

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        party = {f"{p.node}:{p.http_kid}": p for p in (ALB, BEL)}[key_id]
        return Ed25519PublicKey.from_public_bytes(party.key.public.ed25519)

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:
        party = {f"{p.node}:{p.http_kid}": p for p in (ALB, BEL)}[key_id]
        return Ed25519PrivateKey.from_private_bytes(party.key.seeds()[0])


REQUEST_COMPONENTS = ("@method", "@authority", "@path", "@query", "content-type", "content-digest", "nrm-recipient")
RESPONSE_COMPONENTS = (
    '"@status"',
    '"content-type"',
    '"content-digest"',
    '"@method";req',
    '"@path";req',
    '"signature";req',
)


def oracle() -> HTTPMessageVerifier:
    """The independent verifier."""
    return HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=Keys())


def test_the_oracle_accepts_our_requests() -> None:
    """http-message-signatures rebuilds the same base from the request and verifies it, body included."""
    now = int(time.time())
    fields = signed(created=now, path="/v1/descriptor", query="?from=3")
    message = Message("POST", f"https://{AUTHORITY}/v1/descriptor?from=3", CaseInsensitiveDict(fields))
    [result] = oracle().verify(message, expect_tag="nrm-node/1", require_components=REQUEST_COMPONENTS, body=BODY)
    assert result.nonce == NONCE
    assert result.parameters["keyid"] == f"{ALB.node}:{ALB.http_kid}"


def test_the_oracle_accepts_our_answers() -> None:
    """The same for answers, with the three components of the request."""
    now = int(time.time())
    request = Message("POST", f"https://{AUTHORITY}/v1/messages", CaseInsensitiveDict(signed(created=now)))
    asked = replace(ASKED, signature=request.headers["Signature"])
    answer = Answer(200, CaseInsensitiveDict(answered(asked=asked, created=now)), request)
    [result] = oracle().verify(answer, expect_tag="nrm-node/1", require_components=RESPONSE_COMPONENTS, body=b"{}")
    assert result.parameters["keyid"] == f"{BEL.node}:{BEL.http_kid}"


def oracle_signs(message: Any, params: str, private: Ed25519PrivateKey) -> None:
    """Let the oracle build the base for exactly these parameters, sign it and write the fields."""
    signer = HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=Keys())
    node = signer._parse_signature_dictionary("nrm=" + params)["nrm"]
    base, _, _ = signer._build_signature_base(message, covered_component_ids=list(node), signature_params=node.params)
    prepared = PreparedSignature(base.encode(), params, "nrm", "ed25519")
    signer.apply(message, prepared, private.sign(base.encode()))


def test_we_accept_what_the_oracle_signs() -> None:
    """A request written by the independent implementation, in our order of parameters, verifies here."""
    fields = {
        "Content-Type": ENVELOPES,
        "Content-Digest": content_digest(BODY),
        "NRM-Recipient": BEL.node,
    }
    message = Message("POST", f"https://{AUTHORITY}/v1/messages", CaseInsensitiveDict(fields))
    oracle_signs(message, signed()["Signature-Input"].removeprefix("nrm="), Keys().resolve_private_key(keyid(ALB)))
    assert judge(head_of(encode_fields(dict(message.headers.items())))).node == ALB.node


def test_we_accept_answers_that_the_oracle_signs() -> None:
    """The same for answers."""
    request = Message("POST", f"https://{AUTHORITY}/v1/messages", CaseInsensitiveDict(signed()))
    fields = {"Content-Type": "application/json", "Content-Digest": content_digest(b"{}")}
    answer = Answer(200, CaseInsensitiveDict(fields), request)
    oracle_signs(answer, answered()["Signature-Input"].removeprefix("nrm="), Keys().resolve_private_key(keyid(BEL)))
    believe(encode_fields(dict(answer.headers.items())))


def test_the_oracle_in_its_own_order_is_refused() -> None:
    """A valid RFC 9421 signature that is not of this profile is not good enough."""
    fields = {"Content-Type": ENVELOPES, "Content-Digest": content_digest(BODY), "NRM-Recipient": BEL.node}
    message = Message("POST", f"https://{AUTHORITY}/v1/messages", CaseInsensitiveDict(fields))
    signer = HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=Keys())
    signer.sign(
        message,
        key_id=keyid(ALB),
        expires=datetime.datetime.now() + datetime.timedelta(seconds=60),
        nonce=NONCE,
        label="nrm",
        tag="nrm-node/1",
        include_alg=False,
        use_existing_digest=True,
        covered_component_ids=REQUEST_COMPONENTS,
    )
    assert oracle().verify(message, expect_tag="nrm-node/1", body=BODY)
    with pytest.raises(RemoteError) as refused:
        judge(head_of(encode_fields(dict(message.headers.items()))), now=int(time.time()))
    assert refused.value.code is Code.BAD_SIGNATURE


def keyid(party: Party) -> str:
    """The key id of a party's http key."""
    return f"{party.node}:{party.http_kid}"
