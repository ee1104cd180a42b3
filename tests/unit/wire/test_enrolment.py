"""A board proves that it holds its key; a code is what a person can read aloud and type."""

import base64

import pytest

from wire.enrolment import (
    CODE_LETTERS,
    EnrolmentRequest,
    PublicKey,
    fingerprint_of,
    plain_code,
    shown_code,
)
from wire.errors import BadSignature, Malformed
from wire.signing import SigningKey

CODE = "ACEFGHJKMN"


def test_a_request_made_with_a_key_proves_it() -> None:
    asked = EnrolmentRequest.made_with(SigningKey.generate(), CODE)
    EnrolmentRequest.decode(asked.encode()).check()


def test_nobody_enrols_with_a_key_of_somebody_else() -> None:
    stolen = PublicKey(x=SigningKey.generate().public_jwk()["x"])
    asked = EnrolmentRequest.made_with(SigningKey.generate(), CODE).model_copy(update={"public_key": stolen})
    with pytest.raises(BadSignature):
        asked.check()


def test_a_proof_is_good_for_its_own_code_only() -> None:
    asked = EnrolmentRequest.made_with(SigningKey.generate(), CODE).model_copy(update={"code": CODE[::-1]})
    with pytest.raises(BadSignature, match="another code"):
        asked.check()


@pytest.mark.parametrize("x", ["", "a" * 42, "a" * 44, "ä" * 43])
def test_what_is_no_ed25519_key_is_not_read(x: str) -> None:
    asked = EnrolmentRequest.made_with(SigningKey.generate(), CODE)
    broken = asked.encode().replace(asked.public_key.x.encode(), x.encode())
    with pytest.raises(Malformed):
        EnrolmentRequest.decode(broken)


def test_the_private_half_never_travels() -> None:
    key = SigningKey.generate()
    told = EnrolmentRequest.made_with(key, CODE).encode().decode()
    private = key.to_json().split('"d": "')[1].split('"')[0]
    assert private not in told


@pytest.mark.parametrize("typed", ["acefg-hjkmn", " ACEFG HJKMN ", "ACEFGHJKMN", "a c e f g h j k m n"])
def test_a_code_may_be_typed_as_people_type(typed: str) -> None:
    assert plain_code(typed) == CODE
    assert plain_code(shown_code(CODE)) == CODE


def test_no_letter_of_a_code_looks_like_another() -> None:
    for alike in ("0OQD", "1IL", "2Z", "5S", "8B", "UV"):
        assert sum(letter in CODE_LETTERS for letter in alike) <= 1


def test_a_fingerprint_is_twenty_digits_that_no_one_mistakes_for_another() -> None:
    key = SigningKey.generate()
    jwk = key.public_jwk()
    digits = fingerprint_of(jwk).split()
    assert [len(group) for group in digits] == [4] * 5
    assert base64.urlsafe_b64decode(key.kid + "=").startswith(bytes.fromhex("".join(digits)))
    assert fingerprint_of(jwk) == PublicKey(x=jwk["x"]).fingerprint()
    with pytest.raises(Malformed):
        fingerprint_of({"kty": "OKP"})
