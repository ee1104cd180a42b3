"""Our own alerts as CAP messages, the feed, and what they look like to somebody like us."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from controller.areas.tables import Area
from controller.cap import build, feed, queries
from controller.cap.geometry import meant
from controller.cap.model import (
    CapArea,
    CapMessage,
    Category,
    Circle,
    Info,
    MsgType,
    Named,
    Reference,
    Resource,
    Response,
    Scope,
    Status,
)
from controller.cap.parse import parse
from controller.cap.remembered import places
from controller.cap.sign import CapSigner, verified
from controller.dispatch.tree import AreaTree
from controller.emergency import acting, as_cap, recording
from controller.emergency.actor import Actor
from controller.emergency.acts import Act
from controller.emergency.content import Content, Source, VoiceContent
from controller.emergency.tables import ActKind, AlertRevision
from controller.settings import Settings
from tests.support.cap import message, schema
from tests.support.cap_world import CapWorld
from wire.ids import AlertKind, Severity

NOW = datetime(2026, 11, 23, 2, 0, 0, 123456, tzinfo=UTC)


def act_of(world: CapWorld, **changes: Any) -> Act:
    voice = VoiceContent(language="vi", source=Source.STANDING)
    values: dict[str, Any] = {
        "kind": AlertKind.FLASH_FLOOD,
        "severity": Severity.EXTREME,
        "title": "Lũ quét <khẩn> & nguy hiểm",
        "area_ids": ("bat-xat-02683",),
        "voices": (voice,),
    }
    content = Content(**(values | changes))
    with world.context.database.read() as session:
        return acting.from_rule(Actor(session, world.context, world.clock[0], None), content)


def recorded(world: CapWorld, act: Act) -> str:
    recording.record(world.context, act)
    with world.context.database.read() as session:
        row = session.get(AlertRevision, (act.alert_id, act.revision))
        assert row is not None
        assert row.cap_xml is not None
        assert row.cap_identifier == as_cap.identifier_of(act.alert_id, act.revision)
        return row.cap_xml


def test_an_alert_with_its_update_extension_and_end_is_a_chain(world: CapWorld) -> None:
    world.clock[0] = NOW
    xsd, session_of = schema(), world.context.database.read
    first = act_of(world)
    xmls = [recorded(world, first)]
    world.clock[0] += timedelta(minutes=1)
    with session_of() as session:
        longer = acting.extend(
            Actor(session, world.context, world.clock[0], None), first.alert_id, minutes=30
        )
    xmls.append(recorded(world, longer))
    world.clock[0] += timedelta(minutes=1)
    with session_of() as session:
        end = acting.cancel(
            Actor(session, world.context, world.clock[0], None), first.alert_id, all_clear=True
        )
    xmls.append(recorded(world, end))
    for xml in xmls:
        xsd.assertValid(etree.fromstring(xml.encode()))
    messages = [parse(xml.encode()) for xml in xmls]
    assert [one.msg_type for one in messages] == [MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL]
    assert len({one.identifier for one in messages}) == 3
    assert [one.references for one in messages] == [
        (),
        (messages[0].itself,),
        tuple(m.itself for m in messages[:2]),
    ]
    assert {one.status for one in messages} == {Status.ACTUAL}
    assert "<sent>2026-11-23T09:00:00+07:00</sent>" in xmls[0]
    assert messages[2].infos[0].responses == (Response.ALL_CLEAR,)
    assert messages[1].infos[0].expires == messages[0].infos[0].expires + timedelta(minutes=30)  # type: ignore[operator]


def test_what_it_says(world: CapWorld) -> None:
    found = parse(recorded(world, act_of(world)).encode())
    [info] = found.infos
    assert (found.sender, found.scope) == ("loaban@lao-cai.invalid", Scope.PUBLIC)
    assert (info.language, info.event, info.categories) == ("vi", "Lũ quét", (Category.MET,))
    assert (info.urgency, info.severity, info.certainty) == ("Immediate", "Extreme", "Observed")
    assert info.headline == "Lũ quét <khẩn> & nguy hiểm"
    assert info.description == "Lời mẫu flash_flood."
    assert info.sender_name == "Hệ thống truyền thanh cơ sở Tỉnh Lào Cai"
    assert info.areas == (CapArea("Xã Bát Xát, Tỉnh Lào Cai", geocodes=(Named("VN-GSO", "02683"),)),)


def test_a_drill_is_an_exercise_that_says_so(world: CapWorld) -> None:
    found = parse(recorded(world, act_of(world, drill=True)).encode())
    assert found.status is Status.EXERCISE
    assert "diễn tập" in found.note


@pytest.mark.parametrize("area_id", ["bat-xat-02683", "bat-xat-thon-1", "muong-hum-02728", "lao-cai"])
def test_who_reads_it_finds_the_same_area(world: CapWorld, area_id: str) -> None:
    found = parse(recorded(world, act_of(world, area_ids=(area_id,))).encode())
    with world.context.database.read() as session:
        known = places(AreaTree.read(session))
    said = meant(found.infos[0].areas, known)
    assert said.area_ids == (area_id,)
    assert not said.uncertain


def test_a_boundary_that_we_were_told_of_is_drawn_and_read_again(world: CapWorld) -> None:
    ring = [[103.85, 22.5], [103.95, 22.5], [103.95, 22.6], [103.85, 22.6], [103.85, 22.5]]
    feature = {"properties": {"code": "02683"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    told = {"type": "FeatureCollection", "features": [{"type": "Feature", **feature}]}
    world.context.settings.data_dir.mkdir(parents=True, exist_ok=True)
    (world.context.settings.data_dir / "boundaries.geojson").write_text(json.dumps(told), encoding="utf-8")
    xml = recorded(world, act_of(world, area_ids=("bat-xat-02683",))).encode()
    (area,) = parse(xml).infos[0].areas
    assert area.geocodes == (Named("VN-GSO", "02683"),)
    assert area.polygons == (tuple((latitude, longitude) for longitude, latitude in ring),)
    with world.context.database.read() as session:
        known = places(AreaTree.read(session), world.context.boundaries)
    assert meant((area,), known).area_ids == ("bat-xat-02683",)


def test_a_village_without_code_or_place_is_only_described(world: CapWorld) -> None:
    with world.context.database.write() as session:
        village = session.get(Area, "bat-xat-thon-1")
        assert village is not None
        village.latitude = village.longitude = None
    found = parse(recorded(world, act_of(world, area_ids=("bat-xat-thon-1",))).encode())
    assert found.infos[0].areas == (CapArea("Thôn 1, Xã Bát Xát, Tỉnh Lào Cai"),)


def test_every_kind_and_language_is_valid(world: CapWorld) -> None:
    xsd = schema()
    for kind in AlertKind:
        voices = (VoiceContent(language="vi", source=Source.STANDING),)
        act = act_of(world, kind=kind, voices=voices, title="")
        hmong = VoiceContent(language="hmn", source=Source.RECORDED, text="Dej nyab")
        act = act.model_copy(
            update={"content": act.content.model_copy(update={"voices": (*act.content.voices, hmong)})}
        )
        root = etree.fromstring(recorded(world, act).encode())
        xsd.assertValid(root)
        assert [info.language for info in parse(etree.tostring(root)).infos] == ["vi", "hmn"]


def test_signed_where_the_settings_say_so(world: CapWorld) -> None:
    context = world.context
    object.__setattr__(context, "settings", context.settings.model_copy(update={"cap_sign": True}))
    xml = recorded(world, act_of(world))
    root = etree.fromstring(xml.encode())
    schema().assertValid(root)
    signer = CapSigner.load_or_make(context.settings.data_dir / "keys", "", world.clock[0])
    assert verified(root, (signer.certificate,), world.clock[0]) is not None


@pytest.mark.parametrize("sender", ["a b", "a,b", "a<b", "a&b", ""])
def test_a_sender_that_cannot_stand_in_references_is_refused(sender: str) -> None:
    with pytest.raises(Exception, match="bad_cap_sender"):
        Settings(cap_sender=sender).check()


names = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters=" ,<&"),
    min_size=1,
    max_size=20,
)
texts = st.text(max_size=60)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.timezones())  # noqa: DTZ001
degrees = st.floats(-89, 89)
areas = st.builds(
    CapArea,
    description=texts,
    polygons=st.lists(
        st.lists(st.tuples(degrees, degrees), min_size=3, max_size=6).map(
            lambda points: (*points, points[0])
        ),
        max_size=2,
    ).map(tuple),
    circles=st.lists(st.builds(Circle, degrees, degrees, st.floats(0, 1000)), max_size=2).map(tuple),
    geocodes=st.lists(st.builds(Named, texts, texts), max_size=2).map(tuple),
)
infos = st.builds(
    Info,
    event=texts,
    language=st.sampled_from(["vi", "en-US", "hmn"]),
    categories=st.lists(st.sampled_from(Category), min_size=1, max_size=3, unique=True).map(tuple),
    responses=st.lists(st.sampled_from(Response), max_size=2, unique=True).map(tuple),
    urgency=st.sampled_from(["Immediate", "Past"]),
    severity=st.sampled_from(["Extreme", "Unknown"]),
    certainty=st.sampled_from(["Observed", "Unlikely"]),
    event_codes=st.lists(st.builds(Named, texts, texts), max_size=2).map(tuple),
    effective=st.none() | moments,
    onset=st.none() | moments,
    expires=st.none() | moments,
    sender_name=texts,
    headline=texts,
    description=texts,
    instruction=texts,
    parameters=st.lists(st.builds(Named, texts, texts), max_size=2).map(tuple),
    resources=st.lists(
        st.builds(
            Resource, texts, texts, st.sampled_from([None, "https://x.example/a"]), st.none() | st.integers(0)
        ),
        max_size=2,
    ).map(tuple),
    areas=st.lists(areas, max_size=3).map(tuple),
)
messages = st.builds(
    CapMessage,
    identifier=names,
    sender=names,
    sent=moments,
    status=st.sampled_from(Status),
    msg_type=st.sampled_from(MsgType),
    scope=st.sampled_from(Scope),
    note=texts,
    references=st.lists(st.builds(Reference, names, names, moments), max_size=3).map(tuple),
    infos=st.lists(infos, max_size=3).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(messages)
def test_every_message_that_can_be_built_passes_the_schema(built: CapMessage) -> None:
    xml = build.xml(build.document(built))
    schema().assertValid(etree.fromstring(xml.encode()))


@settings(max_examples=60, deadline=None)
@given(messages)
def test_what_is_built_reads_as_it_was_meant(built: CapMessage) -> None:
    found = parse(build.xml(build.document(built)).encode())
    assert (found.status, found.msg_type, found.scope) == (built.status, built.msg_type, built.scope)
    assert found.sent.astimezone(UTC) == built.sent.astimezone(UTC).replace(microsecond=0)
    assert len(found.infos) == len(built.infos)


def test_the_feed_lists_the_newest_message_of_each_alert(world: CapWorld) -> None:
    first, second = act_of(world), act_of(world)
    recorded(world, first)
    recorded(world, second)
    world.clock[0] += timedelta(minutes=1)
    with world.context.database.read() as session:
        end = acting.cancel(
            Actor(session, world.context, world.clock[0], None), first.alert_id, all_clear=False
        )
    recorded(world, end)
    with world.context.database.read() as session:
        recent = queries.published(session, world.clock[0] - timedelta(hours=48))
        later = queries.published(session, world.clock[0] + timedelta(hours=1))
    assert [(row.alert_id, row.act) for row in recent] == [
        (first.alert_id, ActKind.CANCEL),
        (second.alert_id, ActKind.PRESS),
    ]
    assert [row.alert_id for row in later] == [second.alert_id]


def test_a_feed_without_entries_is_a_feed() -> None:
    root = etree.fromstring(feed.atom("http://x", "Tên", "me", [], NOW))
    assert [etree.QName(child).localname for child in root] == ["id", "title", "updated", "author", "link"]


def test_identifiers_are_safe_in_addresses() -> None:
    assert feed.path_of("urn:loaban:kc-1:r2") == "/cap/urn:loaban:kc-1:r2.xml"
    assert feed.path_of("a/../b") == "/cap/a%2F..%2Fb.xml"


def test_own_messages_are_not_taken_back_in(world: CapWorld) -> None:
    raw = message(world.clock[0], sender="loaban@lao-cai.invalid")
    assert world.bring(raw).reason == "cap.our_own"
