"""Signing in and out, where one is led, and the language of the pages."""

from collections.abc import Callable
from typing import Any

import httpx


async def test_a_stranger_is_led_to_sign_in_and_back(stranger: Any, password: str) -> None:
    asked = await stranger.get("/lich-phat?xong=saved")
    assert (asked.status_code, asked.headers["location"]) == (
        303,
        "/dang-nhap?tiep=/lich-phat%3Fxong%3Dsaved",
    )
    form = await stranger.get(asked.headers["location"])
    assert 'name="tiep" value="/lich-phat?xong=saved"' in form.text
    done = await stranger.post(
        "/dang-nhap", username="operator", password=password, tiep="/lich-phat?xong=saved"
    )
    assert (done.status_code, done.headers["location"]) == (303, "/lich-phat?xong=saved")
    cookie = done.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert (await stranger.get("/")).status_code == 200


async def test_a_wrong_password_keeps_the_name_and_says_so(
    stranger: Any, read: Callable[[httpx.Response], str]
) -> None:
    answer = await stranger.post("/dang-nhap", username="operator", password="sai-mat-khau")
    assert answer.status_code == 401
    assert 'value="operator"' in answer.text
    assert "sai-mat-khau" not in answer.text
    assert "Tên đăng nhập hoặc mật khẩu không đúng" in read(answer)
    assert "set-cookie" not in answer.headers


async def test_signing_in_never_leads_to_another_site(stranger: Any, password: str) -> None:
    for away in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        done = await stranger.post("/dang-nhap", username="operator", password=password, tiep=away)
        assert done.headers["location"] == "/"


async def test_a_part_that_refreshes_itself_sends_the_whole_page_to_sign_in(stranger: Any) -> None:
    answer = await stranger.get(
        "/dai/bang", **{"HX-Request": "true", "HX-Current-URL": "http://loaban/dai?loc=ok"}
    )
    assert answer.headers["hx-redirect"] == "/dang-nhap?tiep=/dai"
    assert not answer.text


async def test_signed_out_is_out(browser: Callable[[str], Any]) -> None:
    operator = browser("operator")
    token = operator.client.cookies["loaban_session"]
    assert (await operator.post("/dang-xuat")).headers["location"] == "/dang-nhap"
    operator.client.cookies.set("loaban_session", token)
    assert (await operator.get("/")).status_code == 303


async def test_vietnamese_first_english_when_chosen(stranger: Any) -> None:
    assert "Mật khẩu" in await stranger.words("/dang-nhap")
    chosen = await stranger.post("/ngon-ngu", language="en", tiep="/dang-nhap")
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/dang-nhap")
    english = await stranger.get("/dang-nhap")
    assert english.headers["content-language"] == "en"
    assert "Password" in english.text
    await stranger.post("/ngon-ngu", language="xx", tiep="/dang-nhap")
    assert "Password" in await stranger.words("/dang-nhap")


async def test_every_page_forbids_scripts_and_styles_from_elsewhere(browser: Callable[[str], Any]) -> None:
    answer = await browser("operator").get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    nonce = policy.split("'nonce-")[1].split("'")[0]
    assert f'name="style-nonce" content="{nonce}"' in answer.text
    assert nonce not in (await browser("operator").get("/")).text
    assert answer.headers["cache-control"] == "no-store"
    assert "<style" not in answer.text
    assert " style=" not in answer.text
    assert answer.text.count("<script") == answer.text.count('<script type="module" src="/static/')
