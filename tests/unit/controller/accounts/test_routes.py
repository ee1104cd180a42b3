"""Signing in over HTTP, by a browser and by a program."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from http.cookies import SimpleCookie

import httpx
import pytest
from fastapi import FastAPI

from controller import problems
from controller.accounts import routes as accounts_routes
from controller.accounts.dependencies import COOKIE
from controller.accounts.rules import Principal
from controller.areas import routes as areas_routes
from controller.context import Context


@pytest.fixture
async def browser(context: Context, people: Mapping[str, Principal]) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.context = context
    problems.install(app)
    app.include_router(accounts_routes.router)
    app.include_router(areas_routes.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://loaban") as browser:
        yield browser


async def sign_in(browser: httpx.AsyncClient, username: str, password: str) -> httpx.Response:
    return await browser.post("/api/sign-in", json={"username": username, "password": password})


async def test_a_browser_gets_a_cookie_that_no_script_and_no_other_site_can_use(
    browser: httpx.AsyncClient, password: str
) -> None:
    answer = await sign_in(browser, "operator", password)
    cookie = SimpleCookie(answer.headers["set-cookie"])[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "lax"
    assert cookie["max-age"] == str(12 * 3600)
    assert cookie["path"] == "/"
    me = (await browser.get("/api/me")).json()
    assert (me["username"], me["grants"]) == (
        "operator",
        [{"role": "operator", "area_id": "bat-xat-02683"}],
    )
    assert "edit_programme" in me["may"]
    assert "approve" not in me["may"]


async def test_a_program_sends_its_token(browser: httpx.AsyncClient, password: str) -> None:
    token = (await sign_in(browser, "technician", password)).json()["token"]
    browser.cookies.clear()
    assert (await browser.get("/api/me")).status_code == 401
    answer = await browser.get("/api/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["username"] == "technician"
    wrong = await browser.get("/api/me", headers={"Authorization": "Bearer x"})
    assert wrong.status_code == 401


async def test_a_wrong_password_is_said_in_the_language_the_browser_asks_for(
    browser: httpx.AsyncClient,
) -> None:
    answer = await sign_in(browser, "operator", "sai-mat-khau")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert answer.json()["detail"].startswith("Tên đăng nhập hoặc mật khẩu không đúng.")
    answer = await browser.post(
        "/api/sign-in",
        json={"username": "operator", "password": "wrong"},
        headers={"Accept-Language": "en-GB,en;q=0.9"},
    )
    assert answer.json()["detail"].startswith("The user name or the password is wrong.")


async def test_signing_out_ends_the_session_for_good(browser: httpx.AsyncClient, password: str) -> None:
    token = (await sign_in(browser, "operator", password)).json()["token"]
    answer = await browser.post("/api/sign-out")
    assert answer.status_code == 204
    assert (await browser.get("/api/me")).status_code == 401
    again = await browser.get("/api/me", headers={"Authorization": f"Bearer {token}"})
    assert again.status_code == 401
    assert (await browser.post("/api/sign-out")).status_code == 204, "twice does no harm"


async def test_a_session_ends_by_itself(
    browser: httpx.AsyncClient, password: str, clock: list[datetime]
) -> None:
    await sign_in(browser, "operator", password)
    clock[0] += timedelta(hours=11, minutes=59)
    assert (await browser.get("/api/me")).status_code == 200
    clock[0] += timedelta(minutes=1)
    answer = await browser.get("/api/me")
    assert answer.status_code == 401
    assert "Hãy đăng nhập lại" in answer.json()["detail"]


async def test_the_areas_listed_are_the_persons_realm(browser: httpx.AsyncClient, password: str) -> None:
    await sign_in(browser, "operator", password)
    listed = (await browser.get("/api/areas")).json()
    assert [area["name"] for area in listed] == ["Xã Bát Xát", "Thôn 1", "Thôn 2"]
    below = (await browser.get("/api/areas", params={"parent": "bat-xat-02683"})).json()
    assert [area["level"] for area in below] == ["village", "village"]
    outside = await browser.get("/api/areas/muong-hum-02728")
    assert outside.status_code == 403
    assert outside.json()["detail"].startswith("“Xã Mường Hum” nằm ngoài địa bàn được giao cho bạn.")
    assert (await browser.get("/api/areas/khong-co")).status_code == 404


async def test_only_the_administrator_adds_areas(browser: httpx.AsyncClient, password: str) -> None:
    village = {"parent_id": "bat-xat-02683", "level": "village", "name": "Thôn Ná Lùng"}
    await sign_in(browser, "operator", password)
    assert (await browser.post("/api/areas", json=village)).status_code == 403
    await sign_in(browser, "administrator", password)
    answer = await browser.post("/api/areas", json=village)
    assert (answer.status_code, answer.json()["id"]) == (201, "bat-xat-02683-thon-na-lung")
    again = await browser.post("/api/areas", json=village)
    assert again.status_code == 409
    assert (await browser.get("/api/areas/bat-xat-02683-thon-na-lung")).json()["name"] == "Thôn Ná Lùng"
