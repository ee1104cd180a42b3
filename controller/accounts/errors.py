"""What can go wrong around people.

SignInNeeded   accounts.wrong_password · accounts.sign_in_needed
Forbidden      accounts.not_your_role · accounts.outside_your_area · accounts.closed
Conflict       accounts.username_taken
Invalid        accounts.bad_username · accounts.name_missing · accounts.short_password · accounts.no_grant
NotFound       accounts.unknown_person
"""

from typing import Final

from controller.errors import Forbidden, SignInNeeded

PASSWORD_MIN_LENGTH: Final = 8


def wrong_password() -> SignInNeeded:
    """The same for an unknown name, a wrong password and a closed account, so that none can be told apart."""
    return SignInNeeded("accounts.wrong_password")


def sign_in_needed() -> SignInNeeded:
    return SignInNeeded("accounts.sign_in_needed")


def not_your_role() -> Forbidden:
    return Forbidden("accounts.not_your_role")


def outside_your_area(area: str) -> Forbidden:
    return Forbidden("accounts.outside_your_area", area=area)


def closed(username: str) -> Forbidden:
    return Forbidden("accounts.closed", username=username)
