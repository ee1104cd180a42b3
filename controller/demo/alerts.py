"""What the demo has for emergencies: signals, messages made in advance, languages, the rule of two people."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from controller.accounts import service as accounts
from controller.areas import service as areas
from controller.context import Context
from controller.demo.data import Standing, StandingText
from controller.emergency import queries, signals, sounds, standing
from controller.emergency.schemas import StandingForm
from controller.emergency.tables import StandingState

_POLICY: Final = Path(__file__).with_name("emergency.toml")
_SIDE_BY_SIDE: Final = 2


def fill(context: Context, wanted: Standing) -> int:
    """Make and approve the messages that are not there yet; returns how many. An interrupted fill goes on."""
    signals.ensure(context)
    _write_policy(context.settings.data_dir / _POLICY.name)
    with context.database.write() as session:
        _set_languages(session, wanted)
    with context.database.read() as session:
        known = {
            (message.use, message.language) for message, _sound in queries.standing_in(session, [wanted.area])
        }
    missing = [text for text in wanted.texts() if (text.use, text.language) not in known]
    _make(context, wanted, missing)
    _approve(context, wanted)
    return len(missing)


def _write_policy(path: Path) -> None:
    """Whoever has rules of his own keeps them."""
    if not path.exists():
        shutil.copyfile(_POLICY, path)


def _set_languages(session: Session, wanted: Standing) -> None:
    for area_id, languages in wanted.languages.items():
        area = areas.get(session, area_id)
        if area.languages is None:
            area.languages = list(languages)


def _make(context: Context, wanted: Standing, missing: list[StandingText]) -> None:
    """Each is read aloud and put down by itself, so that nothing is done twice after an interruption."""

    def make(text: StandingText) -> None:
        sound = sounds.from_text(context, text.text, text.language)
        form = StandingForm(
            use=text.use,
            language=text.language,
            area_id=wanted.area,
            text=text.text,
            sound_sha256=sound.sha256,
        )
        with context.database.write() as session:
            maker = accounts.principal_named(session, wanted.maker)
            standing.make(session, context.now(), maker, form)

    with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="demo") as pool:
        for _done in pool.map(make, missing):
            pass


def _approve(context: Context, wanted: Standing) -> None:
    with context.database.write() as session:
        approver = accounts.principal_named(session, wanted.approver)
        for message, _sound in queries.standing_in(session, [wanted.area]):
            if message.state is StandingState.WAITING:
                standing.approve(session, context.now(), approver, message.id)
