"""What stations hold before any alert needs it, and how loud and in which languages they speak."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from controller.accounts.rules import Principal
from controller.areas.tables import Area
from controller.context import Context
from controller.dispatch import queries, service
from controller.dispatch.tables import RetainedDocument
from controller.emergency import signals
from controller.emergency.tables import StandingMessage, StandingState
from controller.media.tables import Sound
from controller.stations import service as stations
from controller.stations.tables import Station
from wire import topics
from wire.alerts import StandingLayer
from wire.ids import AlertKind, StationKind
from wire.messages import StationCard
from wire.signing import Keyring

People = Mapping[str, Principal]
XA = "bat-xat-02683"


@pytest.fixture
def add_message(context: Context, people: People, sound: str, now: datetime) -> Callable[..., None]:
    def add(
        use: str,
        language: str = "vi",
        area_id: str = XA,
        *,
        state: StandingState = StandingState.APPROVED,
        decided_after_s: float = 0.0,
        sha256: str = sound,
    ) -> None:
        with context.database.write() as session:
            if session.get(Sound, sha256) is None:
                session.add(another(session.get_one(Sound, sound), sha256))
                session.flush()
            session.add(
                StandingMessage(
                    id=f"{use}-{language}-{area_id}-{decided_after_s}-{state}",
                    use=use,
                    language=language,
                    area_id=area_id,
                    text="Bà con chú ý",
                    sound_sha256=sha256,
                    state=state,
                    made_by="operator",
                    made_at=now,
                    decided_by="approver",
                    decided_at=now + timedelta(seconds=decided_after_s),
                )
            )

    return add


def another(sound: Sound, sha256: str) -> Sound:
    values = {column.name: getattr(sound, column.name) for column in Sound.__table__.columns}
    return Sound(**(values | {"sha256": sha256, "source_sha256": sha256}))


@pytest.fixture
def held(context: Context, now: datetime) -> Callable[[str], StandingLayer | None]:
    """The layer of an area after a refresh."""

    def look(area_id: str) -> StandingLayer | None:
        with context.database.write() as session:
            service.refresh(session, now, context.signing_key, context.settings)
            row = session.get(RetainedDocument, topics.standing(area_id))
            token = row.token.encode() if row else None
        keys = Keyring.of(context.signing_key.public_jwk())
        return keys.open(token, StandingLayer) if token else None

    return look


def test_the_newest_approved_message_of_each_use_and_language_is_held(
    add_message: Callable[..., None], held: Callable[[str], StandingLayer | None]
) -> None:
    newer = "6b" * 32
    add_message("flood")
    add_message("flood", decided_after_s=60, sha256=newer)
    add_message("flood", "hmn")
    add_message("storm", state=StandingState.WAITING)
    add_message("storm", "hmn", state=StandingState.RETIRED)
    add_message("drill_notice")
    layer = held(XA)
    assert layer is not None
    found = [(one.kind, one.language, one.item.sha256[:2]) for one in layer.sounds]
    assert found == [(None, "vi", "5a"), (AlertKind.FLOOD, "hmn", "5a"), (AlertKind.FLOOD, "vi", "6b")]


def test_what_is_retired_leaves_an_empty_layer_of_a_newer_version(
    add_message: Callable[..., None], held: Callable[[str], StandingLayer | None], context: Context
) -> None:
    assert held(XA) is None
    add_message("flood")
    first = held(XA)
    with context.database.write() as session:
        session.execute(update(StandingMessage).values(state=StandingState.RETIRED))
    second = held(XA)
    assert first is not None
    assert second is not None
    assert (len(first.sounds), len(second.sounds)) == (1, 0)
    assert second.version == first.version + 1


def test_the_signals_are_held_under_the_root_in_no_language(
    add_message: Callable[..., None], held: Callable[[str], StandingLayer | None], context: Context
) -> None:
    assert held("lao-cai") is None
    signals.ensure(context)
    add_message("flood", area_id="lao-cai")
    layer = held("lao-cai")
    assert layer is not None
    assert [one.language for one in layer.sounds] == [None, None, None, None, "vi"]
    assert len({one.item.sha256 for one in layer.sounds}) == 5
    assert held(XA) is None


def test_a_card_tells_emergency_volume_and_the_languages_of_the_nearest_area(
    context: Context, area_tree: tuple[str, ...], now: datetime
) -> None:
    with context.database.write() as session:
        for id_, languages in (("loa-1", []), ("loa-2", ["hmn"])):
            stations.add(
                session,
                now,
                id_,
                "bat-xat-thon-1",
                id_,
                kind=StationKind.VILLAGE_CLUSTER,
                languages=languages,
            )
        session.execute(update(Station).values(emergency_volume=90))

    def cards() -> dict[str, StationCard]:
        with context.database.read() as session:
            made = service.desired_cards(session, now, context.settings)
        return {card.station: card for card in made}

    assert cards()["loa-1"].languages == ("vi",)
    with context.database.write() as session:
        session.execute(update(Area).where(Area.id == XA).values(languages=["tai", "vi"]))
    assert cards()["loa-1"].languages == ("tai", "vi")
    assert cards()["loa-2"].languages == ("hmn",)
    assert {card.emergency_volume for card in cards().values()} == {90}


def test_boards_go_out_before_everything_else(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        for topic in (topics.plan("a"), topics.card("b"), topics.alerts("z"), topics.alerts("a")):
            session.add(RetainedDocument(topic=topic, version=1, digest="-", token="-", changed_at=now))
        session.flush()
        first = queries.claim(session, now, "me", now + timedelta(minutes=1), 3)
        assert [one.topic for one in first] == [topics.alerts("a"), topics.alerts("z"), topics.plan("a")]
        left = select(RetainedDocument.topic).where(RetainedDocument.claimed_by.is_(None))
        assert session.scalars(left).all() == [topics.card("b")]
