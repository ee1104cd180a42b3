"""The only SQL about people and sign-ins."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, selectinload

from controller.accounts.tables import Grant, Person, Role, SignIn


def by_id(session: Session, person_id: str) -> Person | None:
    return session.get(Person, person_id)


def by_username(session: Session, username: str) -> Person | None:
    return session.scalar(
        select(Person).where(Person.username == username).options(selectinload(Person.grants))
    )


def full_names(session: Session, person_ids: Collection[str]) -> dict[str, str]:
    rows = session.execute(select(Person.id, Person.full_name).where(Person.id.in_(person_ids)))
    return dict(rows.all())


def holders(session: Session, roles: Collection[Role]) -> list[tuple[str, str, str]]:
    """Everybody with one of these roles whose account is open: id, full name, and the area of the role."""
    rows = session.execute(
        select(Person.id, Person.full_name, Grant.area_id)
        .join(Grant, Grant.person_id == Person.id)
        .where(Grant.role.in_(roles), Person.active)
        .order_by(Person.full_name, Person.id)
    )
    return [(person_id, name, area_id) for person_id, name, area_id in rows]


def signed_in(session: Session, token_hash: str, now: datetime) -> Person | None:
    """The person whose sign-in this is, if it is not over and the account is open."""
    return session.scalar(
        select(Person)
        .join(SignIn, SignIn.person_id == Person.id)
        .where(SignIn.token_hash == token_hash, SignIn.expires_at > now, Person.active)
        .options(selectinload(Person.grants))
    )


def delete_sign_in(session: Session, token_hash: str) -> None:
    session.execute(delete(SignIn).where(SignIn.token_hash == token_hash))


def delete_expired(session: Session, now: datetime) -> None:
    session.execute(delete(SignIn).where(SignIn.expires_at <= now))
