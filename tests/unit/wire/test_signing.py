from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import BadSignature, Malformed, WireError
from wire.ids import StationKind
from wire.messages import PlanLayer, Presence, StationCard
from wire.signing import MAX_DOCUMENT_BYTES, Keyring, SigningKey

KEY = SigningKey.generate()
RING = Keyring.of(KEY.public_jwk())
NOW = datetime(2026, 11, 23, tzinfo=UTC)
LAYER = PlanLayer(area="lao-cai", version=3, issued_at=NOW, expires_at=NOW)
TOKEN = KEY.sign(LAYER)


def test_opens_what_the_key_signed() -> None:
    assert RING.open(TOKEN, PlanLayer) == LAYER


def test_a_key_survives_its_file() -> None:
    again = SigningKey.from_json(KEY.to_json())
    assert again.kid == KEY.kid
    assert RING.open(again.sign(LAYER), PlanLayer) == LAYER


def test_the_public_key_holds_no_secret() -> None:
    assert set(KEY.public_jwk()) == {"kty", "crv", "x"}


def test_refuses_another_key() -> None:
    with pytest.raises(BadSignature):
        RING.open(SigningKey.generate().sign(LAYER), PlanLayer)


def test_refuses_a_stranger_who_borrows_the_key_id() -> None:
    stranger = SigningKey.generate().sign(LAYER)
    head, _, _ = TOKEN.partition(b".")
    with pytest.raises(BadSignature):
        RING.open(head + b"." + stranger.partition(b".")[2], PlanLayer)


def test_refuses_an_unsigned_token() -> None:
    # {"alg":"none","kid":…} is the classic forgery of a JWS.
    from base64 import urlsafe_b64encode

    header = urlsafe_b64encode(f'{{"alg":"none","kid":"{KEY.kid}"}}'.encode()).rstrip(b"=")
    with pytest.raises(BadSignature):
        RING.open(header + b"." + TOKEN.split(b".")[1] + b".", PlanLayer)


def test_a_good_signature_does_not_make_another_document() -> None:
    presence = KEY.sign(Presence(station="a", online=True, boot_id="b", program_version="1"))
    with pytest.raises(Malformed):
        RING.open(presence, PlanLayer)
    with pytest.raises(Malformed):
        RING.open(TOKEN, StationCard)


def test_refuses_nine_megabytes_unread() -> None:
    with pytest.raises(Malformed):
        RING.open(b"a" * 9_000_000, PlanLayer)


def test_the_largest_document_is_opened() -> None:
    card = StationCard(
        station="a",
        version=1,
        issued_at=NOW,
        name="a",
        kind=StationKind.VILLAGE_CLUSTER,
        areas=("a",),
        zone="Asia/Ho_Chi_Minh",
        media_url="",
    )
    room_bytes = MAX_DOCUMENT_BYTES - len(card.encode())
    largest = card.model_copy(update={"media_url": "x" * room_bytes})
    assert RING.open(KEY.sign(largest), StationCard) == largest


@given(position=st.integers(0, len(TOKEN) - 1), byte=st.integers(0, 255))
def test_one_changed_byte_is_noticed(position: int, byte: int) -> None:
    forged = TOKEN[:position] + bytes([byte]) + TOKEN[position + 1 :]
    try:
        opened = RING.open(forged, PlanLayer)
    except WireError:
        return
    # The unused low bits of the last base64 character, or the same byte again.
    assert opened == LAYER


@given(st.binary(max_size=300))
def test_noise_is_refused_without_a_crash(noise: bytes) -> None:
    with pytest.raises(WireError):
        RING.open(noise, PlanLayer)
