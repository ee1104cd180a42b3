"""Doing what was judged, in the transaction that keeps the message: propose, fire, update, end."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from controller.accounts.rules import Principal
from controller.cap import composing
from controller.cap.judge import Judgement, Step
from controller.cap.tables import CapMessageRow, CapVerdict
from controller.context import Context
from controller.emergency import acting, recording
from controller.emergency import service as emergency
from controller.emergency.actor import Actor
from controller.emergency.acts import Act
from controller.emergency.content import Content
from controller.emergency.found import look
from controller.emergency.moment import Moment
from controller.errors import LoabanError

_log = logging.getLogger(__name__)

_LEAST_S: Final = 60.0
"""An alert that ends less than a minute later is left as it is."""


class Following:
    """For one message, whose row is in the database already. `pending` are acts not recorded yet.

    `officer` brought it by hand: it changes nothing outside her realm.
    """

    def __init__(
        self,
        session: Session,
        context: Context,
        pending: Iterable[Act],
        row: CapMessageRow,
        *,
        officer: Principal | None = None,
    ) -> None:
        self._session = session
        self._rule = Actor(session, context, context.now(), None, tuple(pending))
        self._officer = replace(self._rule, person=officer)
        self._row = row
        self._acts: list[Act] = []

    def follow(self, judgement: Judgement, content: Content | None) -> list[Act]:
        """Acts that are on record when the transaction commits, and are to be performed then."""
        endings = [partial(self._withdraw, alert_id) for alert_id in judgement.withdraw]
        endings += [
            partial(self._cancel, alert_id, all_clear=judgement.all_clear) for alert_id in judgement.cancel
        ]
        ended = [self._try("cap.could_not_end", ending) for ending in endings]
        if judgement.step is Step.NOTHING and not all(ended):
            self._row.verdict = CapVerdict.PROPOSED  # An officer there decides.
        if content is not None:
            self._step(judgement, content)
        return self._acts

    def _step(self, judgement: Judgement, content: Content) -> None:
        alert_id = judgement.alert_id or ""
        if judgement.step is Step.PROPOSE:
            self._propose(content)
        elif judgement.step is Step.FIRE and not self._try("cap.could_not_fire", lambda: self._fire(content)):
            self._row.verdict = CapVerdict.PROPOSED
            self._propose(content)
        elif judgement.step is Step.UPDATE and not self._try(
            "cap.could_not_update", lambda: self._update(alert_id, content)
        ):
            self._row.verdict = CapVerdict.PROPOSED
            self._suggest(alert_id, content)
        elif judgement.step is Step.SUGGEST:
            self._suggest(alert_id, content)

    def _propose(self, content: Content) -> None:
        self._row.alert_id = emergency.propose(self._session, self._rule.now, content, self._row.id).id
        self._session.flush()

    def _fire(self, content: Content) -> None:
        content = composing.ready_to_sound(self._session, content)
        act = acting.from_rule(self._rule, content)
        self._record(act)
        self._row.alert_id = act.alert_id

    def _update(self, alert_id: str, content: Content) -> None:
        """What sounds the same is not heard again: it is only in force for longer."""
        content = composing.ready_to_sound(self._session, content)
        newest = look(self._session, alert_id, self._rule.pending).newest
        if newest is None or newest.alert is None or not composing.sounds_alike(newest.content, content):
            self._record(acting.update_from_rule(self._rule, alert_id, content))
            return
        longer_s = (
            (content.expires_at - newest.alert.expires_at).total_seconds() if content.expires_at else 0.0
        )
        if longer_s >= _LEAST_S:
            self._extend(alert_id, longer_s, newest.revision)
        else:
            self._row.reason = "cap.nothing_new"

    def _extend(self, alert_id: str, longer_s: float, seen: int) -> None:
        self._record(acting.extend(self._rule, alert_id, minutes=longer_s / 60, seen=seen))

    def _suggest(self, alert_id: str, content: Content) -> None:
        """What an officer has prepared for herself is not written over."""
        prepared = look(self._session, alert_id, self._rule.pending).open
        if prepared is not None and prepared.made_by is not None:
            return
        self._try("cap.officer_updates", partial(self._prepare, alert_id, content))

    def _prepare(self, alert_id: str, content: Content) -> None:
        self._check_realm(alert_id)
        emergency.suggest(self._rule, alert_id, content)

    def _check_realm(self, alert_id: str) -> None:
        """Raises Forbidden."""
        Moment.of(self._officer, alert_id)

    def _withdraw(self, alert_id: str) -> None:
        self._check_realm(alert_id)
        emergency.withdraw(self._rule, alert_id)

    def _cancel(self, alert_id: str, *, all_clear: bool) -> None:
        self._record(acting.cancel(self._rule, alert_id, all_clear=all_clear))

    def _record(self, act: Act) -> None:
        act = act.model_copy(update={"cap_message_id": self._row.id})
        recording.keep(self._session, self._rule.context, act)
        self._acts.append(act)

    def _try(self, key: str, work: Callable[[], None]) -> bool:
        """False where our own rules do not allow it now: the message's row says why."""
        try:
            with self._session.begin_nested():
                work()
        except LoabanError as error:
            _log.warning("CAP message %d: %s (%s)", self._row.id, key, error.key)
            why = {"key": error.key, "params": error.params}
            self._row.reason, self._row.params = key, {**self._row.params, "why": why}
            return False
        return True
