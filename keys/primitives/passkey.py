"""Passkeys: the one place that knows WebAuthn (W3C, Level 3; nrm1 8.12).

A person proves possession of a passkey by signing a challenge in the browser. The response is checked in this order;
the library `webauthn` then checks all of it again:
  1. the browser       made for this purpose, this challenge and this origin, not inside of a foreign page
  2. the authenticator made for this site, a person was there and was verified (PIN, finger, face)
  3. the passkey       of the kind it was registered as, its counter did not go back
  4. the signature
The maker of the authenticator is not checked: there is no list of permitted ones, and attestation is not requested.
ES256 and RS256 only: OpenSSL accepts Ed25519 keys under which one signature fits every message (nrm1 2.5).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import orjson
from cryptography.exceptions import UnsupportedAlgorithm

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import KeyId
from gateway.ports import Json
from keys.primitives.encoding import b64u, h, is_str, lp_join, malformed, sha256, unb64u

if TYPE_CHECKING:
    from webauthn.helpers.structs import AuthenticatorData

CHALLENGE_LIFE: Final = 300
"""Seconds in which a browser has to answer."""
MOST_ID: Final = 1_023  # bytes of a credential id (WebAuthn, 4)
MOST_KEY: Final = 1_024  # RSA of 4096 bits has 540
MOST_CLIENT_DATA: Final = 4_096
MOST_AUTHENTICATOR: Final = 4_096
MOST_ATTESTATION: Final = 16_384
MOST_SIGNATURE: Final = 1_024
FEWEST_RSA: Final = 256  # bytes of the modulus
UNCOMPRESSED: Final = 0x04  # how U2F wrote a key; the library still reads it, which COSE never begins with
ES256: Final = -7
RS256: Final = -257
_CREATE: Final = "webauthn.create"
_GET: Final = "webauthn.get"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The site where passkeys are valid: the origin of the console, and the relying party, which is its host."""

    origin: str
    rp: str

    @classmethod
    def at(cls, origin: str) -> Self:
        """Return the site of an origin such as `https://desk.example.org:8443`."""
        return cls(origin=origin, rp=origin.partition("://")[2].partition(":")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """The public half of a passkey. `key` is a COSE key; `synced`: its provider may copy it to other devices."""

    id: bytes
    key: bytes
    counter: int
    synced: bool

    @property
    def kid(self) -> KeyId:
        """Its name of 16 bytes, which commits to all that is signed by (nrm1 8.12)."""
        return KeyId(b64u(h("kid", lp_join(b"passkey", self.id, self.key))[:16]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """One signature of an authenticator: over `authenticator` followed by the hash of `client`. `holder` is the user
    handle.
    """

    id: bytes
    client: bytes
    authenticator: bytes
    signature: bytes
    holder: bytes | None = None

    @classmethod
    def from_browser(cls, value: Json) -> Self:
        """Read `PublicKeyCredential.toJSON()` of a signature. Raises RemoteError(malformed)."""
        id, response = _outer(value)
        holder = response.get("userHandle")
        return cls(
            id=id,
            client=_bytes(response, "clientDataJSON", MOST_CLIENT_DATA),
            authenticator=_bytes(response, "authenticatorData", MOST_AUTHENTICATOR),
            signature=_bytes(response, "signature", MOST_SIGNATURE),
            holder=None if holder is None else _bytes(response, "userHandle", 64),
        )


# --- what a browser is asked -------------------------------------------------------------------------------------


def creation_options(
    site: Site, challenge: bytes, *, service: str, person: bytes, name: str, held: Sequence[bytes], synced: bool
) -> dict[str, Json]:
    """Build the argument of `navigator.credentials.create()`.

    `held` are the passkeys that this person has already; `synced` permits passkeys that are copied between devices.
    """
    return {
        "rp": {"id": site.rp, "name": service},
        "user": {"id": b64u(person), "name": name, "displayName": name},
        "challenge": b64u(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": ES256}, {"type": "public-key", "alg": RS256}],
        "timeout": CHALLENGE_LIFE * 1_000,
        "excludeCredentials": [{"type": "public-key", "id": b64u(id)} for id in held],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
        "hints": [] if synced else ["security-key"],
    }


def request_options(site: Site, challenge: bytes, *, only: Sequence[bytes] = ()) -> dict[str, Json]:
    """Build the argument of `navigator.credentials.get()`. `only` limits it to these passkeys; empty permits any of the
    site.
    """
    return {
        "rpId": site.rp,
        "challenge": b64u(challenge),
        "timeout": CHALLENGE_LIFE * 1_000,
        "allowCredentials": [{"type": "public-key", "id": b64u(id)} for id in only],
        "userVerification": "required",
    }


# --- what comes back ---------------------------------------------------------------------------------------------


def verify_registration(value: Json, *, site: Site, challenge: bytes) -> Passkey:
    """Verify the `PublicKeyCredential.toJSON()` of a creation and return the new passkey.

    Raises:
        RemoteError: malformed, wrong_type, conflict (another challenge), misdirected (another site), unauthorised
            (nobody was verified), bad_key.
    """
    from webauthn.helpers import (
        decode_credential_public_key,
        decoded_public_key_to_cryptography,
        parse_attestation_object,
    )
    from webauthn.helpers.cose import COSEAlgorithmIdentifier
    from webauthn.helpers.decode_credential_public_key import DecodedRSAPublicKey
    from webauthn.helpers.structs import AttestationFormat, AuthenticatorAttestationResponse, RegistrationCredential
    from webauthn.registration.verify_registration_response import verify_registration_response

    id, response = _outer(value)
    client = _bytes(response, "clientDataJSON", MOST_CLIENT_DATA)
    attestation = _bytes(response, "attestationObject", MOST_ATTESTATION)
    _check_client(client, _CREATE, site, challenge)  # 1
    with _judged(Code.BAD_KEY, "this is no passkey that can be kept"):
        parsed = parse_attestation_object(attestation)
        _check_authenticator(parsed.auth_data, site)  # 2
        # Other formats come only when attestation was requested, and it never is.
        if parsed.fmt not in (AttestationFormat.NONE, AttestationFormat.PACKED):
            raise RemoteError(Code.BAD_KEY, "an attestation that was not asked for")
        made = verify_registration_response(
            credential=RegistrationCredential(
                id=b64u(id),
                raw_id=id,
                response=AuthenticatorAttestationResponse(client_data_json=client, attestation_object=attestation),
            ),
            expected_challenge=challenge,
            expected_rp_id=site.rp,
            expected_origin=site.origin,
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(ES256), COSEAlgorithmIdentifier(RS256)],
        )
        key = made.credential_public_key
        decoded = decode_credential_public_key(key)
        # Without attestation the library never loads the key: a point off the curve would only fail at the first login.
        decoded_public_key_to_cryptography(decoded)
    short = isinstance(decoded, DecodedRSAPublicKey) and len(decoded.n.lstrip(b"\0")) < FEWEST_RSA
    if made.credential_id != id or short or len(key) > MOST_KEY or key[0] == UNCOMPRESSED:
        raise RemoteError(Code.BAD_KEY, "this is no passkey that can be kept")
    return Passkey(id=id, key=key, counter=made.sign_count, synced=parsed.auth_data.flags.be)


def verify_assertion(assertion: Assertion, passkey: Passkey, *, site: Site, challenge: bytes) -> int:
    """Verify that the holder of `passkey` signed this challenge for this site, and return the passkey's new counter.

    Raises:
        RemoteError: malformed, wrong_type, conflict (another challenge), misdirected (another site), unauthorised
            (nobody was verified), bad_key (copied since), rollback (its counter), bad_signature.
    """
    from webauthn.authentication.verify_authentication_response import verify_authentication_response
    from webauthn.helpers import parse_authenticator_data
    from webauthn.helpers.structs import AuthenticationCredential, AuthenticatorAssertionResponse

    _check_client(assertion.client, _GET, site, challenge)  # 1
    with _judged(Code.BAD_SIGNATURE, "not signed by this passkey"):
        said = parse_authenticator_data(assertion.authenticator)
        _check_authenticator(said, site)  # 2
        # Administrators need passkeys that stay in their device: one that turns syncable may exist twice.
        if said.flags.be != passkey.synced:  # 3
            raise RemoteError(Code.BAD_KEY, "the passkey is of another kind than it was")
        # Both 0 means that the authenticator keeps no counter (WebAuthn, 6.1.1).
        if (said.sign_count or passkey.counter) and said.sign_count <= passkey.counter:
            raise RemoteError(Code.ROLLBACK, "the counter of the passkey went back: there may be a copy of it")
        if assertion.id != passkey.id:
            raise RemoteError(Code.BAD_SIGNATURE, "signed by another passkey")
        done = verify_authentication_response(  # 4
            credential=AuthenticationCredential(
                id=b64u(assertion.id),
                raw_id=assertion.id,
                response=AuthenticatorAssertionResponse(
                    client_data_json=assertion.client,
                    authenticator_data=assertion.authenticator,
                    signature=assertion.signature,
                ),
            ),
            expected_challenge=challenge,
            expected_rp_id=site.rp,
            expected_origin=site.origin,
            credential_public_key=passkey.key,
            credential_current_sign_count=passkey.counter,
            require_user_verification=True,
        )
    return done.new_sign_count


@contextmanager
def _judged(code: Code, what: str) -> Iterator[None]:
    """Translate every exception of the library about bytes from outside into one error of ours."""
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        yield
    except (WebAuthnException, UnsupportedAlgorithm, ValueError, LookupError, TypeError, RecursionError) as exc:
        raise RemoteError(code, what) from exc


def _outer(value: Json) -> tuple[bytes, dict[str, Json]]:
    """Read the id and the response that a browser returns; members that browsers add are ignored."""
    match value:
        case {"id": id, "rawId": raw, "type": "public-key", "response": dict(response)} if id == raw:
            return _bytes({"id": id}, "id", MOST_ID), response
    raise malformed("this is no answer of a browser about a passkey")


def _bytes(members: dict[str, Json], name: str, most: int) -> bytes:
    text = members.get(name)
    if not is_str(maxlen=most * 4 // 3 + 2)(text):
        raise malformed(f"{name} is missing or too long")
    return unb64u(text)


def _check_client(client: bytes, kind: str, site: Site, challenge: bytes) -> None:
    try:
        said = orjson.loads(client)
    except orjson.JSONDecodeError as exc:
        raise malformed("clientDataJSON is not JSON") from exc
    if not isinstance(said, dict):
        raise malformed("clientDataJSON is not an object")
    if said.get("type") != kind:
        raise RemoteError(Code.WRONG_TYPE, "signed for another purpose")
    if said.get("challenge") != b64u(challenge):
        raise RemoteError(Code.CONFLICT, "signed for something else")
    # crossOrigin: a page that frames the console could make a person sign without knowing for whom.
    if said.get("origin") != site.origin or said.get("crossOrigin", False) is not False:
        raise RemoteError(Code.MISDIRECTED, "signed at another origin")


def _check_authenticator(said: AuthenticatorData, site: Site) -> None:
    if said.rp_id_hash != sha256(site.rp.encode()):
        raise RemoteError(Code.MISDIRECTED, "signed for another site")
    if not (said.flags.up and said.flags.uv):
        raise RemoteError(Code.UNAUTHORISED, "the authenticator did not verify who holds it")
