"""The wire does not change by accident: each message is kept as a JSON file and read back as it was meant."""

from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from wire.alerts import Alert, AlertBoard, AlertReceipt, StandingLayer, StandingSound, Voice
from wire.base import Message
from wire.errors import RefusalReason
from wire.evidence import (
    AmplifierFault,
    AmplifierState,
    LineState,
    LinkState,
    SelfTestFinding,
    SelfTestKind,
    SelfTestResult,
    SelfTestVerdict,
    StorageState,
)
from wire.ids import (
    AlertKind,
    AlertProgress,
    ClockTrust,
    LatenessRule,
    Outcome,
    OutcomeReason,
    Priority,
    Severity,
    StationKind,
)
from wire.messages import (
    Ack,
    CacheState,
    Heartbeat,
    HeldLayer,
    Item,
    Lateness,
    NowPlaying,
    PlanLayer,
    PlannedOccurrence,
    PlaybackReport,
    Presence,
    QuietHours,
    Refusal,
    ReportBatch,
    Selector,
    StationCard,
    TimeNotice,
)

GOLDEN = Path(__file__).parent / "golden"
NOON = datetime(2026, 11, 23, 5, 0, 0, tzinfo=UTC)
SHA = "5d41402abc4b2a76b9719d911017c592" * 2

OCCURRENCE = PlannedOccurrence(
    id="sang-va-chieu@20261123T223000Z",
    schedule="sang-va-chieu",
    title="Bản tin sáng",
    start=datetime(2026, 11, 23, 22, 30, tzinfo=UTC),
    items=(Item(sha256=SHA, seconds=312.5, size_bytes=962_345),),
    repeats=2,
    gap_s=3.0,
    priority=Priority.NORMAL,
    volume=80,
    lateness=Lateness(rule=LatenessRule.RESUME, grace_s=10.0),
    selector=Selector(kinds=(StationKind.VILLAGE_CLUSTER,), languages=("vi", "hmn")),
)

SIGNAL = Item(sha256="a" * 64, seconds=12.0, size_bytes=36_000)
STANDING = Item(sha256="b" * 64, seconds=25.0, size_bytes=80_000)
FRESH = Item(sha256=SHA, seconds=31.25, size_bytes=94_000, instead=STANDING)
ALERT = Alert(
    id="kc-20261123-0a1b2c3d",
    revision=2,
    sounding="kc-20261123-0a1b2c3d-r2@20261123T050000Z",
    kind=AlertKind.FLASH_FLOOD,
    severity=Severity.EXTREME,
    title="Lũ quét trên suối Bát Xát",
    sent_at=NOON,
    expires_at=datetime(2026, 11, 23, 7, 0, tzinfo=UTC),
    signal=SIGNAL,
    voices=(Voice(language="hmn", items=(FRESH,)), Voice(language="vi", items=(STANDING,))),
    closing=SIGNAL,
    lateness=Lateness(rule=LatenessRule.CONTINUE, grace_s=7200.0),
    only_after=("kc-20261123-0a1b2c3d-r1@20261123T044500Z",),
)

