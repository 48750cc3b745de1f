"""The published vectors that are the same at each run: encodings, identity, numbers, HTTP signatures."""

from __future__ import annotations

import base64
from typing import Any

from support.vector_parties import NODE, NOW, Party, id_of, key_of, notes_key_of, record, seed

from gateway.federation.signatures import RequestHead, SignedRequest, read_request
from gateway.federation.signing import content_digest, encode_fields, sign_request, sign_response
from keys.documents.descriptor import Descriptor
from keys.documents.envelope import Secret, Statement, compute_commitment, link_hash, pack_inner, statement_hash
from keys.documents.fingerprint import Party as Compared
from keys.documents.fingerprint import fingerprint_hash, pair_code
from keys.documents.key_records import Use
from keys.primitives.domains import KEYSET, LABELS, STATEMENT
from keys.primitives.encoding import b64u, canon, h, lp_join, padme, unb64u
from keys.primitives.hybrid_keys import SigningKey, kid_of, pae, signature_base
from keys.primitives.seal import EncPrivateKey

Case = dict[str, Any]

# --- encodings -----------------------------------------------------------------------------------------------------

_VALUES: dict[str, Any] = {
    "empty object": {},
    "members are sorted": {"b": 1, "a": 2, "A": 3, "aa": 4, "_": None},
    "no spaces, raw UTF-8": {"name": "Erë Шевченко", "list": [1, -1, 0, True, None]},
    "what JSON must escape, and nothing else": {"text": '"\\\b\f\n\r\t\u0001/é\u2028'},
    "the largest integers": [2**53 - 1, 1 - 2**53],
}
_WRONG: dict[str, bytes] = {
    "a space": b'{"a": 1}',
    "a line feed at the end": b'{"a":1}\n',
    "members not sorted": b'{"b":1,"a":2}',
    "a member twice": b'{"a":1,"a":1}',
    "a member twice, once escaped": b'{"a":1,"\\u0061":1}',
    "an escape that is not needed": b'{"a":"\\u00e9"}',
    "an escaped slash": b'{"a":"\\/"}',
    "a fraction": b'{"a":1.5}',
    "a whole number written as a fraction": b'{"a":1.0}',
    "an exponent": b'{"a":1e2}',
    "minus zero": b'{"a":-0}',
    "not a number": b'{"a":NaN}',
    "2 to the 53rd": b'{"a":9007199254740992}',
    "2 to the 70th": b'{"a":1180591620717411303424}',
    "a byte order mark": b'\xef\xbb\xbf{"a":1}',
    "UTF-16": '{"a":1}'.encode("utf-16-le"),
    "not UTF-8": b'{"a":"\xff"}',
    "a lone surrogate, escaped": b'{"a":"\\ud800"}',
    "a comment": b'{"a":1/**/}',
    "a comma at the end": b'{"a":1,}',
    "a member name that is not ASCII": '{"é":1}'.encode(),
    "an empty member name": b'{"":1}',
    "a member name of 65 characters": b'{"' + b"a" * 65 + b'":1}',
    "depth 25": b"[" * 25 + b"]" * 25,
    "depth 1000": b"[" * 1000 + b"]" * 1000,
    "cut short": b'{"a":1',
    "two values": b"{}{}",
    "nothing": b"",
}
_TEXTS: dict[str, tuple[str, int | None]] = {
    "padding": ("AA==", None),
    "the alphabet of base64": ("+/8", None),
    "bits that mean nothing": ("AB", None),
    "one character": ("A", None),
    "white space": ("AA A", None),
    "a line feed at the end": ("AAAA\n", None),
    "15 bytes for an id": (b64u(b"\0" * 15), 16),
    "33 bytes for a hash": (b64u(b"\0" * 33), 32),
}
_SIZES = (0, 1, 2, 9, 100, 1_000, 16_384, 16_385, 20_000, 65_537, 100_000, 999_999, 1_000_000)


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def encodings() -> Case:
    """nrm1 1: canonical JSON, base64url, hashes with labels, frames, PAE, padding."""
    values = {**_VALUES, "depth 24": _nested(24)}
    sample = b"referral"
    return {
        "canonical": [{"name": name, "value": value, "bytes": canon(value).hex()} for name, value in values.items()],
        "not_canonical": [
            *({"name": name, "hex": data.hex(), "code": "malformed"} for name, data in _WRONG.items()),
            {"name": "larger than the limit", "hex": b'{"a":1}'.hex(), "limit": 6, "code": "too_large"},
        ],
        "base64url": [{"hex": data.hex(), "text": b64u(data)} for data in (b"", b"\0", b"\xfb\xff", bytes(range(16)))],
        "not_base64url": [
            {"name": name, "text": text, "code": "malformed"} | ({} if size is None else {"size": size})
            for name, (text, size) in _TEXTS.items()
        ],
        "hashes": [{"label": label, "hex": sample.hex(), "hash": b64u(h(label, sample))} for label in sorted(LABELS)],
        "frames": [
            {"parts": [p.hex() for p in parts], "hex": lp_join(*parts).hex()} for parts in ((b"",), (b"a", b"bc"))
        ],
        "pae": [{"type": STATEMENT, "hex": sample.hex(), "pae": pae(STATEMENT, sample).hex()}],
        "bases": [_base(key, sample) for key in (key_of("alb/sig"), key_of("alb/http", hybrid=False))],
        "padme": [[size, padme(size)] for size in _SIZES],
    }


