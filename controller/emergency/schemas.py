"""Alerts, standing messages and boards as forms come in and as they are shown."""

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from controller.areas.tables import AreaLevel
from controller.emergency.content import (
    DEFAULT_VALIDITY_S,
    Certainty,
    Source,
    Urgency,
)
from controller.emergency.rules import Move, StandingMove
from controller.emergency.tables import ActKind, AlertState, RevisionState, StandingState
from wire.ids import AlertKind, Severity


class VoiceForm(BaseModel):
    """A standing voice needs only its language; a typed one is read from its text when it is saved."""

    language: str = Field(max_length=16)
    source: Source
    text: str = Field(default="", max_length=20_000)
    sound_sha256: str | None = Field(default=None, max_length=64)


class AlertForm(BaseModel):
    """What an officer composes. With `expires_at` it ends then; without, `validity_s` after the press."""

    kind: AlertKind
    severity: Severity
    urgency: Urgency = Urgency.IMMEDIATE
    certainty: Certainty = Certainty.OBSERVED
    drill: bool = False
    title: str = Field(default="", max_length=200)
    area_ids: list[str] = Field(default=[], max_length=500)
    voices: list[VoiceForm] = Field(default=[], max_length=50)
    repeats: int = 3
    validity_s: float = DEFAULT_VALIDITY_S
    expires_at: AwareDatetime | None = None
    late: bool = True


class AskForm(BaseModel):
    """Which act the second person is to carry out: press, update or repeat."""

    what: ActKind = ActKind.PRESS


class ConfirmForm(BaseModel):
    """`confirm` is `held`, or the name of one of the areas, or the title, as typed.

    `held_s` is how long the button was held, `seen` the newest revision that the person had before the eyes:
    the same act on it a second time changes nothing. `digest` is that of the content that the person saw (of
    a repeat, the alert's own): other content is not sent. Where two people are needed it may not be missing.
    """

    confirm: str = Field(default="", max_length=300)
    digest: str | None = Field(default=None, max_length=64)
    held_s: float | None = None
    seen: int | None = None


class ExtendForm(BaseModel):
    minutes: float
    seen: int | None = None


class CancelForm(BaseModel):
    """With `seen`, an alert that somebody else has cancelled since is left as it is."""

    all_clear: bool = False
    seen: int | None = None


class StandingForm(BaseModel):
    """`use` is a kind of alert, `drill_notice` or `all_clear`."""

    use: str = Field(max_length=32)
    language: str = Field(max_length=16)
    area_id: str
    text: str = Field(max_length=20_000)
    sound_sha256: str = Field(max_length=64)


class Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class AreaReach(Shown):
    """One chosen area; `stations` are the installed ones under it."""

    id: str
    name: str
    level: AreaLevel
    villages: int
    stations: int
    reachable: int
    fed: int
    """Old clusters that repeat those stations."""
    fed_from_outside: int
    """Old clusters that hang here and repeat a station outside all chosen areas: they stay silent."""


class Reach(Shown):
    """Whom an alert would reach at this moment; a station under two of the areas counts once."""

    villages: int
    stations: int
    reachable: int
    fed: int
    """Old clusters that repeat these stations; nobody will hear from them whether they did."""
    areas: tuple[AreaReach, ...]
    at: datetime


class AreaName(Shown):
    id: str
    name: str
    level: AreaLevel


class VoiceView(Shown):
    """`sound_url` is None where there is nothing to hear yet; a standing voice has today's message."""

    language: str
    source: Source
    text: str
    sound_sha256: str | None
    sound_url: str | None
    seconds: float | None


class ContentView(Shown):
    digest: str
    """To be sent back with what confirms just this content."""
    kind: AlertKind
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    drill: bool
    title: str
    areas: tuple[AreaName, ...]
    voices: tuple[VoiceView, ...]
    repeats: int
    validity_s: float
    expires_at: datetime | None
    """A fixed end, where one was chosen."""
    late: bool


class TwoPeople(Shown):
    """Why one person is not enough: the rule that applies."""

    area_id: str
    area_name: str
    from_severity: Severity


class RevisionView(Shown):
    """One act: prepared, asked for, carried out or discarded, by whom and when."""

    revision: int
    act: ActKind
    state: RevisionState
    content: ContentView
    made_by_name: str | None
    """None where a CAP message made it."""
    made_at: datetime
    asked_by_name: str | None
    asked_at: datetime | None
    done_by_name: str | None
    """None also where a rule for a CAP sender carried it out."""
    done_at: datetime | None
    sounding: str | None
    seconds: float
    expires_at: datetime | None
    cap_identifier: str | None


class AlertLine(Shown):
    """An alert in a list."""

    id: str
    kind: AlertKind
    severity: Severity
    drill: bool
    title: str
    state: AlertState
    in_force: bool
    """It is active and not over at this moment."""
    areas: tuple[AreaName, ...]
    created_by_name: str | None
    created_at: datetime
    sent_at: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None
    asked_by_name: str | None
    """Who waits for a second person, for whichever act."""
    waits_for_me: bool
    """A second person is needed, and this one may be it."""
    record_pending: bool
    """It sounds already; the database has yet to hear of its newest act."""


class AlertView(AlertLine):
    """An alert as a page shows it. `content` is what counts now: carried out, or prepared before that."""

    revision: int
    """The newest one carried out; 0 before the first press. To be sent back as `seen`."""
    content: ContentView
    open: RevisionView | None
    """What is prepared or asked for and not carried out: the draft, an update, a repeat."""
    history: tuple[RevisionView, ...]
    """Everything that was carried out, the newest first."""
    may: tuple[Move, ...]
    """What this person may do with it now."""
    two_people: TwoPeople | None
    """Why press, update and repeat need two; None where one is enough."""
    all_clear_lacks: tuple[str, ...]
    """Languages without an approved all-clear message: a cancel sounds the signal alone there."""


class StandingView(Shown):
    """A message recorded in advance, and who does not hold it yet."""

    id: str
    use: str
    language: str
    area_id: str
    area_name: str
    state: StandingState
    in_use: bool
    """The newest approved one of its area, use and language."""
    text: str
    sound_sha256: str
    sound_url: str
    seconds: float
    made_by_name: str
    made_by_me: bool
    made_at: datetime
    approvers: tuple[str, ...]
    """The names of all who may approve it now; nobody once it is decided."""
    decided_by_name: str | None
    decided_at: datetime | None
    stations: int
    """That should hold it: under the area, in the language. 0 unless it is in use."""
    lacking: int
    lacking_names: tuple[str, ...]
    """The first of them by name."""
    not_told: int
    """How many have never told what they hold."""
    may: tuple[StandingMove, ...]


class ActAnswer(Shown):
    """What a press did, or any other act; for one that was done before, what it did then."""

    alert_id: str
    revision: int
    sounding: str | None
    at: datetime
    published_at: datetime | None
    """None where the broker has not acknowledged every board yet."""
    recorded: bool
