"""Ed25519 signatures in the JWS compact form (RFC 7515, RFC 9864), through joserfc."""

import json
from collections.abc import Mapping
from typing import Final, TypeVar

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, OKPKey

from wire.base import Message
from wire.errors import BadSignature, Malformed

_ALGORITHM = "Ed25519"
MAX_DOCUMENT_BYTES: Final = 6 * 1024 * 1024
"""Of a document before it is signed: a layer of 96 broadcasts a day with 20 items each takes 5 MB."""

_MAX_TOKEN_BYTES: Final = MAX_DOCUMENT_BYTES * 4 // 3 + 4096
_REGISTRY = jws.JWSRegistry(algorithms=[_ALGORITHM])
_REGISTRY.max_payload_length = _MAX_TOKEN_BYTES

Document = TypeVar("Document", bound=Message)


class SigningKey:
    """The controller's private key. `kid` is the RFC 7638 thumbprint of the public one."""

    def __init__(self, key: OKPKey) -> None:
        self._key = key
        self.kid = key.thumbprint()

    @classmethod
    def generate(cls) -> "SigningKey":
        return cls(OKPKey.generate_key("Ed25519"))

    @classmethod
    def from_json(cls, text: str) -> "SigningKey":
        return cls(OKPKey.import_key(json.loads(text)))

    def to_json(self) -> str:
        """The private JWK. Whoever reads it can make every loudspeaker speak."""
        return json.dumps(self._key.as_dict(private=True))

    def public_jwk(self) -> dict[str, str]:
        return {name: str(value) for name, value in self._key.as_dict(private=False).items()}

    def sign(self, document: Message) -> bytes:
        header = {"alg": _ALGORITHM, "kid": self.kid}
        return jws.serialize_compact(header, document.encode(), self._key, registry=_REGISTRY).encode()


class Keyring:
    """The public keys that a station believes, by `kid`."""

    def __init__(self, jwks: Mapping[str, OKPKey]) -> None:
        self._keys = dict(jwks)

    @classmethod
    def of(cls, *jwks: Mapping[str, str]) -> "Keyring":
        keys = [OKPKey.import_key(dict(jwk)) for jwk in jwks]
        return cls({key.thumbprint(): key for key in keys})

    @staticmethod
    def thumbprint(jwk: Mapping[str, str]) -> str:
        """RFC 7638, base64url. Raises ValueError or JoseError for what is no key."""
        return OKPKey.import_key(dict(jwk)).thumbprint()

    def open(self, token: bytes, kind: type[Document]) -> Document:
        """Verify, then decode. Raises `BadSignature` or `Malformed`."""
        payload = self._verified_payload(token)
        return kind.decode(payload)

    def _verified_payload(self, token: bytes) -> bytes:
        if len(token) > _MAX_TOKEN_BYTES:
            raise Malformed(f"document of {len(token)} bytes")
        try:
            return bytes(jws.deserialize_compact(token, self._key_of, registry=_REGISTRY).payload)
        except (JoseError, ValueError, TypeError) as error:
            raise BadSignature(str(error)) from error

    def _key_of(self, token: GuestProtocol) -> OKPKey:
        key = self._keys.get(str(token.headers().get("kid")))
        if key is None:
            raise BadSignature("signed with a key this station does not know")
        return key