def _base(key: SigningKey, sample: bytes) -> Case:
    """What a key signs, and its half that has no randomness."""
    base = signature_base(key.public, KEYSET, sample)
    return {
        "key": key.public.to_json(),
        "type": KEYSET,
        "hex": sample.hex(),
        "base": base.hex(),
        "ed25519": b64u(key.sign(KEYSET, sample).ed25519),
    }


# --- identity ------------------------------------------------------------------------------------------------------


def _signing_key(name: str, key: SigningKey) -> Case:
    ed25519, mldsa65 = key.seeds()
    public = key.public
    return {
        "name": name,
        "ed25519_seed": ed25519.hex(),
        "mldsa65_seed": None if mldsa65 is None else mldsa65.hex(),
        "ed25519": b64u(public.ed25519),
        "mldsa65": None if public.mldsa65 is None else b64u(public.mldsa65),
        "kid": public.kid,
    }


def _enc_key(name: str) -> Case:
    key = EncPrivateKey(seed(name))
    return {"name": name, "seed": seed(name).hex(), "pub": b64u(key.public), "kid": key.kid}


def _node(held: Descriptor) -> Case:
    return {
        "roots": [root.to_json() for root in held.roots],
        "threshold": held.threshold,
        "node": held.node,
        "x": fingerprint_hash(held.node, held.roots, held.threshold).hex(),
        "fingerprint": held.fingerprint,
    }


def _bad_records() -> list[Case]:
    hybrid, plain = key_of("records/hybrid"), key_of("records/plain", hybrid=False)
    sig: Any = record(hybrid, Use.SIG).to_json()
    http: Any = record(plain, Use.HTTP).to_json()
    log: Any = record(notes_key_of("records/log"), Use.LOG).to_json()
    wrong: dict[str, tuple[Case, str]] = {
        "the kid of another key": (sig | {"kid": plain.public.kid}, "bad_key"),
        "ends when it begins": (sig | {"until": sig["from"]}, "malformed"),
        "an unknown use": (sig | {"use": "all"}, "malformed"),
        "one member more": (sig | {"alg": "EdDSA"}, "malformed"),
        "a truth value for a time": (sig | {"from": True}, "malformed"),
        "a root without its ML-DSA-65 half": (http | {"use": "root", "mldsa65": None}, "bad_key"),
        "a sig key without its ML-DSA-65 half": (http | {"use": "sig", "mldsa65": None}, "bad_key"),
        "a log key without its ML-DSA-44 half": (http | {"use": "log", "mldsa44": None}, "bad_key"),
        "a log key with an ML-DSA-65 half": (sig | {"use": "log"}, "malformed"),
        "a sig key with an ML-DSA-44 half": (log | {"use": "sig"}, "malformed"),
        "an http key with an ML-DSA-65 half": (sig | {"use": "http"}, "malformed"),
        "an http key with a member for the other half": (http | {"mldsa65": None}, "malformed"),
        "the kid without the ML-DSA-44 half": (log | {"kid": kid_of(unb64u(log["ed25519"]), None)}, "bad_key"),
        "a short ML-DSA-65 key": (sig | {"mldsa65": b64u(b"\0" * 1951)}, "malformed"),
    }
    return [{"name": name, "record": value, "code": code} for name, (value, code) in wrong.items()]


_POINTS = {
    "the identity": "01" + "00" * 31,
    "order 2": "ec" + "ff" * 30 + "7f",
    "order 4": "00" * 32,
    "order 8": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "not canonical": "ed" + "ff" * 30 + "7f",
    "not on the curve": "02" + "00" * 31,
}


