"""What the demo prepares for emergencies: complete, once, and taken up again after an interruption."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from audio_library.speech import EspeakNg
from controller.accounts.rules import Principal
from controller.areas import service as areas
from controller.context import Context
from controller.demo import alerts, data, fill
from controller.demo.data import Standing
from controller.dispatch.tree import AreaTree
from controller.emergency import policy, queries, signals
from controller.emergency.standing import USES
from controller.emergency.tables import StandingState
from wire.ids import Severity

SMALL = Standing(
    area="lao-cai",
    maker="alert_officer",
    approver="administrator",
    languages={"bat-xat-02683": ["vi", "en"]},
    messages=[
        {"use": "flood", "vi": "Nước đang lên nhanh.", "en": "The river is rising."},
        {"use": "all_clear", "vi": "Báo động đã hết."},
    ],
)


@pytest.fixture
def context(context: Context, people: Mapping[str, Principal]) -> Context:
    """With the people who make and approve."""
    context.settings.data_dir.mkdir(exist_ok=True)
    assert {SMALL.maker, SMALL.approver} <= people.keys()
    return context


def kept(context: Context) -> list[tuple[str, str, StandingState, str, str | None]]:
    with context.database.read() as session:
        return sorted(
            (one.use, one.language, one.state, one.made_by, one.decided_by)
            for one, _sound in queries.standing_in(session, ["lao-cai"])
        )


def test_every_purpose_has_words_in_both_languages_and_no_figure_is_read_wrongly() -> None:
    wanted = data.load_standing()
    texts = {(text.use, text.language): text.text for text in wanted.texts()}
    assert set(texts) == {(use, language) for use in USES for language in ("vi", "en")}
    assert wanted.maker != wanted.approver
    assert {wanted.maker, wanted.approver} <= {person.username for person in data.load().people}
    assert all(40 <= len(text) <= 400 for text in texts.values())
    assert all(
        ("diễn tập" in text) == (use == "drill_notice") for (use, _), text in texts.items() if _ == "vi"
    )


def test_messages_are_made_by_one_and_approved_by_another(context: Context) -> None:
    assert alerts.fill(context, SMALL) == 3
    everyone = ("alert_officer", "administrator")
    assert kept(context) == [
        ("all_clear", "vi", StandingState.APPROVED, *everyone),
        ("flood", "en", StandingState.APPROVED, *everyone),
        ("flood", "vi", StandingState.APPROVED, *everyone),
    ]
    with context.database.read() as session:
        signals.items(session)
        tree = AreaTree.read(session)
        assert tree.languages("bat-xat-thon-1") == ("vi", "en")
        assert tree.languages("muong-hum-02728") == ("vi",)


def test_a_second_fill_changes_nothing(context: Context) -> None:
    alerts.fill(context, SMALL)
    before = kept(context)
    with context.database.write() as session:
        areas.get(session, "bat-xat-02683").languages = ["hmn", "vi"]
    (context.settings.data_dir / "emergency.toml").write_text("", encoding="utf-8")
    assert alerts.fill(context, SMALL) == 0
    assert kept(context) == before
    assert (context.settings.data_dir / "emergency.toml").read_text(encoding="utf-8") == ""
    with context.database.read() as session:
        assert AreaTree.read(session).languages("bat-xat-02683") == ("hmn", "vi")


def test_an_interrupted_fill_goes_on_where_it_was(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    read_aloud = EspeakNg.read_aloud

    def fails_once(self: EspeakNg, text: str, language: str, wav: Path) -> None:
        if language == "en":
            raise KeyboardInterrupt
        read_aloud(self, text, language, wav)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(EspeakNg, "read_aloud", fails_once)
        alerts.fill(context, SMALL)
    half = kept(context)
    assert {state for _, _, state, _, _ in half} == {StandingState.WAITING}
    assert alerts.fill(context, SMALL) == 3 - len(half)
    assert {state for _, _, state, _, _ in kept(context)} == {StandingState.APPROVED}
    assert len(kept(context)) == 3


def test_the_worst_alerts_of_the_province_need_two(context: Context) -> None:
    alerts.fill(context, SMALL.model_copy(update={"messages": []}))
    rules = policy.read(context.settings.data_dir / "emergency.toml")
    chains = {"lao-cai": ("lao-cai",), "ban-vuoc": ("lao-cai", "bat-xat-02683", "ban-vuoc")}
    for area_id in chains:
        assert rules.two_for([area_id], Severity.EXTREME, chains.__getitem__)
        assert not rules.two_for([area_id], Severity.SEVERE, chains.__getitem__)


def test_a_demo_from_before_gets_the_new_people_and_keeps_the_old_passwords(tmp_path: Path) -> None:
    path, people = tmp_path / "people.toml", data.load().people
    old = fill._passwords(path, people[:2])
    new = fill._passwords(path, people)
    assert new.keys() == {person.username for person in people}
    assert {name: new[name] for name in old} == old
    assert fill._passwords(path, people) == new
    assert path.stat().st_mode & 0o777 == 0o600
    entries = tomllib.loads(path.read_text(encoding="utf-8"))
    assert entries["trucban2"]["roles"] == ["alert_officer"]


def test_a_step_is_done_once_and_again_after_a_failure(tmp_path: Path) -> None:
    done, calls = tmp_path / "filled", []

    def breaks() -> None:
        calls.append("breaks")
        raise OSError

    with pytest.raises(OSError):
        fill._once(done, breaks)
    assert not fill._once(done, lambda: calls.append("works"))
    assert fill._once(done, lambda: calls.append("again"))
    assert calls == ["breaks", "works"]
