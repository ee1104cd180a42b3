"""How many occurrences went, at a glance: for lists of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from controller.accounts import service as accounts
from controller.accounts.rules import Principal
from controller.dispatch.tree import AreaTree
from controller.playback import queries
from controller.playback.rules import Overall, Standing, Window, overall, standing
from controller.playback.service import REPORT_DEADLINE_S, concerned
from controller.stations import service as stations
from controller.timetable.schemas import OccurrenceView
from wire.ids import Outcome


@dataclass(frozen=True, slots=True)
class Summary:
    """`played` of `stations` played all of it."""

    overall: Overall
    played: int
    stations: int


def summaries(
    session: Session,
    now: datetime,
    principal: Principal,
    occurrences: Sequence[OccurrenceView],
    *,
    report_deadline_s: float = REPORT_DEADLINE_S,
) -> dict[str, Summary]:
    """By occurrence, over the stations of the person's realm; one look at the reports for all of them."""
    tree, realm = AreaTree.read(session), accounts.realm(session, principal)
    reports = queries.of_occurrences(session, [one.id for one in occurrences])
    places = [(station, set(tree.chain(station.area_id))) for station in stations.within(session, realm)]
    found: dict[str, Summary] = {}
    for one in occurrences:
        window = Window(one.start, one.end, report_deadline_s, one.withdrawn_at)
        mine = reports.get(one.id, {})
        counts = Counter(
            standing(window, now, Standing(report.outcome) if report else None).state.value
            for station, chain in places
            for report in [mine.get(station.id)]
            if one.area_id in chain and concerned(station, window, report)
        )
        found[one.id] = Summary(overall(counts), counts[Outcome.PLAYED.value], counts.total())
    return found