def _bad_keys() -> list[Case]:
    good = EncPrivateKey(seed("identity/enc")).public
    spoiled = {
        "one byte short": good[:-1],
        "an ML-KEM-768 coefficient that is not reduced": b"\xff" * 3 + good[3:],
        "a low-order X25519 share": good[:1184] + b"\0" * 32,
    }
    return [
        *({"name": f"Ed25519: {name}", "ed25519": point, "code": "bad_key"} for name, point in _POINTS.items()),
        *({"name": f"X-Wing: {name}", "enc": b64u(pub), "code": "bad_key"} for name, pub in spoiled.items()),
    ]


def identity() -> Case:
    """nrm1 2.2, 2.9: keys from seeds, kids, node ids, the digits that two people compare."""
    first, second = Party(name="alb", size=3, threshold=2).first(), Party(name="bel").first()
    return {
        "signing_keys": [
            _signing_key("identity/sig", key_of("identity/sig")),
            _signing_key("identity/http", key_of("identity/http", hybrid=False)),
        ],
        "enc_keys": [_enc_key("identity/enc")],
        "nodes": [_node(first), _node(second)],
        "pair_code": pair_code(*(Compared(side.fingerprint, side.version) for side in (first, second))),
        "bad_records": _bad_records(),
        "bad_keys": _bad_keys(),
    }


# --- numbers -------------------------------------------------------------------------------------------------------


def statement(**changes: Any) -> Statement:
    """A statement between nobody and nobody."""
    usual: dict[str, Any] = {
        "id": id_of("message"),
        "from_": NODE,
        "from_desc": 1,
        "to": "n1" + "b" * 32,
        "to_desc": 1,
        "rcp": (id_of("kid"),),
        "epoch": 1,
        "n": 1,
        "prev": None,
        "conv": id_of("conversation"),
        "reply_to": None,
        "created": NOW,
        "expires": NOW + 14 * 86_400,
        "body_type": "referral.request/1",
        "schema": "sha256:" + "5a" * 32,
        "purpose": "referral",
        "commit": compute_commitment(SECRET.encode(), BODY),
    }
    return Statement(**{**usual, **changes})


SECRET = Secret(salt=seed("salt"))
BODY = canon({"header": {}, "content": {"note": "synthetic"}})


def _step(n: int, name: str, prev: str | None, verdict: str, *, epoch: int = 1, said: str | None = None) -> Case:
    commit = None if said == "" else b64u(seed(said or name))
    return {
        "epoch": epoch,
        "n": n,
        "id": id_of(name),
        "commit": commit,
        "prev": prev,
        "verdict": verdict,
        "link": link_hash(epoch=epoch, n=n, id=id_of(name), commit=commit, prev=prev),
    }


def _links() -> list[Case]:
    one = _step(1, "one", None, "new")
    two = _step(2, "two", one["link"], "new")
    three = _step(3, "three", two["link"], "new")
    void = _step(1, "one", None, "new", said="")
    wrong = b64u(b"\0" * 32)
    return [
        {"name": "in order", "steps": [one, two, three, two | {"verdict": "repeat"}]},
        {"name": "a gap that fills late", "steps": [one, three, two]},
        {"name": "prev of another message", "steps": [one, _step(2, "two", wrong, "bad_chain"), two]},
        {
            "name": "a gap filled by what the number after it does not name",
            "steps": [one, three, _step(2, "other", one["link"], "bad_chain"), two],
        },
        {"name": "one number for two messages", "steps": [one, _step(1, "other", None, "equivocation")]},
        {"name": "one number for two contents", "steps": [one, _step(1, "one", None, "equivocation", said="other")]},
        {"name": "behind a number without content", "steps": [void, _step(2, "two", void["link"], "new")]},
        {"name": "prev without the content", "steps": [one, _step(2, "two", void["link"], "bad_chain")]},
        {"name": "one message under two numbers", "steps": [one, _step(2, "one", one["link"], "bad_chain")]},
        {"name": "another epoch", "steps": [one, _step(2, "two", one["link"], "link_reset_required", epoch=2)]},
        {"name": "prev null behind number 1", "steps": [one, _step(2, "two", None, "bad_chain")]},
        {"name": "a prev at number 1", "steps": [_step(1, "one", wrong, "bad_chain"), one]},
        {"name": "100 000 ahead", "steps": [_step(100_000, "far", wrong, "new")]},
        {"name": "100 001 ahead", "steps": [_step(100_001, "far", wrong, "bad_chain")]},
    ]


