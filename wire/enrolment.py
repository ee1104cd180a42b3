"""How a new board makes itself known: once, over HTTP, with a code that its technician was given.

The board makes its key pair itself and sends the public half with a proof that it holds the other one. The
answer says which station it is and whose signatures it may obey.
"""

import base64
from typing import Annotated, Final, Literal

from joserfc.errors import JoseError
from pydantic import Field, StringConstraints

from wire.base import Message
from wire.errors import BadSignature, Malformed
from wire.ids import StationId
from wire.signing import Keyring, SigningKey

PATH: Final = "/api/enrolment"
KEYS_PATH: Final = f"{PATH}/keys"
CODE_LETTERS: Final = "34679ACEFGHJKMNPQRTWXY"
"""No two of them look alike, in print or by hand."""
CODE_LENGTH: Final = 10
_MIDDLE: Final = CODE_LENGTH // 2
_FINGERPRINT_DIGITS: Final = 20


class PublicKey(Message):
    """An Ed25519 JWK (RFC 8037), the public half."""

    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    x: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]

    def jwk(self) -> dict[str, str]:
        return {"kty": self.kty, "crv": self.crv, "x": self.x}

    def fingerprint(self) -> str:
        """To compare by eye. Raises `Malformed`."""
        return fingerprint_of(self.jwk())


class Possession(Message):
    """What the board signs with its own key. A code is good for one board, so a copy is worth nothing."""

    type: Literal["enrolment"] = "enrolment"
    code: str


class EnrolmentRequest(Message):
    code: Annotated[str, Field(max_length=40)]
    public_key: PublicKey
    proof: Annotated[str, Field(max_length=2000)]
    """A `Possession`, signed."""

    @classmethod
    def made_with(cls, key: SigningKey, code: str) -> "EnrolmentRequest":
        public = PublicKey(x=key.public_jwk()["x"])
        return cls(code=code, public_key=public, proof=key.sign(Possession(code=code)).decode())

    def check(self) -> None:
        """Raises `BadSignature` unless whoever sent this holds the private half of its key."""
        try:
            signed = Keyring.of(self.public_key.jwk()).open(self.proof.encode(), Possession)
        except (JoseError, Malformed, ValueError) as error:
            raise BadSignature(str(error)) from error
        if signed.code != self.code:
            raise BadSignature("signed for another code")


class CentreKeys(Message):
    """Whose signatures a board would obey: told to anybody, to be compared before a code is spent."""

    type: Literal["centre_keys"] = "centre_keys"
    controller_keys: Annotated[tuple[PublicKey, ...], Field(min_length=1, max_length=8)]


class EnrolmentGrant(Message):
    """Who the board is from now on, whom it obeys, and where its broker is."""

    type: Literal["enrolment_grant"] = "enrolment_grant"
    station: StationId
    name: Annotated[str, Field(max_length=200)]
    controller_keys: Annotated[tuple[PublicKey, ...], Field(min_length=1, max_length=8)]
    broker_host: Annotated[str, Field(min_length=1, max_length=253)]
    broker_port: Annotated[int, Field(ge=1, le=65535)]


def plain_code(typed: str) -> str:
    """As it is compared: capitals, without the blanks and dashes of whoever typed it."""
    return "".join(letter for letter in typed.upper() if letter.isalnum())


def shown_code(code: str) -> str:
    """As it is read aloud: two groups."""
    return f"{code[:_MIDDLE]}-{code[_MIDDLE:]}"


def fingerprint_of(jwk: dict[str, str]) -> str:
    """The first 80 bits of the key's RFC 7638 thumbprint, as hex digits in groups of four.

    Raises `Malformed` for what is no key.
    """
    try:
        kid = Keyring.thumbprint(jwk)
    except (JoseError, ValueError, TypeError) as error:
        raise Malformed(str(error)) from error
    digits = base64.urlsafe_b64decode(f"{kid}=").hex().upper()
    return " ".join(digits[start : start + 4] for start in range(0, _FINGERPRINT_DIGITS, 4))
