"""Downloads on networks that lie, hang or pretend to be somebody else."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from agent.cache import Grade, MediaCache
from agent.sound_files import SoundFiles
from firmware_sim.network.captive_portal import page
from firmware_sim.network.names import Answering, NameServer
from tests.support.small_server import FAST, OK, Server, content_of, item_of, running, serving, until


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as made:
        yield made


HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\nConnection: close\r\n\r\n" + content_of(1, 1500)
REST = (
    b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 1500-2999/3000\r\nContent-Length: 1500\r\n"
    b"Connection: close\r\n\r\n" + content_of(1, 1500)
)


@pytest.mark.parametrize(
    "between",
    [
        page(),
        OK + b"Content-Type: text/html\r\n\r\n<html>no length, ends with the connection</html>",
        OK + b"Content-Type: text/html\r\nContent-Length: 3000\r\n\r\n" + content_of(9),
        OK + b"Content-Type: audio/ogg\r\nContent-Length: 30\r\n\r\n" + content_of(9, 30),
        OK + b"Content-Encoding: gzip\r\nContent-Length: 3000\r\n\r\n" + content_of(9),
        b"HTTP/1.1 511 Network Authentication Required\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
    ],
    ids=[
        "portal",
        "endless page",
        "page of that size",
        "too short",
        "packed",
        "511",
        "302",
        "no number",
        "tls",
    ],
)
async def test_a_page_in_the_middle_of_a_download_costs_nothing_of_it(
    tmp_path: Path, server: Server, between: bytes
) -> None:
    item = item_of(content_of(1))
    server.raw = [HALF, between, REST]
    cache = MediaCache(SoundFiles(tmp_path), FAST)
    cache.want(server.url, {Grade.PLAN: [item]})
    async with running(cache):
        await until(lambda: cache.state().held == 1)
    assert server.ranges == ["", "bytes=1500-", "bytes=1500-"]
    assert cache.files.path(item.sha256).read_bytes() == content_of(1)


async def test_a_network_that_is_back_ends_the_long_waits(tmp_path: Path, server: Server) -> None:
    item = item_of(content_of(1))
    patient = FAST.model_copy(update={"retry_min_s": 3600.0, "retry_max_s": 3600.0})
    cache = MediaCache(SoundFiles(tmp_path), patient)
    cache.want(server.url, {Grade.PLAN: [item]})
    async with running(cache):
        await until(lambda: server.asked == [item.sha256] and not cache.state().held)
        server.contents = {item.sha256: content_of(1)}
        cache.again()
        await until(lambda: cache.state().held == 1)
    assert len(server.asked) == 2


async def test_names_that_hang_take_no_thread_from_those_who_play(tmp_path: Path) -> None:
    """All that is to be fetched hangs in the resolver, again and again; the disk is worked on meanwhile."""
    names = NameServer()
    names.answering = Answering.NEVER
    impatient = FAST.model_copy(update={"parallel": 4, "timeout_s": 0.05})
    cache = MediaCache(SoundFiles(tmp_path), impatient)
    items = {grade: [item_of(content_of(10 * grade + one)) for one in range(4)] for grade in Grade}
    with names.in_charge():
        cache.want("http://trung-tam.example/media", items)
        async with running(cache):
            await until(lambda: names.waiting >= 1)
            for _ in range(50):
                async with asyncio.timeout(2):
                    await asyncio.to_thread(tmp_path.exists)
                await asyncio.sleep(0.02)
            assert names.waiting == 1
            names.let_go()


CENTRE = "trung-tam.example"


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server that can prove to be `name` to whoever trusts the file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(private + public)
    file.write_bytes(public)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context, file


@pytest.mark.parametrize(
    ("proves", "trusted", "held"),
    [(CENTRE, True, 1), ("portal.example", True, 0), (CENTRE, False, 0)],
    ids=["the centre", "somebody else", "nobody we know"],
)
async def test_only_who_can_prove_the_name_is_listened_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proves: str, trusted: bool, held: int
) -> None:
    """We look the name up ourselves; the certificate is checked against the name all the same."""
    context, file = certified(tmp_path, proves)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    names = NameServer("127.0.0.1")
    names.answering = Answering.WITH_ANOTHER_ADDRESS
    item = item_of(content_of(1))
    cache = MediaCache(SoundFiles(tmp_path / "sound"), FAST)
    async with serving(context) as server:
        server.contents = {item.sha256: content_of(1)}
        cache.want(f"https://{CENTRE}:{server.port}/media", {Grade.PLAN: [item]})
        with names.in_charge():
            async with running(cache):
                await until(lambda: names.asked >= (1 if held else 3))
                if held:
                    await until(lambda: cache.state().held == held)
    assert cache.state().held == held
    assert bool(server.asked) == bool(held)


async def test_encryption_where_none_is_spoken_and_none_where_it_is(tmp_path: Path, server: Server) -> None:
    item = item_of(content_of(1))
    server.contents = {item.sha256: content_of(1)}
    cache = MediaCache(SoundFiles(tmp_path), FAST)
    cache.want(server.url.replace("http:", "https:"), {Grade.PLAN: [item]})
    async with running(cache):
        await until(lambda: server.refused >= 2)
        assert cache.state().held == 0
        cache.want(server.url, {Grade.PLAN: [item]})
        await until(lambda: cache.state().held == 1)
