"""The pages as one browser sees them, without a network."""

import re
from collections.abc import Awaitable, Callable, Mapping
from html import unescape

import httpx
import pytest

from controller.accounts import service as accounts
from controller.accounts.rules import Principal
from controller.app import create_app
from controller.context import Context

Open = Callable[..., Awaitable[httpx.Response]]


class Browser:
    """Keeps its cookies, asks for HTML, and follows no redirect by itself."""

    def __init__(self, context: Context) -> None:
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(context)),
            base_url="http://loaban",
            headers={"Accept": "text/html"},
        )

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=headers)

    async def post(self, path: str, **fields: str | list[str]) -> httpx.Response:
        return await self.client.post(path, data=fields)

    async def words(self, path: str) -> str:
        """What a person reads there."""
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return words_of(answer)


def words_of(answer: httpx.Response) -> str:
    text = re.sub(r"<(script|style|template)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


@pytest.fixture
def read() -> Callable[[httpx.Response], str]:
    return words_of


@pytest.fixture
def stranger(context: Context, people: Mapping[str, Principal]) -> Browser:
    """Not signed in; everybody's account is there."""
    return Browser(context)


@pytest.fixture
def browser(context: Context, people: Mapping[str, Principal]) -> Callable[[str], Browser]:
    """`browser("operator")`: signed in as that person."""

    def signed_in(who: str) -> Browser:
        with context.database.write() as session:
            token = accounts.open_sign_in(session, context.now(), people[who].person_id, hours=1)
        one = Browser(context)
        one.client.cookies.set("loaban_session", token)
        return one

    return signed_in
