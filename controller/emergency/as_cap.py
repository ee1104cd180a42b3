"""Every act on an alert as a CAP 1.2 message for others: other authorities, broadcasters, phones."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from shapely.geometry import MultiPolygon
from shapely.geometry import Polygon as ShapelyPolygon
from sqlalchemy.orm import Session

from controller.areas.boundaries import Boundaries, Boundary
from controller.areas.queries import AreaLine
from controller.cap import build
from controller.cap.geometry import GEOCODE_NAME
from controller.cap.model import (
    CapArea,
    CapMessage,
    Category,
    Circle,
    Info,
    MsgType,
    Named,
    Polygon,
    Reference,
    Response,
    Scope,
    Status,
)
from controller.cap.parse import parse
from controller.cap.sign import CapSigner
from controller.context import Context
from controller.dispatch.tree import AreaTree
from controller.emergency import queries
from controller.emergency.acts import Act
from controller.emergency.content import VoiceContent
from controller.emergency.tables import ActKind
from controller.web.texts import LANGUAGES
from wire.ids import AlertKind

_CATEGORIES: Final[Mapping[AlertKind, Category]] = {
    AlertKind.FLOOD: Category.MET,
    AlertKind.FLASH_FLOOD: Category.MET,
    AlertKind.LANDSLIDE: Category.GEO,
    AlertKind.STORM: Category.MET,
    AlertKind.FOREST_FIRE: Category.FIRE,
    AlertKind.COLD_SPELL: Category.MET,
    AlertKind.EPIDEMIC: Category.HEALTH,
    AlertKind.SECURITY: Category.SECURITY,
    AlertKind.OTHER: Category.OTHER,
}
_RESPONSES: Final[Mapping[AlertKind, Response]] = {
    AlertKind.FLOOD: Response.PREPARE,
    AlertKind.FLASH_FLOOD: Response.EVACUATE,
    AlertKind.LANDSLIDE: Response.EVACUATE,
    AlertKind.STORM: Response.SHELTER,
    AlertKind.FOREST_FIRE: Response.AVOID,
    AlertKind.COLD_SPELL: Response.PREPARE,
    AlertKind.EPIDEMIC: Response.PREPARE,
    AlertKind.SECURITY: Response.MONITOR,
    AlertKind.OTHER: Response.MONITOR,
}
_BEND_DEGREES: Final = 0.0005
"""About 50 m: what a boundary may be simplified by."""
_HOME: Final = "Asia/Ho_Chi_Minh"
_FIRST: Final = LANGUAGES[0]


def xml_of(session: Session, context: Context, act: Act) -> tuple[str, str]:
    """The message's identifier and its XML, signed where the settings say so.

    It refers to the messages of all earlier acts on the alert that are on record.
    """
    message = _message(session, context, act)
    root = build.document(message)
    if context.settings.cap_sign:
        folder = context.settings.data_dir / "keys"
        root = CapSigner.load_or_make(folder, message.sender, context.now()).signed(root)
    return message.identifier, build.xml(root)


def identifier_of(alert_id: str, revision: int) -> str:
    return f"urn:loaban:{alert_id}:r{revision}"


def _message(session: Session, context: Context, act: Act) -> CapMessage:
    tree = AreaTree.read(session)
    zone = _zone(act, tree)
    drill = act.content.drill
    return CapMessage(
        identifier=identifier_of(act.alert_id, act.revision),
        sender=context.settings.cap_sender,
        sent=act.at.astimezone(zone),
        status=Status.EXERCISE if drill else Status.ACTUAL,
        msg_type=_type(act),
        scope=Scope.PUBLIC,
        note=context.texts.say(_FIRST, "cap.note_drill") if drill else "",
        references=() if act.what is ActKind.PRESS else _earlier(session, act),
        infos=tuple(_info(context, act, voice, tree, zone) for voice in act.content.voices),
    )


def _type(act: Act) -> MsgType:
    if act.what is ActKind.PRESS:
        return MsgType.ALERT
    return MsgType.CANCEL if act.what is ActKind.CANCEL else MsgType.UPDATE


def _earlier(session: Session, act: Act) -> tuple[Reference, ...]:
    """As those messages name themselves, the oldest first."""
    rows = reversed(queries.revisions(session, act.alert_id))
    earlier = [row.cap_xml for row in rows if row.cap_xml and row.revision < act.revision]
    return tuple(parse(xml.encode()).itself for xml in earlier)


def _info(context: Context, act: Act, voice: VoiceContent, tree: AreaTree, zone: ZoneInfo) -> Info:
    kind, texts = act.content.kind, context.texts
    written = voice.language if voice.language in LANGUAGES else _FIRST
    event = texts.say(written, f"label.alert_kind.{kind}")
    over = act.what is ActKind.CANCEL
    ended = texts.say(written, "cap.over", event=event)
    return Info(
        language=voice.language,
        categories=(_CATEGORIES[kind],),
        event=event,
        responses=(_response(act),),
        urgency="Past" if over else act.content.urgency.capitalize(),
        severity=act.content.severity.capitalize(),
        certainty=act.content.certainty.capitalize(),
        effective=act.at.astimezone(zone),
        expires=_expires(act).astimezone(zone),
        sender_name=texts.say(written, "cap.sender_name", area=_root_name(act, tree)),
        headline=ended if over else act.content.title or event,
        description=ended if over else voice.text or act.content.title or event,
        areas=tuple(
            _area(tree.chain(area_id), tree, context.boundaries)
            for area_id in act.area_ids
            if area_id in tree.areas
        ),
    )


def _response(act: Act) -> Response:
    if act.what is not ActKind.CANCEL:
        return _RESPONSES[act.content.kind]
    return Response.ALL_CLEAR if act.alert is not None else Response.NONE


def _expires(act: Act) -> datetime:
    """A cancel without an all-clear needs no longer than it takes to read it."""
    return act.alert.expires_at if act.alert is not None else act.at + timedelta(hours=1)


def _area(chain: Sequence[str], tree: AreaTree, boundaries: Boundaries) -> CapArea:
    """By the state's code and its boundary where we were told of one; else the point of its middle.

    A boundary that we do not know is not drawn.
    """
    area = tree.areas[chain[-1]]
    boundary = boundaries.of(area.id, area.code)
    return CapArea(
        description=", ".join(tree.name(area_id) for area_id in reversed(chain)),
        polygons=_outlines(boundary) if boundary is not None else (),
        circles=_point(area) if boundary is None else (),
        geocodes=(Named(GEOCODE_NAME, area.code),) if area.code else (),
    )


def _outlines(boundary: Boundary) -> tuple[Polygon, ...]:
    """Outer rings, latitude first. CAP knows no holes; bends of less than about 50 m are left out."""
    plain = boundary.simplify(_BEND_DEGREES)
    parts = plain.geoms if isinstance(plain, MultiPolygon) else (plain,)
    return tuple(
        tuple((round(y, 5), round(x, 5)) for x, y, *_ in part.exterior.coords)
        for part in parts
        if isinstance(part, ShapelyPolygon) and not part.is_empty
    )


def _point(area: AreaLine) -> tuple[Circle, ...]:
    if area.code or area.latitude is None or area.longitude is None:
        return ()
    return (Circle(area.latitude, area.longitude, 0.0),)


def _root_name(act: Act, tree: AreaTree) -> str:
    chain = next((chain for area_id in act.area_ids if (chain := tree.chain(area_id))), ())
    return tree.name(chain[0]) if chain else ""


def _zone(act: Act, tree: AreaTree) -> ZoneInfo:
    area = next((tree.areas[area_id] for area_id in act.area_ids if area_id in tree.areas), None)
    return ZoneInfo(area.zone if area else _HOME)
