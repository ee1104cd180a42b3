"""Every line is a thing that stands in real warnings, and what a villager should hear."""

import pytest

from audio_library.spoken_vietnamese import spoken

SAID = {
    # wind, rain, water, cold
    "gió cấp 6-7, giật cấp 9": "gió cấp sáu đến bảy, giật cấp chín",
    "gió cấp 6 – 7": "gió cấp sáu đến bảy",
    "mưa 50-100mm, có nơi 150 mm": "mưa năm mươi đến một trăm mi li mét, có nơi một trăm năm mươi mi li mét",
    "nước lên 2,5 m": "nước lên hai phẩy năm mét",
    "mực nước 82,05m": "mực nước tám mươi hai phẩy không năm mét",
    "gió 60 km/h": "gió sáu mươi ki lô mét trên giờ",
    "rét dưới -2°C": "rét dưới âm hai độ xê",
    "độ ẩm 80%": "độ ẩm tám mươi phần trăm",
    "lưu lượng 1.250 m3/s": "lưu lượng một nghìn hai trăm năm mươi mét khối trên giây",
    # hours
    "lúc 22h30": "lúc hai mươi hai giờ ba mươi phút",
    "lúc 22h": "lúc hai mươi hai giờ",
    "lúc 7:05": "lúc bảy giờ năm phút",
    "lúc 17 giờ 15 phút": "lúc mười bảy giờ mười lăm phút",
    "từ 8h00 đến 17h00": "từ tám giờ đến mười bảy giờ",
    "từ 22h-23h30": "từ hai mươi hai giờ đến hai mươi ba giờ ba mươi phút",
    "25h70": "25h70",
    # dates
    "ngày 15/11": "ngày mười lăm tháng mười một",
    "15/11": "ngày mười lăm tháng mười một",
    "ngày 04/4/2026": "ngày bốn tháng tư năm hai nghìn không trăm hai mươi sáu",
    "15-11-2026": "ngày mười lăm tháng mười một năm hai nghìn không trăm hai mươi sáu",
    "từ 15-17/11": "từ ngày mười lăm đến mười bảy tháng mười một",
    "tháng 11/2026": "tháng mười một năm hai nghìn không trăm hai mươi sáu",
    "trực 24/7": "trực hai mươi tư trên bảy",
    "32/13": "ba mươi hai trên mười ba",
    # roads and places
    "QL4D": "quốc lộ bốn đê",
    "QL 279": "quốc lộ hai trăm bảy mươi chín",
    "quốc lộ 4D tại km 12": "quốc lộ bốn đê tại ki lô mét mười hai",
    "ĐT158, km12+300": "đường tỉnh một trăm năm mươi tám, ki lô mét mười hai cộng ba trăm",
    "cách 12 km": "cách mười hai ki lô mét",
    "Lào Cai - Sa Pa": "Lào Cai, Sa Pa",
    # who and whom to call
    "UBND xã": "ủy ban nhân dân xã",
    "TP. Lào Cai": "thành phố Lào Cai",
    "BCH PCTT và TKCN": "ban chỉ huy phòng chống thiên tai và tìm kiếm cứu nạn",
    "gọi 114": "gọi một một bốn",
    "số điện thoại: 0912 345 678": "số điện thoại: không chín một hai, ba bốn năm, sáu bảy tám",
    "0214.3840.123": "không hai một bốn, ba tám bốn không, một hai ba",
    # numbers
    "0, 1, 4, 5, 10, 11, 14, 15": "không, một, bốn, năm, mười, mười một, mười bốn, mười lăm",
    "20, 21, 24, 25": "hai mươi, hai mươi mốt, hai mươi tư, hai mươi lăm",
    "100, 105, 110, 115": "một trăm, một trăm linh năm, một trăm mười, một trăm mười lăm",
    "1.005 người": "một nghìn không trăm linh năm người",
    "2.000.000 đồng": "hai triệu đồng",
    "05 hộ": "năm hộ",
    "1234567890123": "một hai ba bốn năm sáu bảy tám chín không một hai ba",
}


@pytest.mark.parametrize(("written", "said"), SAID.items(), ids=SAID)
def test_it_is_said_as_people_say_it(written: str, said: str) -> None:
    assert spoken(written) == said


def test_words_alone_stay_as_they_are() -> None:
    text = "Bà con ở ven suối, hãy chạy ngay lên chỗ cao. Không quay lại nhà!"
    assert spoken(text) == text


def test_what_has_been_said_is_not_said_anew() -> None:
    for written in SAID:
        assert spoken(spoken(written)) == spoken(written)


def test_letters_typed_in_two_parts_are_put_together() -> None:
    """Some keyboards send a letter and its mark apart."""
    assert spoken("câ\u0301p 6") == "cấp sáu"


def test_lines_become_one() -> None:
    assert spoken("Gió cấp 6\n  giật cấp 8 .") == "Gió cấp sáu giật cấp tám."
