"""What can go wrong with an upload, besides what `audio_library.errors` names.

Invalid   media.not_a_form · media.no_file · media.one_file_only · media.too_many_fields · media.cut_off
NotFound  media.unknown_upload · media.unknown_sound
An upload that was refused later carries a `sound.…` key, `media.source_lost` or `media.ingest_failed`;
one that waits for room on the disk carries `media.no_room_yet`.
"""

from typing import Final

from controller.errors import Invalid, NotFound

SOURCE_LOST: Final = "media.source_lost"
INGEST_FAILED: Final = "media.ingest_failed"
NO_ROOM_YET: Final = "media.no_room_yet"


def not_a_form() -> Invalid:
    return Invalid("media.not_a_form", field="file")


def no_file() -> Invalid:
    return Invalid("media.no_file", field="file")


def one_file_only() -> Invalid:
    return Invalid("media.one_file_only", field="file")


def too_many_fields() -> Invalid:
    return Invalid("media.too_many_fields")


def cut_off() -> Invalid:
    """The connection ended, or the body did, before the file was whole."""
    return Invalid("media.cut_off", field="file")


def unknown_upload() -> NotFound:
    return NotFound("media.unknown_upload")


def unknown_sound() -> NotFound:
    return NotFound("media.unknown_sound")
