"""People: adding them, signing them in, and asking whether they may."""

import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from sqlalchemy.orm import Session

from controller.accounts import passwords, queries, rules
from controller.accounts.errors import (
    PASSWORD_MIN_LENGTH,
    closed,
    not_your_role,
    outside_your_area,
    wrong_password,
)
from controller.accounts.rules import Action, Principal
from controller.accounts.tables import Grant, Person, Role, SignIn
from controller.areas import service as areas
from controller.areas.tables import Area
from controller.errors import Conflict, Invalid, NotFound

_USERNAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")


def add_person(
    session: Session,
    now: datetime,
    username: str,
    full_name: str,
    *,
    password: str,
    grants: Sequence[tuple[Role, str]],
    language: str = "vi",
) -> Person:
    """Raises Invalid, Conflict `accounts.username_taken`, NotFound `areas.unknown`."""
    username, full_name = username.strip().lower(), full_name.strip()
    _check_new(session, username, full_name, password, grants)
    person = Person(
        id=str(uuid4()),
        username=username,
        full_name=full_name,
        password_hash=passwords.hashed(password),
        language=language,
        created_at=now,
    )
    person.grants = [Grant(role=role, area_id=area_id) for role, area_id in dict.fromkeys(grants)]
    session.add(person)
    session.flush()
    return person


def check_password(session: Session, username: str, password: str) -> Person:
    """Takes as long for an unknown name as for a known one. Raises SignInNeeded `accounts.wrong_password`."""
    person = queries.by_username(session, username.strip().lower())
    right = passwords.matches(password, person.password_hash if person else passwords.NOBODY)
    if person is None or not right or not person.active:
        raise wrong_password()
    return person


def open_sign_in(session: Session, now: datetime, person_id: str, hours: float) -> str:
    """A new sign-in; returns its token, of which only the hash is kept."""
    token = secrets.token_urlsafe(32)
    session.add(
        SignIn(
            token_hash=_token_hash(token),
            person_id=person_id,
            created_at=now,
            expires_at=now + timedelta(hours=hours),
        )
    )
    session.flush()
    return token


def sign_in(session: Session, now: datetime, username: str, password: str, hours: float) -> str:
    """Both of the above, where holding a transaction during the slow password check does no harm."""
    return open_sign_in(session, now, check_password(session, username, password).id, hours)


def sign_out(session: Session, token: str) -> None:
    queries.delete_sign_in(session, _token_hash(token))


def forget_expired(session: Session, now: datetime) -> None:
    """Drop the sign-ins that are over."""
    queries.delete_expired(session, now)


def principal_of(session: Session, now: datetime, token: str) -> Principal | None:
    """Who holds this token; None when the sign-in is over, unknown or the account closed."""
    person = queries.signed_in(session, _token_hash(token), now)
    return principal(person) if person else None


def principal_named(session: Session, username: str) -> Principal:
    """For programs that act on a person's behalf.

    Raises NotFound `accounts.unknown_person`, Forbidden `accounts.closed`.
    """
    person = queries.by_username(session, username)
    if person is None:
        raise NotFound("accounts.unknown_person", field="username", username=username[:64])
    if not person.active:
        raise closed(username)
    return principal(person)


def is_known(session: Session, username: str) -> bool:
    return queries.by_username(session, username) is not None


def principal(person: Person) -> Principal:
    grants = sorted((grant.role, grant.area_id) for grant in person.grants)
    return Principal(person.id, person.username, person.full_name, person.language, tuple(grants))


def require(session: Session, principal: Principal, action: Action, area_id: str) -> None:
    """Raises Forbidden with what is missing, the role or the area; NotFound `areas.unknown`."""
    chain = areas.chain(session, area_id)
    if rules.may(principal, action, [area.id for area in chain]):
        return
    require_anywhere(principal, action)
    raise outside_your_area(chain[-1].name)


def require_anywhere(principal: Principal, action: Action) -> None:
    """For what belongs to no area, such as an upload. Raises Forbidden."""
    if not rules.may_anywhere(principal, action):
        raise not_your_role()


def realm(session: Session, principal: Principal, action: Action = Action.VIEW) -> set[str]:
    """The ids of all areas where this person may do this."""
    return areas.ids_below(session, rules.granted_areas(principal, action))


def within(session: Session, principal: Principal, action: Action, area_ids: Collection[str]) -> set[str]:
    """On which of these areas this person may do this."""
    return areas.those_below(session, area_ids, rules.granted_areas(principal, action))


def realm_areas(session: Session, principal: Principal, action: Action = Action.VIEW) -> list[Area]:
    return areas.subtrees(session, rules.granted_areas(principal, action))


def full_names(session: Session, person_ids: set[str]) -> dict[str, str]:
    """What those people are called, by id."""
    return queries.full_names(session, person_ids)


def holders(session: Session, action: Action) -> list[tuple[str, str, str]]:
    """Everybody who may do this somewhere: id, full name, and the area where; by name."""
    return queries.holders(session, rules.ALLOWED[action])


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _check_new(
    session: Session, username: str, full_name: str, password: str, grants: Sequence[tuple[Role, str]]
) -> None:
    if not _USERNAME.fullmatch(username):
        raise Invalid("accounts.bad_username", field="username")
    if not full_name:
        raise Invalid("accounts.name_missing", field="full_name")
    if len(password) < PASSWORD_MIN_LENGTH:
        raise Invalid("accounts.short_password", field="password", at_least=PASSWORD_MIN_LENGTH)
    if not grants:
        raise Invalid("accounts.no_grant", field="grants")
    if queries.by_username(session, username):
        raise Conflict("accounts.username_taken", field="username", username=username)
    for _role, area_id in grants:
        areas.get(session, area_id)