MESSAGES: dict[str, Message] = {
    "plan": PlanLayer(
        area="bat-xat-02683",
        version=7,
        issued_at=NOON,
        expires_at=datetime(2026, 12, 8, tzinfo=UTC),
        occurrences=(OCCURRENCE,),
    ),
    "card": StationCard(
        station="bat-xat",
        version=2,
        issued_at=NOON,
        name="Đài truyền thanh xã Bát Xát",
        kind=StationKind.COMMUNE_STATION,
        areas=("lao-cai", "bat-xat-02683"),
        zone="Asia/Ho_Chi_Minh",
        languages=("vi",),
        volume_min=20,
        volume_max=90,
        quiet_hours=QuietHours(begins=time(21), ends=time(5)),
        media_url="https://loaban.example/media",
    ),
    "presence": Presence(station="bat-xat", online=True, boot_id="b1", program_version="0.1.0", at=NOON),
    "heartbeat": Heartbeat(
        station="bat-xat",
        boot_id="b1",
        at=NOON,
        uptime_s=3600.5,
        clock=ClockTrust.TRUSTED,
        playing=NowPlaying(occurrence=OCCURRENCE.id, position_s=12.5, priority=Priority.NORMAL),
        card_version=2,
        layers=(HeldLayer(area="lao-cai", version=4), HeldLayer(area="bat-xat-02683", version=7)),
        cache=CacheState(held=1, wanted=2, missing=(SHA,), bytes_held=962_345, bytes_free=1_000_000_000),
        standing=CacheState(held=3, wanted=4, missing=("b" * 64,)),
        boards=(HeldLayer(area="lao-cai", version=1_795_410_000_000),),
        volume=80,
        outbox=1,
        refusals=(Refusal(topic="loaban/1/area/lao-cai/plan", reason=RefusalReason.BAD_SIGNATURE, at=NOON),),
    ),
    "heartbeat_with_evidence": Heartbeat(
        station="bat-xat",
        boot_id="b1",
        at=NOON,
        uptime_s=60.0,
        clock=ClockTrust.STALE,
        cache=CacheState(held=0, wanted=0),
        amplifier=AmplifierState(
            at=NOON,
            power_on=True,
            lines=(LineState(relay_on=True, muted=False, current_ma=812.5),),
            gain_db=-3.0,
            rail_v=23.6,
            mains_present=True,
            battery_v=13.2,
            heat_sink_c=41.5,
            fan_on=False,
            tamper_open=False,
            faults=(AmplifierFault.FAN,),
        ),
        acoustic_test=SelfTestResult(
            id="t1",
            kind=SelfTestKind.ACOUSTIC,
            at=NOON,
            verdict=SelfTestVerdict.FAILED,
            findings=(SelfTestFinding.WEAK,),
            attempts=3,
            level_db=-14.5,
            bands_db=(-12.0, -15.5),
            correlation=0.81,
            noise_db=-52.0,
        ),
        electrical_test=SelfTestResult(
            id="t2",
            kind=SelfTestKind.ELECTRICAL,
            at=NOON,
            verdict=SelfTestVerdict.PASSED,
            line_ma=(12.5,),
        ),
        storage=StorageState(bytes_free=8_000_000_000, written_bytes=120_000),
        link=LinkState(connects=2, up_s=59.5),
    ),
    "time": TimeNotice(at=NOON),
    "report": ReportBatch(
        station="bat-xat",
        reports=(
            PlaybackReport(
                id="r1",
                occurrence=OCCURRENCE.id,
                outcome=Outcome.PARTLY_PLAYED,
                reason=OutcomeReason.INTERRUPTED,
                seconds_played=300.02,
                seconds_planned=628.0,
                started_at=OCCURRENCE.start,
                ended_at=datetime(2026, 11, 23, 22, 40, 28, tzinfo=UTC),
                start_error_ms=1.25,
            ),
        ),
    ),
    "ack": Ack(station="bat-xat", reports=("r1",)),
    "alerts": AlertBoard(area="bat-xat-02683", version=1_795_410_000_000, issued_at=NOON, alerts=(ALERT,)),
    "standing": StandingLayer(
        area="lao-cai",
        version=3,
        issued_at=NOON,
        sounds=(
            StandingSound(item=SIGNAL),
            StandingSound(item=STANDING, kind=AlertKind.FLASH_FLOOD, language="hmn"),
        ),
    ),
    "receipt": AlertReceipt(
        station="bat-xat",
        alert=ALERT.id,
        revision=2,
        sounding=ALERT.sounding,
        progress=AlertProgress.SOUNDING,
        at=NOON,
        clock=ClockTrust.STALE,
        first_frame_at=NOON,
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_is_written_as_ever(name: str) -> None:
    assert MESSAGES[name].encode().decode() + "\n" == (GOLDEN / f"{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MESSAGES)
def test_is_read_as_it_was_meant(name: str) -> None:
    message = MESSAGES[name]
    assert type(message).decode((GOLDEN / f"{name}.json").read_bytes()) == message


def test_a_field_of_a_newer_side_is_passed_over() -> None:
    newer = MESSAGES["ack"].encode()[:-1] + b',"colour":"blue"}'
    assert Ack.decode(newer) == MESSAGES["ack"]
