"""From a recording to an approved programme in the browser; what is refused keeps what was typed."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from controller.accounts.rules import Principal
from controller.db.session import Database
from controller.media.tables import Upload, UploadState

FIELDS = {
    "title": "Phòng chống rét cho trâu bò",
    "category": "science_economy_culture_society",
    "language": "hmn",
    "area_id": "bat-xat-02683",
}
Browse = Callable[[str], Any]


@pytest.fixture
def upload(database: Database, people: Mapping[str, Principal], sound: str, now: Any) -> Callable[..., str]:
    """The id of an upload by the operator, ready unless told otherwise."""

    def make(state: UploadState = UploadState.READY, **changes: Any) -> str:
        values: dict[str, Any] = {
            "id": f"upload-{state.value}",
            "person_id": people["operator"].person_id,
            "file_name": "trâu bò.mp3",
            "size_bytes": 1000,
            "source_sha256": "c3" * 32,
            "state": state,
            "progress": 0.42,
            "sound_sha256": sound if state is UploadState.READY else None,
            "error_params": {},
            "created_at": now,
        }
        with database.write() as session:
            session.add(Upload(**(values | changes)))
        return str(values["id"])

    return make


async def test_a_recording_is_described_sent_and_approved(
    browser: Browse, upload: Callable[..., str], wakes: list[str], read: Callable[[httpx.Response], str]
) -> None:
    operator, approver = browser("operator"), browser("approver")
    sent = await operator.post("/chuong-trinh/moi", **FIELDS, upload_id=upload(), do="submit")
    assert sent.status_code == 303
    path = sent.headers["location"].split("?")[0]
    assert "Đã gửi duyệt." in await operator.words(sent.headers["location"])
    assert "Chương trình chờ bạn duyệt 1" in await approver.words("/")
    words = await approver.words("/duyet")
    assert "Phòng chống rét cho trâu bò 1 phút Xã Bát Xát" in words
    assert "Tiếng Mông" in words
    approved = await approver.post(f"{path}/approve")
    assert approved.headers["location"] == "/duyet?xong=approve"
    assert wakes == ["dispatch"]
    assert "Không có chương trình nào chờ duyệt." in await approver.words("/duyet?xong=approve")
    assert "Lên lịch phát" in await operator.words(path)
    assert "Chương trình của bạn vừa được duyệt 1" in await operator.words("/")
    assert "vừa được duyệt" not in await browser("administrator").words("/")
    again = await approver.post(f"{path}/approve")
    assert again.status_code == 409
    assert "Đã duyệt" in read(again)


async def test_sent_back_with_a_reason_changed_and_sent_again(
    browser: Browse, upload: Callable[..., str], read: Callable[[httpx.Response], str]
) -> None:
    operator, approver = browser("operator"), browser("approver")
    sent = await operator.post("/chuong-trinh/moi", **FIELDS, upload_id=upload(), do="submit")
    path = sent.headers["location"].split("?")[0]
    without = await approver.post(f"{path}/tra-lai", reason="  ")
    assert without.status_code == 422
    assert 'aria-invalid="true"' in without.text
    returned = await approver.post(f"{path}/tra-lai", reason="Thiếu số điện thoại <b>thú y</b>.")
    assert returned.headers["location"] == "/duyet?xong=send_back"
    answer = await operator.get(path)
    assert "approver trả lại để sửa: Thiếu số điện thoại <b>thú y</b>." in read(answer)
    assert "<b>thú y</b>" not in answer.text
    assert 'value="Phòng chống rét cho trâu bò"' in (await operator.get(f"{path}/sua")).text
    changed = await operator.post(f"{path}/sua", **(FIELDS | {"title": "Phòng rét"}), do="submit")
    assert changed.status_code == 303
    assert "Phòng rét" in await approver.words("/duyet")


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"upload_id": ""}, "upload_id", "Chưa có bản ghi âm."),
        ({"upload_id": "somebody-elses"}, "upload_id", "Chưa có bản ghi âm."),
        ({"title": "  "}, "title", ""),
        ({"category": "sport"}, "category", "Chưa chọn lĩnh vực."),
        ({"language": "xx"}, "language", ""),
        ({"area_id": ""}, "area_id", "Chưa chọn địa bàn."),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(
    browser: Browse,
    upload: Callable[..., str],
    read: Callable[[httpx.Response], str],
    changes: dict[str, str],
    field: str,
    sentence: str,
) -> None:
    fields = {**FIELDS, "upload_id": upload(), **changes}
    refused = await browser("operator").post("/chuong-trinh/moi", **fields, do="draft")
    assert refused.status_code == 422
    assert f'id="{field}-error"' in refused.text
    assert sentence in read(refused)
    if "title" not in changes:
        assert f'value="{FIELDS["title"]}"' in refused.text
    if "upload_id" not in changes:
        assert 'name="upload_id" value="upload-ready"' in refused.text
    if "language" not in changes:
        assert '<option value="hmn" selected>' in refused.text


async def test_nobody_makes_programmes_for_a_neighbour(browser: Browse, upload: Callable[..., str]) -> None:
    fields = {**FIELDS, "area_id": "muong-hum-02728", "upload_id": upload()}
    assert (await browser("operator").post("/chuong-trinh/moi", **fields)).status_code == 403
    assert 'value="muong-hum-02728"' not in (await browser("operator").get("/chuong-trinh/moi")).text


async def test_a_recording_that_is_not_ready_is_awaited(browser: Browse, upload: Callable[..., str]) -> None:
    operator = browser("operator")
    upload_id = upload(UploadState.WORKING)
    piece = await operator.get(f"/chuong-trinh/moi/tep/{upload_id}")
    assert "Đang xử lý âm thanh: 42%" in piece.text
    assert f'hx-get="/chuong-trinh/moi/tep/{upload_id}"' in piece.text
    early = await operator.post("/chuong-trinh/moi", **FIELDS, upload_id=upload_id)
    assert early.status_code == 422
    assert "Bản ghi âm chưa xử lý xong." in early.text


async def test_a_refused_recording_says_why_and_offers_another_try(
    browser: Browse, upload: Callable[..., str]
) -> None:
    upload_id = upload(UploadState.REFUSED, error_key="sound.not_sound", closing_chime=False)
    piece = (await browser("operator").get(f"/chuong-trinh/moi/tep/{upload_id}")).text
    assert "Tệp này không phải là âm thanh." in piece
    assert "data-upload-start" in piece
    assert 'name="opening_chime" value="true" checked' in piece
    assert 'name="closing_chime" value="true" checked' not in piece
    assert "hx-get" not in piece


async def test_a_known_recording_is_recognised_and_drawn(browser: Browse, upload: Callable[..., str]) -> None:
    piece = (await browser("operator").get(f"/chuong-trinh/moi/tep/{upload(known_already=True)}")).text
    assert "đã có trong thư viện" in piece
    assert 'data-peaks="[0, 100, 50]"' in piece
    assert 'data-seconds="60.0"' in piece


async def test_uploads_of_others_are_not_shown(browser: Browse, upload: Callable[..., str]) -> None:
    piece = await browser("neighbour").get(f"/chuong-trinh/moi/tep/{upload()}")
    assert "trâu bò.mp3" not in piece.text


async def test_the_list_is_filtered_by_state(browser: Browse, upload: Callable[..., str]) -> None:
    operator = browser("operator")
    sent = await operator.post("/chuong-trinh/moi", **FIELDS, upload_id=upload(), do="draft")
    assert "Phòng chống rét" in await operator.words("/chuong-trinh?trang_thai=draft")
    assert "Phòng chống rét" not in await operator.words("/chuong-trinh?trang_thai=approved")
    path = sent.headers["location"].split("?")[0]
    await operator.post(f"{path}/archive")
    assert "Phòng chống rét" in await operator.words("/chuong-trinh")
    assert "Phòng chống rét" not in await operator.words("/chuong-trinh?trang_thai=draft")
    assert (await operator.get("/chuong-trinh?trang_thai=khac")).status_code == 422


async def test_numbers_are_written_as_they_are_here(browser: Browse, upload: Callable[..., str]) -> None:
    refused = upload(UploadState.REFUSED, error_key="sound.too_short", error_params={"min_seconds": 0.5})
    path = f"/chuong-trinh/moi/tep/{refused}"
    operator = browser("operator")
    assert "chưa đủ 0,5 giây" in (await operator.get(path)).text
    operator.client.cookies.set("loaban_language", "en")
    assert "0.5" in (await operator.get(path)).text


async def test_a_player_says_how_long_it_is_before_it_plays(
    browser: Browse, approved_programme: str, read: Callable[[httpx.Response], str]
) -> None:
    page = (await browser("viewer").get(f"/chuong-trinh/{approved_programme}")).text
    after_player = page.split("</audio>")[1]
    assert after_player.lstrip().startswith('<p class="soft small">Dài 1 phút</p>')


async def test_an_upload_that_waits_for_room_says_so(browser: Browse, upload: Callable[..., str]) -> None:
    waits = upload(UploadState.WAITING, error_key="media.no_room_yet")
    words = await browser("operator").words(f"/chuong-trinh/moi/tep/{waits}")
    assert "Máy chủ hết chỗ lưu âm thanh" in words


async def test_a_move_that_has_no_button_is_no_page(
    browser: Browse, upload: Callable[..., str], read: Callable[[httpx.Response], str]
) -> None:
    operator = browser("operator")
    saved = await operator.post("/chuong-trinh/moi", **FIELDS, upload_id=upload(), do="draft")
    path = saved.headers["location"].split("?")[0]
    answer = await operator.post(f"{path}/edit")
    assert answer.status_code == 404
    assert "Không có trang này." in read(answer)