def numbers() -> Case:
    """nrm1 3: the statement and its hashes, the commitment, the inner frames, the links of a chain."""
    said = statement().encode()
    inner = pack_inner(statement=said, proof=b"{}", secret=SECRET.encode(), body=BODY)
    return {
        "statement": {"bytes": b64u(said), "hash": statement_hash(said)},
        "secret": b64u(SECRET.encode()),
        "body": b64u(BODY),
        "commit": compute_commitment(SECRET.encode(), BODY),
        "inner": {"proof": b64u(b"{}"), "length": len(inner), "frames": b64u(inner.rstrip(b"\0"))},
        "links": _links(),
    }


# --- http ----------------------------------------------------------------------------------------------------------

_ENVELOPES = "application/vnd.nrm.envelopes.v2"
_REQUEST = '"@method" "@authority" "@path" "@query" "content-type" "content-digest" "nrm-recipient"'
_BODY = lp_join(b"{}")
_OTHER = lp_join(b"[]")
_TARGET = {"method": "POST", "authority": "bel.example:8443", "path": "/v1/messages", "query": "?"}


class _Http:
    """Signs as one node to another one."""

    def __init__(self) -> None:
        self.alb, self.bel = Party(name="alb", size=3, threshold=2), Party(name="bel")
        self.from_node, self.to_node = self.alb.first().node, self.bel.first().node
        self.kid = self.alb.http.public.kid

    def request(self, **changes: Any) -> dict[str, str]:
        """The fields of a good request but for `changes`."""
        usual: dict[str, Any] = {
            **_TARGET,
            "content_type": _ENVELOPES,
            "body": _BODY,
            "recipient": self.to_node,
            "node": self.from_node,
            "kid": self.kid,
            "nonce": id_of("nonce"),
            "created": NOW,
            "sign": self.alb.http.sign_raw,
        }
        return sign_request(**{**usual, **changes})

    def answer(self, fields: dict[str, str], **changes: Any) -> dict[str, str]:
        """The fields of a good answer to a request with these fields, but for `changes`."""
        asked = SignedRequest(method="POST", path="/v1/messages", signature=fields["Signature"])
        usual: dict[str, Any] = {
            "status": 200,
            "content_type": "application/json",
            "body": b"{}",
            "asked": asked,
            "node": self.to_node,
            "kid": self.bel.http.public.kid,
            "nonce": id_of("answer nonce"),
            "created": NOW,
            "sign": self.bel.http.sign_raw,
        }
        return sign_response(**{**usual, **changes})

    def again(self, fields: dict[str, str]) -> dict[str, str]:
        """Signed over whatever Signature-Input claims to cover, as a peer with a true key could."""
        values = {
            '"@method"': "POST",
            '"@authority"': _TARGET["authority"],
            '"@path"': "/v1/messages",
            '"@query"': "?",
            '"content-type"': fields["Content-Type"],
            '"content-digest"': fields["Content-Digest"],
            '"nrm-recipient"': fields["NRM-Recipient"],
        }
        params = fields["Signature-Input"].removeprefix("nrm=")
        covered = [name for name in params[1 : params.index(")")].split(" ") if name in values]
        lines = [*(f"{name}: {values[name]}" for name in covered), f'"@signature-params": {params}']
        signature = self.alb.http.sign_raw("\n".join(lines).encode())
        return fields | {"Signature": f"nrm=:{base64.b64encode(signature).decode()}:"}

    def spoiled(self, old: str, new: str) -> dict[str, str]:
        """A request whose Signature-Input is not as the profile has it, truly signed."""
        fields = self.request()
        assert old in fields["Signature-Input"]
        return self.again(fields | {"Signature-Input": fields["Signature-Input"].replace(old, new)})


def _asking(name: str, fields: Any, code: str | None, **changes: Any) -> Case:
    pairs = [list(pair) for pair in (fields.items() if isinstance(fields, dict) else fields)]
    return {
        "name": name,
        "code": code,
        **_TARGET,
        "now": NOW,
        "started": NOW - 3_600,
        "body": b64u(_BODY),
        "fields": pairs,
        **changes,
    }


def http() -> Case:
    """nrm1 9.10: requests and answers of the profile nrm-node/1."""
    sign = _Http()
    good = sign.request()
    return {
        "keys": [
            {"keyid": f"{node}:{key.public.kid}", "seed": key.seeds()[0].hex(), "ed25519": key.public.ed25519.hex()}
            for node, key in ((sign.from_node, sign.alb.http), (sign.to_node, sign.bel.http))
        ],
        "base": read_request(RequestHead(**_TARGET, fields=encode_fields(good))).base.decode(),
        "requests": [*_good_requests(sign), *_bad_requests(sign), *_bad_fields(sign), *_late(sign)],
        "answers": _answers(sign),
    }


