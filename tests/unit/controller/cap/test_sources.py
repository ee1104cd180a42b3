"""`cap.toml`: who may send, and clear words for what is wrong in it."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller.cap.sign import CapSigner
from controller.cap.sources import Demand, RuleAction, Sources, load
from controller.errors import Invalid
from controller.web.texts import Texts
from wire.ids import AlertKind, Severity

WHOLE = """
[[source]]
name = "kttv-lao-cai"
senders = ["canhbao@kttv.example", "canhbao2@kttv.example"]
token_sha256 = "{digest}"
feed = "https://kttv.example/cap.atom"
every_s = 30
certificate = "keys/cap-signing.pem"
signature = "required"
default_validity_minutes = 120
all_clear = true

[[source.rule]]
kind = ["flood", "flash_flood"]
event = "lũ"
from_severity = "severe"
areas = "lao-cai"
action = "fire"

[[source.rule]]
action = "propose"

[[source]]
name = "tinh"
senders = "so-nn@laocai.example"
token = "a-plain-token-of-theirs"
"""


def written(folder: Path, text: str) -> Sources:
    (folder / "cap.toml").write_text(text, encoding="utf-8")
    return load(folder)


def test_no_file_no_sources(tmp_path: Path) -> None:
    assert load(tmp_path) == Sources()
    assert Sources().with_token("") is None


def test_a_whole_file(tmp_path: Path) -> None:
    CapSigner.load_or_make(tmp_path / "keys", "kttv", datetime(2026, 1, 1, tzinfo=UTC))
    digest = hashlib.sha256(b"their token").hexdigest()
    sources = written(tmp_path, WHOLE.format(digest=digest))
    kttv, tinh = sources.every
    assert kttv.signature is Demand.REQUIRED
    assert len(kttv.certificates) == 1
    assert [rule.action for rule in kttv.rule] == [RuleAction.FIRE, RuleAction.PROPOSE]
    assert kttv.rule[0].kind == (AlertKind.FLOOD, AlertKind.FLASH_FLOOD)
    assert (kttv.rule[0].areas, kttv.rule[0].from_severity) == (("lao-cai",), Severity.SEVERE)
    assert tinh.senders == ("so-nn@laocai.example",)
    assert sources.with_token("their token") == kttv
    assert sources.with_token("a-plain-token-of-theirs") == tinh
    assert sources.with_token(digest) is None
    assert sources.named("tinh") == tinh
    assert sources.named("nobody") is None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[[source]", "cap.sources.not_toml"),
        ("[sources]\nname = 1", "cap.sources.wrong_table"),
        ("source = 1", "cap.sources.wrong_table"),
        ('[[source]]\nname = "a"', "cap.sources.field"),
        ('[[source]]\nname = "Khí tượng"\nsenders = "x"', "cap.sources.field"),
        ('[[source]]\nname = "a"\nsenders = []', "cap.sources.field"),
        ('[[source]]\nname = "a"\nsenders = "x"\ntoken = "short"', "cap.sources.field"),
        ('[[source]]\nname = "a"\nsenders = "x"\nfeed = "file:///etc/passwd"', "cap.sources.field"),
        ('[[source]]\nname = "a"\nsenders = "x"\nfeed = "https://me:pw@x.example/"', "cap.sources.field"),
        ('[[source]]\nname = "a"\nsenders = "x"\nevery_s = 1', "cap.sources.field"),
        ('[[source]]\nname = "a"\nsenders = "x"\nsignatur = "required"', "cap.sources.field"),
        ('[[source]]\nname = "a"\nsenders = "x"\ncertificates = []', "cap.sources.field"),
        ('[[source]]\nname = "a"\nsenders = "x"\nsignature = "required"', "cap.sources.no_certificate"),
        ('[[source]]\nname = "a"\nsenders = "x"\ncertificate = "x.pem"', "cap.sources.bad_certificate"),
        ('[[source]]\nname = "a"\nsenders = "x"\n[[source.rule]]\naction = "fire"', "cap.sources.no_areas"),
        (
            '[[source]]\nname = "a"\nsenders = "x"\n[[source.rule]]\naction = "sound"\nareas = "y"',
            "cap.sources.field",
        ),
        ('[[source]]\nname = "a"\nsenders = "x"\n' * 2, "cap.sources.twice"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(Invalid) as caught:
        written(tmp_path, text)
    assert caught.value.key == key
    for language in ("vi", "en"):
        assert Texts().say(language, key, **caught.value.params)


def test_the_field_is_named(tmp_path: Path) -> None:
    text = '[[source]]\nname = "a"\nsenders = "x"\n[[source.rule]]\naction = "fir"\nareas = "y"'
    with pytest.raises(Invalid) as caught:
        written(tmp_path, text)
    assert caught.value.params == {"source": "a", "entry": "rule.0.action"}


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "cap.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(Invalid) as caught:
        load(tmp_path)
    assert caught.value.key == "cap.sources.unreadable"


@pytest.mark.parametrize(
    ("feed", "private"),
    [
        ("https://x.example/a", True),
        ("http://x.example/a", False),
        ("http://127.0.0.1:8/a", True),
        ("http://localhost/a", True),
        ("http://127.0.0.1.example/a", False),
    ],
)
def test_only_a_protected_feed_is_believed_unsigned(tmp_path: Path, feed: str, private: bool) -> None:
    [source] = written(tmp_path, f'[[source]]\nname = "a"\nsenders = "x"\nfeed = "{feed}"').every
    assert source.feed_is_private is private
