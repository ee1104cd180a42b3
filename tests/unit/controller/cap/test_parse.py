"""Reading messages: nothing in them reaches out or blows up, and their disorder is borne."""

import math
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.cap.errors import Unreadable
from controller.cap.geometry import Place, meant
from controller.cap.model import MsgType, Reference, Scope, Status
from controller.cap.parse import parse, read_time
from tests.support.cap import AREA, info, message

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
BOMB = (
    '<!DOCTYPE alert [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1 if n > 1 else str()};" * 10}">' for n in range(1, 12))
    + "]>"
)


def reason(raw: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        parse(raw)
    return caught.value.key


@pytest.mark.parametrize(
    "prolog",
    [
        BOMB,
        "<!DOCTYPE alert>",
        '<!DOCTYPE alert SYSTEM "http://127.0.0.1:1/alert.dtd">',
        '<!DOCTYPE alert PUBLIC "-//X//Y" "file:///etc/passwd">',
        '<!DOCTYPE alert [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x"> %x;]>',
        "<!-- a comment first --><?pi first?>\n<!DOCTYPE alert [<!ATTLIST alert x CDATA 'y'>]>",
    ],
)
def test_a_document_type_is_refused_before_anything_in_it_is_looked_at(prolog: str) -> None:
    began_s = time.monotonic()
    assert reason(message(NOW, prolog=prolog)) == "cap.has_doctype"
    assert time.monotonic() - began_s < 0.5


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_document_type_does_not_hide_in_another_encoding(encoding: str) -> None:
    text = message(NOW, prolog=BOMB).decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    assert reason(text.encode(encoding)) in {"cap.has_doctype", "cap.not_xml"}


def test_a_message_in_utf_16_is_read() -> None:
    raw = message(NOW).decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16")
    assert parse(raw).infos[0].headline == "Lũ trên sông Hồng"


def test_an_external_entity_touches_neither_network_nor_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("very secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        for target in (f"http://127.0.0.1:{port}/x", secret.as_uri()):
            prolog = f'<!DOCTYPE alert [<!ENTITY x SYSTEM "{target}">]>'
            raw = message(NOW, prolog=prolog).replace(b"M-1", b"&x;")
            assert reason(raw) == "cap.has_doctype"
        with pytest.raises(TimeoutError):
            server.accept()


def test_xinclude_and_stylesheets_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_text("<x>very secret</x>")
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{secret.as_uri()}"/>'
    raw = message(NOW, prolog='<?xml-stylesheet href="http://127.0.0.1:1/x.xsl" type="text/xsl"?>')
    found = parse(raw.replace(b"<info>", include.encode() + b"<info>"))
    assert "secret" not in repr(found)


def test_deep_nesting_is_refused() -> None:
    deep = b"<x>" * 5_000 + b"</x>" * 5_000
    assert reason(message(NOW).replace(b"<info>", deep + b"<info>")) == "cap.not_xml"


def test_more_than_the_limit_is_refused_unread() -> None:
    assert reason(message(NOW) + b" " * 5_000_000) == "cap.too_large"


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (b"", "cap.not_xml"),
        (b"hello", "cap.not_xml"),
        (b"<alert", "cap.not_xml"),
        (b"\x00\xff\xfe\x00", "cap.not_xml"),
        (b"<?xml version='1.0' encoding='utf-7'?><alert/>", "cap.not_xml"),
        (b"<?xml version='1.0' encoding='no-such-thing'?><alert/>", "cap.not_xml"),
        (b"<html/>", "cap.not_cap"),
        (b"<alert/>", "cap.no_namespace"),
        (message(NOW, namespace="urn:oasis:names:tc:emergency:cap:1.3"), "cap.wrong_namespace"),
        (message(NOW, namespace="urn:oasis:names:tc:emergency:cap:1.1"), "cap.old_version"),
        (message(NOW, namespace="http://www.incident.com/cap/1.0"), "cap.old_version"),
        (message(NOW, sender=None), "cap.missing"),
        (message(NOW, identifier=""), "cap.missing"),
        (message(NOW, scope=None), "cap.missing"),
        (message(NOW, sent=None), "cap.missing"),
        (message(NOW, status="actual"), "cap.unknown_value"),
        (message(NOW, status="Actual Exercise"), "cap.unknown_value"),
        (message(NOW, msgType="Alarm"), "cap.unknown_value"),
        (message(NOW, scope="Everybody"), "cap.unknown_value"),
        (message(NOW, sent="2026-11-23T09:00:00"), "cap.bad_time"),
        (message(NOW, sent="yesterday"), "cap.bad_time"),
        (message(NOW, infos=[info(NOW, expires="soon")]), "cap.bad_time"),
        (message(NOW, infos=[info(NOW, expires="2026-11-31T00:00:00Z")]), "cap.bad_time"),
        (message(NOW).replace(b"<status>", b"<status>Exercise</status><status>"), "cap.repeated"),
        (
            message(NOW).replace(b"<expires>", b"<expires>2036-01-01T00:00:00Z</expires><expires>"),
            "cap.repeated",
        ),
        (message(NOW, identifier="x" * 201), "cap.bad_identifier"),
        (message(NOW, infos=[info(NOW)] * 101), "cap.too_much"),
        (message(NOW, infos=[info(NOW, area=AREA * 5_001)]), "cap.too_much"),
    ],
)
def test_what_cannot_be_understood_says_why(raw: bytes, key: str) -> None:
    assert reason(raw) == key


