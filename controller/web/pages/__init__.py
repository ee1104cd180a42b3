"""The pages that people see, one module per section of the menu."""

from fastapi import APIRouter

from controller.web import statics
from controller.web.pages import (
    approvals,
    clockwork,
    emergency,
    emergency_acts,
    emergency_cap,
    emergency_compose,
    emergency_standing,
    installing,
    occurrences,
    programmes,
    recordings,
    sign_in,
    station_care,
    stations,
    timetable,
    today,
)

_PARTS = (
    statics,
    sign_in,
    today,
    recordings,
    programmes,
    approvals,
    timetable,
    occurrences,
    installing,
    stations,
    station_care,
    clockwork,
    emergency_compose,
    emergency_standing,
    emergency_cap,
    emergency_acts,
    emergency,
)

router = APIRouter(include_in_schema=False)
for part in _PARTS:
    router.include_router(part.router)
