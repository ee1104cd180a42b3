"""The public samples (../shared/cap/samples), each with its pinned verdict, through a real database.

Our areas lie where the samples warn, and the sender's rule lets everything fire that may. It is always ten
minutes after the message was sent.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from controller.areas.tables import Area, AreaLevel
from controller.boards.desk import Desk
from controller.cap import build, reading
from controller.cap.judge import Asked, Signature
from controller.cap.parse import parse
from controller.cap.sign import CapSigner
from controller.cap.sources import Demand, Rule, RuleAction, Source
from controller.cap.tables import CapMessageRow, CapVerdict, Via
from controller.emergency.recording import record
from controller.emergency.tables import ActKind, AlertRevision, AlertState
from controller.stations import service as stations
from tests.support.cap import SENDER, SHARED, message, need_samples, schema
from tests.support.cap_chains import chains
from tests.support.cap_world import CapWorld, make_world, prepared_database
from wire.ids import AlertKind, Severity, StationKind

THEN = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PLACES = (
    ("sierra", 38.42, -119.87),
    ("magdalen", 47.38, -61.87),
    ("suva", -18.12, 178.43),
    ("mandalay", 21.97, 96.08),
    ("yangon", 16.84, 96.17),
    ("rakhine", 20.15, 92.90),
    ("sittwe", 18.60, 94.20),
    ("dhiffushi", 4.45, 73.72),
    ("thanintharyi", 12.00, 98.60),
    ("surigao", 9.00, 126.00),
    ("samar", 12.00, 125.20),
    ("manila", 14.60, 120.98),
    ("batanes", 20.45, 121.97),
    ("aldabra", -9.42, 46.40),
    ("dili", -8.80, 125.65),
)


class Pinned(NamedTuple):
    """`areas` is how many of ours it means."""

    verdict: CapVerdict
    reason: str | None
    kind: AlertKind | None = None
    areas: int = 0
    drill: bool = False


LIVE = {AlertState.ACTIVE, AlertState.PROPOSED}
V, K = CapVerdict, AlertKind
PINNED = {
    "India_cap_alert-7.xml": Pinned(V.FIRED, None, K.OTHER, 1),
    "Oasis_AmberAlert.xml": Pinned(V.REFUSED, "cap.no_expires"),
    "Oasis_EarthquakeReport.xml": Pinned(V.REFUSED, "cap.no_expires"),
    "Oasis_HomelandAlert.xml": Pinned(V.REFUSED, "cap.no_expires"),
    "Oasis_ThunderstormWarning.xml": Pinned(V.FIRED, None, K.STORM, 1),
    "PelmorexNAADS_WindWarning.xml": Pinned(V.FIRED, None, K.STORM, 1),
    "Sahana_Fiji_Water_Shortage_Suva.xml": Pinned(V.REFUSED, "cap.is_test"),
    "Sahana_Flood.xml": Pinned(V.REFUSED, "cap.expired"),
    "Sahana_Homeland_Sec_Adv.xml": Pinned(V.REFUSED, "cap.no_expires"),
    "Sahana_Maldives-Tsunami-MultiLanguage.xml": Pinned(
        V.PROPOSED, "cap.doubt_area", K.OTHER, 1, drill=False
    ),
    "Sahana_Myanmar-Flood-MultiLanguage.xml": Pinned(V.REFUSED, "cap.is_test"),
    "Sahana_Myanmar-Flood-MultiLanguage_MultipleArea.xml": Pinned(V.REFUSED, "cap.is_test"),
    "Sahana_Myanmar-Tsunami-MultiLanguage.xml": Pinned(V.FIRED, None, K.OTHER, 1, drill=True),
    "Sahana_Myanmar_Flood_Multiple_Area.xml": Pinned(V.REFUSED, "cap.expired"),
    "Sahana_Philippines-Flood-MultiLanguage.xml": Pinned(V.REFUSED, "cap.is_test"),
    "Sahana_Philippines-Tropical-Cyclone-MultiLanguage.xml": Pinned(
        V.PROPOSED, "cap.doubt_area", K.STORM, 1, drill=True
    ),
    "Sahana_Philippines-Tsunami.xml": Pinned(V.PROPOSED, "cap.doubt_past", K.OTHER, 1, drill=True),
    "Sahana_Severe_Thunderstorm_Warning.xml": Pinned(V.FIRED, None, K.STORM, 1),
    "Sahana_TropicalCyclone20150806.xml": Pinned(V.FIRED, None, K.STORM, 4),
    "Sahana_TropicalCyclone20150808.xml": Pinned(V.REFUSED, "cap.not_our_areas"),
    "Sahana_heavy_rain.xml": Pinned(V.FIRED, None, K.OTHER, 1, drill=True),
    "Sahana_landslide.xml": Pinned(V.REFUSED, "cap.expired"),
    "Sahana_tsunami.xml": Pinned(V.REFUSED, "cap.expired"),
    "WMO_wis2box.xml": Pinned(V.FIRED, None, K.STORM, 1),
}


def samples() -> list[str]:
    return sorted(path.name for path in (SHARED / "samples").glob("*.xml")) if SHARED.is_dir() else []


@pytest.fixture(scope="module")
def prepared_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared_database(tmp_path_factory.mktemp("cap"), THEN)


@pytest.fixture
def world(tmp_path: Path, prepared_file: Path) -> Iterator[CapWorld]:
    need_samples()
    made = make_world(tmp_path, prepared_file, THEN)
    with made.context.database.write() as session:
        for name, latitude, longitude in PLACES:
            session.add(
                Area(
                    id=name,
                    parent_id="lao-cai",
                    level=AreaLevel.COMMUNE,
                    name=name,
                    latitude=latitude,
                    longitude=longitude,
                )
            )
            session.flush()
            kind = StationKind.VILLAGE_CLUSTER
            stations.add(session, THEN, f"loa-{name}", name, name, kind=kind, languages=())
    yield made
    made.close()


def source_for(raw: bytes, **changes: Any) -> Source:
    rule = Rule(action=RuleAction.FIRE, areas=("lao-cai",), from_severity=Severity.UNKNOWN)
    return Source(name="sample", senders=(parse(raw).sender,), rule=(rule,), **changes)


def at_its_time(world: CapWorld, name: str, **changes: Any) -> CapMessageRow:
    raw = (SHARED / "samples" / name).read_bytes()
    world.clock[0] = parse(raw).sent.astimezone(UTC) + timedelta(minutes=10)
    world.source = source_for(raw, **changes)
    return world.take(raw, via=Via.HTTP)


@pytest.mark.parametrize("name", PINNED)
def test_a_sample_gets_its_verdict(world: CapWorld, name: str) -> None:
    kept = at_its_time(world, name)
    alert = next((alert for alert in world.alerts() if alert.id == kept.alert_id), None)
    said = Pinned(kept.verdict, kept.reason)
    if alert is not None:
        said = said._replace(kind=alert.kind, areas=len(kept.params["areas"]), drill=alert.drill)
    assert said == PINNED[name]
    assert [act.alert_id for act in world.performed] == ([kept.alert_id] if said.verdict is V.FIRED else [])


@pytest.mark.parametrize("name", [name for name, pinned in PINNED.items() if pinned.verdict is V.FIRED])
def test_what_fires_is_a_valid_cap_message_of_our_own(world: CapWorld, name: str) -> None:
    kept = at_its_time(world, name)
    with world.context.database.read() as session:
        xml = session.query(AlertRevision).filter_by(alert_id=kept.alert_id).one().cap_xml
    assert xml is not None
    schema().assertValid(etree.fromstring(xml.encode()))
    ours = parse(xml.encode())
    assert ours.status == parse(kept.raw).status
    assert world.bring(xml.encode()).reason == "cap.our_own"


def test_years_later_none_of_them_becomes_anything(world: CapWorld) -> None:
    for name in samples():
        raw = (SHARED / "samples" / name).read_bytes()
        world.source = source_for(raw)
        assert world.take(raw).verdict is V.REFUSED
    assert not world.alerts()


def test_where_a_signature_is_demanded_none_has_one_that_holds(world: CapWorld, tmp_path: Path) -> None:
    stranger = CapSigner.load_or_make(tmp_path / "keys", "somebody else", THEN.replace(year=2003))
    for name in samples():
        raw = (SHARED / "samples" / name).read_bytes()
        demanded = at_its_time(world, name, signature=Demand.REQUIRED, certificates=(stranger.certificate,))
        is_signed = b"SignatureValue" in raw
        assert demanded.reason == ("cap.bad_signature" if is_signed else "cap.not_signed"), name
    assert not world.alerts()


def test_all_of_them_twice_from_one_sender_of_many_names(world: CapWorld) -> None:
    """As one feed would bring them: nothing breaks, and the second time nothing happens."""
    raws = [(SHARED / "samples" / name).read_bytes() for name in samples()]
    rule = Rule(action=RuleAction.FIRE, areas=("lao-cai",), from_severity=Severity.UNKNOWN)
    senders = tuple({parse(raw).sender for raw in raws})
    world.source = Source(name="all", senders=senders, rule=(rule,))
    world.clock[0] = datetime(2015, 9, 10, 3, 0, tzinfo=UTC)
    for raw in raws:
        world.take(raw)
    acts, alerts = len(world.performed), len(world.alerts())
    for raw in raws:
        assert world.take(raw).verdict is V.REFUSED
    assert (len(world.performed), len(world.alerts())) == (acts, alerts)
    assert acts > 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chains())
def test_a_chain_in_any_order_ends_as_its_newest_message_says(
    tmp_path_factory: pytest.TempPathFactory, prepared_file: Path, asked: list[Asked]
) -> None:
    """The real service over a real database; the pure rules are tried with many more in the unit tests."""
    world = make_world(tmp_path_factory.mktemp("chain"), prepared_file, THEN)
    for one in asked:
        if one.signature is not Signature.BAD:
            world.take(build.xml(build.document(one.message)).encode(), source=one.source)
    rows = world.messages()
    assert len(rows) == sum(one.signature is not Signature.BAD for one in asked)
    own = {row.alert_id for row in rows if row.sender == SENDER and row.alert_id}
    live = [alert for alert in world.alerts() if alert.id in own and alert.state in LIVE]
    newest = max((one.message for one in asked if one.message.identifier[0] == "M"), key=lambda it: it.sent)
    assert len(live) <= (0 if reading.ends_it(newest) else 1)
    assert set(world.in_force()) == set(world.desk.in_force(THEN))
    world.close()


def test_a_crash_before_the_desk_hears_is_made_good_at_the_next_start(
    tmp_path: Path, prepared_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(tmp_path, prepared_file, THEN)

    def crash(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(world.desk, "perform", crash)
    with pytest.raises(SystemExit):
        world.take(message(THEN))
    again = Desk(world.context, None, record)
    again.load()
    [act] = again.in_force(THEN).values()
    assert act.what is ActKind.PRESS
    assert [act.alert_id] == world.in_force()
    again.close()
    world.close()
