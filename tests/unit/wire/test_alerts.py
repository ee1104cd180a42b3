from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from wire import topics
from wire.alerts import MAX_VERSION, Alert, AlertBoard, StandingLayer, StandingSound, Voice
from wire.errors import BadSignature, Malformed
from wire.ids import AlertKind, LatenessRule, Severity
from wire.messages import Item, Lateness, PlannedOccurrence
from wire.signing import Keyring, SigningKey

SENT = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
SOUND = Item(sha256="a" * 64, seconds=10, size_bytes=1)


def alert(**changes: object) -> Alert:
    fields: dict[str, object] = {
        "id": "kc-20261123-00000001",
        "revision": 1,
        "sounding": "kc-20261123-00000001-r1@20261123T050000Z",
        "kind": AlertKind.STORM,
        "severity": Severity.SEVERE,
        "sent_at": SENT,
        "expires_at": SENT + timedelta(hours=2),
        "signal": SOUND,
        "voices": (Voice(language="vi", items=(SOUND,)),),
        "lateness": Lateness(rule=LatenessRule.CONTINUE),
    }
    return Alert.model_validate(fields | changes)


def test_validity_is_a_length_of_time() -> None:
    assert alert().validity == timedelta(hours=2)


def test_the_worse_severity_ranks_higher() -> None:
    ranks = [severity.rank for severity in Severity]
    assert ranks == sorted(ranks, reverse=True)
    assert Severity.UNKNOWN.rank == 0


def test_every_alert_of_the_wire_fits_into_one_occurrence() -> None:
    voices = tuple(Voice(language=f"a{letter}", items=(SOUND,) * 8) for letter in "abcdefghijkl")
    most = alert(voices=voices)
    items = tuple(item for voice in most.voices for item in voice.items)
    planned = PlannedOccurrence(
        id=most.sounding, schedule=most.id, start=SENT, items=items, lateness=most.lateness
    )
    assert len(planned.items) == 96


@pytest.mark.parametrize(
    "change",
    [
        {"sounding": "kc-1"},
        {"revision": 0},
        {"voices": ()},
        {"repeats": 11},
        {"sent_at": datetime(2026, 11, 23)},  # noqa: DTZ001 - what must be refused
    ],
)
def test_an_alert_that_does_not_hold_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        alert(**change)


def test_what_only_a_newer_centre_knows_does_not_spoil_the_board() -> None:
    key = SigningKey.generate()
    newer = alert().model_copy(update={"kind": "meteorite", "severity": "terrible"})
    board = AlertBoard(area="lao-cai", version=7, issued_at=SENT).model_copy(
        update={"alerts": (newer, alert(severity=Severity.MINOR))}
    )
    with pytest.warns(UserWarning, match="meteorite"):
        token = key.sign(board)
    first, second = Keyring.of(key.public_jwk()).open(token, AlertBoard).alerts
    assert (first.kind, first.severity) == (AlertKind.OTHER, Severity.UNKNOWN)
    assert (second.kind, second.severity) == (AlertKind.STORM, Severity.MINOR)
    sound = {"item": SOUND.model_dump(), "kind": "meteorite", "language": "vi"}
    assert StandingSound.model_validate(sound).kind is AlertKind.OTHER
    assert StandingSound(item=SOUND).kind is None


@pytest.mark.parametrize("kind", [AlertBoard, StandingLayer])
def test_a_version_beyond_all_time_is_refused(kind: type[AlertBoard | StandingLayer]) -> None:
    assert kind(area="lao-cai", version=MAX_VERSION, issued_at=SENT).version == MAX_VERSION
    with pytest.raises(ValidationError):
        kind(area="lao-cai", version=MAX_VERSION + 1, issued_at=SENT)


def test_a_board_is_believed_only_as_it_was_signed() -> None:
    key = SigningKey.generate()
    board = AlertBoard(area="lao-cai", version=7, issued_at=SENT, alerts=(alert(),))
    token = key.sign(board)
    keyring = Keyring.of(key.public_jwk())
    assert keyring.open(token, AlertBoard) == board
    with pytest.raises(BadSignature):
        keyring.open(SigningKey.generate().sign(board), AlertBoard)
    with pytest.raises(BadSignature):
        keyring.open(token[:-8] + b"AAAAAAAA", AlertBoard)
    with pytest.raises(Malformed):
        keyring.open(key.sign(alert()), AlertBoard)


def test_topics_of_alerts() -> None:
    assert topics.parse(topics.alerts("lao-cai")) == topics.Topic("area", "lao-cai", "alerts")
    assert topics.parse(topics.standing("lao-cai")) == topics.Topic("area", "lao-cai", "standing")
    assert topics.parse(topics.receipt("bat-xat")) == topics.Topic("station", "bat-xat", "receipt")
    assert topics.alerts("lao-cai").endswith(topics.ALERTS_LEAF)
    assert not topics.plan("alerts").endswith(topics.ALERTS_LEAF)
