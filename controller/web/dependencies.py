"""What routes ask for: the process's context, and one transaction for the request."""

from collections.abc import Iterator
from typing import Annotated, cast

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from controller.context import Context


def get_context(request: Request) -> Context:
    return cast("Context", request.app.state.context)


InContext = Annotated[Context, Depends(get_context)]


def _reading(context: InContext) -> Iterator[Session]:
    with context.database.read() as session:
        yield session


def _writing(context: InContext) -> Iterator[Session]:
    with context.database.write() as session:
        yield session


Reading = Annotated[Session, Depends(_reading, scope="function")]
"""A transaction that only looks."""
Writing = Annotated[Session, Depends(_writing, scope="function")]
"""The request's transaction: committed before the answer leaves, rolled back if the route raises."""