def _good_requests(sign: _Http) -> list[Case]:
    empty = sign.request(method="GET", path="/v1/link", content_type="application/octet-stream", body=b"")
    return [
        _asking("a request", sign.request(), None),
        _asking("a request without a body", empty, None, method="GET", path="/v1/link", body=""),
    ]


def _bad_requests(sign: _Http) -> list[Case]:
    good = sign.request()
    bad = "bad_signature"
    covered = {
        "the body is not covered": (' "content-digest"', ""),
        "the recipient is not covered": (' "nrm-recipient"', ""),
        "nothing is covered": (_REQUEST, ""),
        "covered in another order": ('"@method" "@authority"', '"@authority" "@method"'),
        "covered twice": ('"@method"', '"@method" "@method"'),
        "an algorithm is named": (';tag="nrm-node/1"', ';alg="ed25519";tag="nrm-node/1"'),
        "another tag": ("nrm-node/1", "nrm-node/2"),
        "no tag": (';tag="nrm-node/1"', ""),
        "no nonce": (f';nonce="{id_of("nonce")}"', ""),
        "lives 121 seconds": (f"expires={NOW + 120}", f"expires={NOW + 121}"),
        "ends when it begins": (f"expires={NOW + 120}", f"expires={NOW}"),
        "another label": ("nrm=(", "sig1=("),
    }
    return [
        _asking("another body", good, bad, body=b64u(_OTHER)),
        _asking("another method", good, bad, method="PUT"),
        _asking("another path", good, bad, path="/v1/void"),
        _asking("another query", good, bad, query="?from=1"),
        _asking("another authority", good, bad, authority="other.example:8443"),
        _asking("signed by a key that is not listed", sign.request(kid=id_of("no key")), bad),
        _asking("signed for another recipient than the field says", good | {"NRM-Recipient": NODE}, bad),
        *(_asking(name, sign.spoiled(old, new), bad) for name, (old, new) in covered.items()),
    ]


def _bad_fields(sign: _Http) -> list[Case]:
    good = sign.request()
    pairs = list(good.items())
    digest = good["Content-Digest"]
    twice = {name: [*pairs, (name, good[name])] for name in good}
    bad = "bad_signature"
    return [
        *(_asking(f"{name} twice", fields, bad) for name, fields in twice.items()),
        *(_asking(f"no {name}", [pair for pair in pairs if pair[0] != name], bad) for name in good),
        _asking("a second digest", sign.again(good | {"Content-Digest": f"{digest}, {digest}"}), bad),
        _asking("a digest of another kind", sign.again(good | {"Content-Digest": digest.replace("256", "512")}), bad),
        _asking("a digest of another body", sign.again(good | {"Content-Digest": content_digest(_OTHER)}), bad),
    ]


def _late(sign: _Http) -> list[Case]:
    good = sign.request()
    return [
        _asking("30 seconds behind its end", good, None, now=NOW + 150),
        _asking("31 seconds behind its end", good, "stale", now=NOW + 151),
        _asking("30 seconds before its beginning", good, None, now=NOW - 30),
        _asking("31 seconds before its beginning", good, "stale", now=NOW - 31),
        _asking("made before the node started", good, "stale", started=NOW + 1),
    ]


def _answers(sign: _Http) -> list[Case]:
    good = sign.request()
    other = sign.request(nonce=id_of("other nonce"))
    fields = sign.answer(good)
    asked = {"method": "POST", "path": "/v1/messages", "signature": good["Signature"]}
    bad = "bad_signature"

    def told(name: str, code: str | None, **changes: Any) -> Case:
        return {
            "name": name,
            "code": code,
            "status": 200,
            "asked": asked,
            "peer": sign.to_node,
            "now": NOW,
            "body": b64u(b"{}"),
            "fields": [list(pair) for pair in fields.items()],
            **changes,
        }

    moved = asked | {"signature": other["Signature"]}
    return [
        told("an answer", None),
        told("another status", bad, status=400),
        told("another body", bad, body=b64u(b"[]")),
        told("the answer to another request", bad, asked=moved),
        told("the answer of another node", bad, peer=sign.from_node),
        told("151 seconds later", "stale", now=NOW + 151),
        told("unsigned", bad, fields=[["Content-Type", "application/json"]]),
    ]
