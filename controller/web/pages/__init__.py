"""The pages that people see, one module per section of the menu."""

from fastapi import APIRouter

from controller.web import statics
from controller.web.pages import approvals, programmes, recordings, sign_in, timetable

router = APIRouter(include_in_schema=False)
for part in (statics, sign_in, recordings, programmes, approvals, timetable):
    router.include_router(part.router)
