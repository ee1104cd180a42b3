"""Where one person is not enough: `emergency.toml` in the data directory. Without the file, one is enough.

[[two_people]]
area = "lao-cai"
from_severity = "extreme"
"""

import logging
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.errors import Invalid
from wire.ids import Severity

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TwoPeopleRule:
    """For alerts of this severity or worse on this area, on one below it, or on one that contains it."""

    area_id: str
    from_severity: Severity

    def applies(
        self, area_ids: Collection[str], severity: Severity, chain: Callable[[str], Collection[str]]
    ) -> bool:
        if severity.rank < self.from_severity.rank:
            return False
        above = set(chain(self.area_id))
        return any(self.area_id in chain(area_id) or area_id in above for area_id in area_ids)


@dataclass(frozen=True, slots=True)
class Policy:
    two_people: tuple[TwoPeopleRule, ...] = ()

    def two_for(
        self, area_ids: Collection[str], severity: Severity, chain: Callable[[str], Collection[str]]
    ) -> TwoPeopleRule | None:
        """The first rule that asks for a second person. `chain`: an area and all that contain it."""
        return next((rule for rule in self.two_people if rule.applies(area_ids, severity, chain)), None)


class PolicyFile:
    """The policy as the file says it now. While a changed file cannot be read, what it said before holds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._policy: Policy | None = None

    def current(self) -> Policy:
        """Raises Invalid only while no good file has been seen since the start."""
        seen = self._stamp()
        if self._policy is not None and seen == self._seen:
            return self._policy
        try:
            policy = read(self._path)
        except Invalid:
            if self._policy is None:
                raise
            _log.exception("%s cannot be used; the rules from before hold", self._path)
            policy = self._policy
        self._policy, self._seen = policy, seen
        return policy

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_size


def read(path: Path) -> Policy:
    """Raises Invalid `emergency.policy_…`, saying what to mend."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Policy()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("emergency.policy_unreadable", file=path.name) from error
    return parse(text, path.name)


def parse(text: str, file: str) -> Policy:
    """Raises Invalid `emergency.policy_…`."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid("emergency.policy_not_toml", file=file, why=str(error)[:120]) from error
    _only(found, {"two_people"}, file)
    tables = found.get("two_people", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise Invalid("emergency.policy_not_tables", file=file)
    return Policy(tuple(_rule(table, file) for table in tables))


def _rule(table: Mapping[str, Any], file: str) -> TwoPeopleRule:
    _only(table, {"area", "from_severity"}, file)
    area, severity = table.get("area"), table.get("from_severity")
    if not isinstance(area, str) or not area:
        raise Invalid("emergency.policy_no_area", file=file)
    if not isinstance(severity, str) or severity not in tuple(Severity):
        known = ", ".join(Severity)
        raise Invalid("emergency.policy_bad_severity", file=file, area=area, known=known)
    return TwoPeopleRule(area, Severity(severity))


def _only(table: Mapping[str, Any], known: set[str], file: str) -> None:
    """A rule with a misspelt name would silently not be one."""
    for name in table:
        if name not in known:
            raise Invalid(
                "emergency.policy_unknown_name", file=file, name=name, known=", ".join(sorted(known))
            )
