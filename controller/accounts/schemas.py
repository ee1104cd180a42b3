"""Sign-in and people as JSON."""

from pydantic import BaseModel, Field

from controller.accounts.rules import Action, Principal, may_anywhere
from controller.accounts.tables import Role


class SignInForm(BaseModel):
    username: str = Field(max_length=200)
    password: str = Field(max_length=1000)


class GrantView(BaseModel):
    role: Role
    area_id: str


class Me(BaseModel):
    id: str
    username: str
    full_name: str
    language: str
    grants: list[GrantView]
    may: list[Action]
    """What this person may do somewhere."""

    @classmethod
    def of(cls, principal: Principal) -> "Me":
        return cls(
            id=principal.person_id,
            username=principal.username,
            full_name=principal.full_name,
            language=principal.language,
            grants=[GrantView(role=role, area_id=area_id) for role, area_id in principal.grants],
            may=[action for action in Action if may_anywhere(principal, action)],
        )


class SignedInView(BaseModel):
    token: str
    """For programs, to be sent as `Authorization: Bearer …`; browsers have it as a cookie."""
    me: Me