def test_an_empty_line_or_a_mark_before_the_declaration_does_not_matter() -> None:
    for before in (b"\r\n  ", b"\xef\xbb\xbf"):
        assert parse(before + message(NOW)) == parse(message(NOW))


def test_the_order_of_elements_does_not_matter() -> None:
    straight = message(NOW)
    head, _, body = straight.partition(b"<status>")
    prolog, _, rest = head.partition(b"<identifier>")
    status, _, tail = body.partition(b"</scope>")
    turned = prolog + tail.removesuffix(b"</alert>") + b"<status>" + status + b"</scope><identifier>" + rest
    assert parse(turned + b"</alert>") == parse(straight)


def test_blanks_and_comments_do_not_matter() -> None:
    raw = message(NOW).replace(b"<status>Actual", b"<status>\n  Act<!-- not Exercise -->ual  ")
    assert parse(raw).status is Status.ACTUAL
    assert parse(message(NOW, identifier=" a\n b ")).identifier == "a b"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-23T09:00:00+07:00", 0),
        ("2026-11-23T02:00:00Z", 0),
        ("2026-11-23T02:00:00z", 0),
        ("2026-11-23T02:00:00.125-00:00", 0),
        ("2026-11-23 09:00:00+0700", 0),
        (" 2026-11-23T09:00:01+07:00\n", 1),
        ("2026-11-22T19:10:00-06:50", 0),
    ],
)
def test_forms_of_time_are_read(text: str, seconds: int) -> None:
    assert read_time(text) == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "2026-11-23", "2026-11-23T09:00:00", "2026-11-23T24:00:00Z", "٢٠٢٦"])
def test_other_forms_are_not_guessed(text: str) -> None:
    assert read_time(text) is None


def test_references_are_taken_apart() -> None:
    found = parse(message(NOW, msgType="Update", references=[("a,b", NOW), ("c", NOW, "other@x")]))
    assert found.references == (
        Reference("canhbao@kttv.example", "a,b", NOW),
        Reference("other@x", "c", NOW),
    )
    broken = message(NOW, note="references").replace(b"note>references", b"references>only-an-identifier")
    assert parse(broken.replace(b"</note>", b"</references>")).unreadable_references == 1


def test_what_is_not_said_is_unknown() -> None:
    bare = info(NOW, language=None, category=None, urgency=None, severity="terrible", certainty=None, area="")
    found = parse(message(NOW, infos=[bare])).infos[0]
    assert (found.language, found.urgency, found.severity, found.certainty) == (
        "en-US",
        "Unknown",
        "Unknown",
        "Unknown",
    )
    assert found.areas == ()


@pytest.mark.parametrize(
    ("polygon", "corners"),
    [
        ("22,103 22,104 23,104 22,103", 4),
        ("22,103 22,104 23,104", 4),
        (" 22 , 103   22,104\n23,104 22,103  ", 4),
        ("22,103 22,104", None),
        ("103,22 104,22 104,23 103,22", None),
        ("22,103 22,nan 23,104", None),
        ("22,103 22,104 23", None),
        ("", None),
    ],
)
def test_polygons(polygon: str, corners: int | None) -> None:
    area = f"<area><areaDesc>x</areaDesc><polygon>{polygon}</polygon></area>"
    found = parse(message(NOW, infos=[info(NOW, area=area)])).infos[0].areas[0]
    assert [len(one) for one in found.polygons] == ([corners] if corners else [])
    assert found.unreadable == (0 if corners else 1)


@pytest.mark.parametrize(
    ("circle", "readable"),
    [
        ("22.5,103.9 12", True),
        ("22.5, 103.9 0", True),
        ("22 3", False),
        ("22.5,103.9 -1", False),
        ("22.5,103.9 inf", False),
    ],
)
def test_circles(circle: str, readable: bool) -> None:
    area = f"<area><areaDesc>x</areaDesc><circle>{circle}</circle></area>"
    found = parse(message(NOW, infos=[info(NOW, area=area)])).infos[0].areas[0]
    assert len(found.circles) == readable
    assert found.unreadable == (not readable)


def test_a_message_of_1_7_mb_is_read_and_placed_within_a_second() -> None:
    count = 34_066
    turns = (2 * math.pi * step / (count - 1) for step in range(count))
    corners = " ".join(f"{22.4 + 0.8 * math.sin(a):.20f},{104.0 + math.cos(a):.20f}" for a in turns)
    area = f"<area><areaDesc>x</areaDesc><polygon>{corners}</polygon></area>"
    raw = message(NOW, infos=[info(NOW, area=area)])
    assert 1_650_000 < len(raw) < 1_800_000
    places = [
        Place(f"xa-{row}-{column}", None, f"Xã {row}-{column}", None, 21.5 + row * 0.2, 103.0 + column * 0.2)
        for row in range(10)
        for column in range(10)
    ]
    began_s = time.monotonic()
    found = meant(parse(raw).infos[0].areas, places)
    took_s = time.monotonic() - began_s
    assert took_s < 1.0
    assert 0 < len(found.area_ids) < len(places)
    assert not found.uncertain


def test_a_whole_message() -> None:
    found = parse(message(NOW, msgType="Update", scope="Restricted", references=[("M-0", NOW)]))
    assert (found.msg_type, found.scope, found.sent) == (MsgType.UPDATE, Scope.RESTRICTED, NOW)
    assert found.summary == "Lũ trên sông Hồng"
    assert found.infos[0].areas[0].geocodes == (("VN-GSO", "02683"),)
