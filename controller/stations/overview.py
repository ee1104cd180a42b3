"""Thousands of stations at a glance: all are judged, but only one page of them is looked at closely."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from controller.accounts import service as accounts
from controller.accounts.rules import Action, Principal
from controller.stations import queries, views
from controller.stations.rules import StationState, judge
from controller.stations.schemas import StationView

_TROUBLE_FIRST: Final = (
    StationState.UNREACHABLE,
    StationState.NEVER_SEEN,
    StationState.OK,
    StationState.NOT_INSTALLED,
)


@dataclass(frozen=True)
class Overview:
    """`counts` are of all stations of the realm, in each state that occurs, troubles first.

    `chosen` is how many of them are in the state asked for; `stations` is one page of those.
    """

    counts: Mapping[StationState, int]
    chosen: int
    stations: list[StationView]


def counts(
    session: Session, now: datetime, principal: Principal, timeout_s: float
) -> Mapping[StationState, int]:
    """How many stations of the person's realm are in each state that occurs, troubles first."""
    return _counted(_judged(session, now, principal, timeout_s))


def overview(
    session: Session,
    now: datetime,
    principal: Principal,
    timeout_s: float,
    *,
    state: StationState | None = None,
    first: int = 0,
    limit: int = 100,
) -> Overview:
    """Troubles first, then by name; from the `first` on, counted from 0."""
    judged = _judged(session, now, principal, timeout_s)
    wanted = [station_id for station_id, its in judged.items() if state in {None, its}]
    wanted.sort(key=lambda station_id: _TROUBLE_FIRST.index(judged[station_id]))
    page = wanted[first : first + limit]
    pictured = queries.pictured_these(session, page)
    shown = views.of(session, now, [pictured[station_id] for station_id in page], timeout_s)
    return Overview(_counted(judged), len(wanted), shown)


def _judged(
    session: Session, now: datetime, principal: Principal, timeout_s: float
) -> dict[str, StationState]:
    """Every station of the realm, by name."""
    realm = accounts.realm(session, principal, Action.SEE_HEALTH)
    evidence = queries.evidence(session)
    return {
        station_id: judge(evidence[station_id], now, timeout_s).state
        for station_id, area_id in queries.places(session).items()
        if area_id in realm
    }


def _counted(judged: Mapping[str, StationState]) -> dict[StationState, int]:
    counted = Counter(judged.values())
    return {state: counted[state] for state in _TROUBLE_FIRST if counted[state]}
