"""What a technician reads on the board itself: the state folder in plain lines."""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agent.board_store import BoardStore
from agent.journal import Journal
from agent.posted import posted, standing_for
from agent.settings import Settings
from agent.sound_files import SoundFiles
from agent.store import PlanStore
from agent.timeline import items_of
from agent.wording import Say
from wire.messages import PlaybackReport, StationCard
from wire.signing import Keyring

_MB = 1024 * 1024


def lines(settings: Settings, say: Say) -> Iterator[str]:
    """Raises OSError or sqlite3.Error when the state folder cannot be read."""
    yield say("status.station", station=settings.station)
    keyring = Keyring.of(*settings.controller_keys)
    store, boards = PlanStore(settings.state_dir, keyring), BoardStore(settings.state_dir, keyring)
    store.load()
    boards.load()
    files = SoundFiles(settings.state_dir / "sound")
    yield from _plan(store, say)
    yield from _sound(store, files, say)
    yield from _alerts(store.card, boards, files, say)
    yield from _reports(Journal(settings.state_dir / "journal.sqlite"), say)


def _plan(store: PlanStore, say: Say) -> Iterator[str]:
    card = store.card
    if card is None:
        yield say("status.no_card")
        return
    yield say("status.card", name=card.name, version=card.version, areas=", ".join(card.areas))
    for layer in store.layers():
        expires_at = _moment(layer.expires_at, card)
        count = len(layer.occurrences)
        yield say("status.layer", area=layer.area, version=layer.version, count=count, expires_at=expires_at)
    if not store.layers():
        yield say("status.no_layer")


def _moment(at: datetime, card: StationCard) -> str:
    """As the village's clocks show it; in UTC where this board does not know the zone."""
    try:
        return f"{at.astimezone(ZoneInfo(card.zone)):%H:%M %d/%m/%Y}"
    except (ZoneInfoNotFoundError, ValueError):
        return f"{at.astimezone(UTC):%H:%M %d/%m/%Y} UTC"


def _sound(store: PlanStore, files: SoundFiles, say: Say) -> Iterator[str]:
    if store.card is None:
        return
    parts = [planned for layer in store.layers() for planned in layer.occurrences]
    wanted = {item.sha256 for planned in parts for item in items_of(planned)}
    missing = sorted(sha256 for sha256 in wanted if not files.has(sha256))
    megabytes = round(files.bytes_held() / _MB, 1)
    yield say("status.cache", held=len(wanted) - len(missing), wanted=len(wanted), megabytes=megabytes)
    for sha256 in missing:
        yield say("status.missing", sha256=sha256)


def _alerts(card: StationCard | None, boards: BoardStore, files: SoundFiles, say: Say) -> Iterator[str]:
    if card is None:
        return
    for one in posted(card, boards.boards(card.areas)).values():
        kind = "status.drill" if one.alert.drill else "status.alert"
        expires_at = _moment(one.alert.expires_at, card)
        yield say(
            kind, sounding=one.alert.sounding, title=one.alert.title, area=one.area, expires_at=expires_at
        )
    standing = {sound.item.sha256: sound for sound in standing_for(card, boards.standing_layers(card.areas))}
    missing = {sha256: sound for sha256, sound in standing.items() if not files.has(sha256)}
    yield say("status.standing", held=len(standing) - len(missing), wanted=len(standing))
    for sha256, sound in missing.items():
        what = " ".join(filter(None, (sound.kind, sound.language)))
        yield say("status.standing_missing", sha256=sha256, what=what)


def _reports(journal: Journal, say: Say) -> Iterator[str]:
    for id_, row in journal.begun().items():
        yield say("status.begun", occurrence=id_, seconds=round(row.sounded_s, 1))
    yield say("status.owed", count=journal.owed())
    for report in (*journal.outbox(20), *journal.delivered()):
        yield _report(report, say)
    journal.close()


def _report(report: PlaybackReport, say: Say) -> str:
    values = {
        "occurrence": report.occurrence,
        "outcome": say(f"outcome.{report.outcome}"),
        "seconds": round(report.seconds_played, 1),
        "planned": round(report.seconds_planned, 1),
    }
    if report.reason is None:
        return say("status.report", **values)
    return say("status.report_with_reason", reason=say(f"reason.{report.reason}"), **values)
