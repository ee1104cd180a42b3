"""Timetable files from a shell: the browser's rules, the browser's sentences, nothing half-made."""

import re
import subprocess
from pathlib import Path

import pytest

import schedules.timetable_file
from tests.support.province import Province, environment_for

EXAMPLES = Path(schedules.timetable_file.__file__).parent / "examples"
MARKET = str(EXAMPLES / "market-day.yaml")
PROGRAMMES = ("thong-bao-phien-cho", "guong-nguoi-tot-ban-lang")


@pytest.fixture
def shell(province_copy: Path) -> Province:
    """The data of the demo, with no controller running."""
    return Province(province_copy, environment_for(province_copy))


def test_a_file_goes_from_shell_to_timetable_once_its_programmes_are_approved(shell: Province) -> None:
    assert "2 chương trình mới" in said(shell.loaban("programmes", "load", MARKET, "--as", "canbo"))
    early = shell.loaban("timetable", "load", MARKET, "--as", "canbo", check=False)
    assert early.returncode == 1
    assert "chưa được duyệt" in said(early)
    assert "phien-cho-hang-tuan" not in said(shell.loaban("timetable", "list", "--as", "canbo"))

    for programme in PROGRAMMES:
        own = shell.loaban("programmes", "approve", programme, "--as", "canbo", check=False)
        assert own.returncode == 1
        shell.loaban("programmes", "approve", programme, "--as", "lanhdao")
    assert "1 lịch mới" in said(shell.loaban("timetable", "load", MARKET, "--as", "canbo"))
    assert "1 lịch giữ nguyên" in said(shell.loaban("timetable", "load", MARKET, "--as", "canbo"))
    assert "phien-cho-hang-tuan" in said(shell.loaban("timetable", "list", "--as", "canbo"))
    assert "Đã duyệt" in said(shell.loaban("programmes", "list", "--as", "lanhdao"))
    assert "0 chương trình mới" in said(shell.loaban("programmes", "load", MARKET, "--as", "canbo"))
    assert "dai-bat-xat" in said(shell.loaban("stations", "list", "--as", "kythuat"))


def test_a_technician_gets_a_code_for_a_board_and_others_a_reason(shell: Province) -> None:
    told = said(shell.loaban("stations", "code", "dai-bat-xat", "--as", "kythuat"))
    assert re.search(r"[A-Z0-9]{5}-[A-Z0-9]{5}", told)
    refused = shell.loaban("stations", "code", "dai-bat-xat", "--as", "canbo", check=False)
    assert refused.returncode == 1
    assert not re.search(r"[A-Z0-9]{5}-[A-Z0-9]{5}", said(refused))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("area: ta-van-03037", "area: khong-co-xa-nay"), "địa bàn"),
        (("end_date: 2030-12-29", "end_date: 2025-12-29"), "trước khi bắt đầu"),
        (("weekdays: [sun]", "weekdays: []"), "thứ trong tuần"),
        (('times: ["06:15", "08:30", "10:30"]', "times: []"), "Chưa có giờ phát"),
        (("frequency: weekdays", "frequency: hang-tuan"), "không nhận giá trị"),
        (("schedules:", "schedules: ["), "Không đọc được tệp lịch phát"),
    ],
)
def test_a_bad_file_gets_a_sentence_and_changes_nothing(
    shell: Province, tmp_path: Path, change: tuple[str, str], sentence: str
) -> None:
    text = Path(MARKET).read_text(encoding="utf-8")
    assert change[0] in text
    bad = tmp_path / "bad.yaml"
    bad.write_text(text.replace(*change), encoding="utf-8")
    before = said(shell.loaban("timetable", "list", "--as", "canbo"))
    done = shell.loaban("timetable", "load", str(bad), "--as", "canbo", check=False)
    assert done.returncode == 1
    assert sentence in said(done)
    assert "Traceback" not in done.stderr
    assert said(shell.loaban("timetable", "list", "--as", "canbo")) == before


def test_an_unknown_person_and_a_missing_file_get_a_sentence(shell: Province) -> None:
    stranger = shell.loaban("timetable", "list", "--as", "khong-co-ai", check=False)
    assert (stranger.returncode, "Không có tài khoản" in said(stranger)) == (1, True)
    missing = shell.loaban("timetable", "load", "/khong/co.yaml", "--as", "canbo", check=False)
    assert (missing.returncode, "Không thấy tệp" in said(missing)) == (1, True)


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Everything on one line: a terminal breaks lines where it likes."""
    return " ".join((done.stdout + done.stderr).split())
