"""A multipart upload on its way to the disk: never whole in memory, refused at the first byte too many."""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from audio_library import display_name
from audio_library.errors import TooLarge
from audio_library.limits import MB
from audio_library.store import full_disk_is_store_full
from controller.media import errors
from controller.media.inbox import Arrived

BLOCK_BYTES: Final = 1 << 20
_MOST_FIELDS: Final = 20
_FIELD_BYTES: Final = 1_000
_LINGER_S: Final = 5.0
FORM_BYTES: Final = 100_000
"""How much a form may hold besides its file."""


async def blocks(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in larger pieces, so that each trip to a thread is worth it."""
    gathered = bytearray()
    async for chunk in stream:
        gathered += chunk
        if len(gathered) >= BLOCK_BYTES:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


async def hear_out(body: AsyncIterator[bytes]) -> None:
    """Hear out a refused body for a moment: browsers read the answer only when they have sent theirs."""
    with contextlib.suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(_LINGER_S):
            async for _block in body:
                pass


class Reception:
    """Takes the body of one `multipart/form-data` request, block by block, and writes its file to `path`.

    The file is removed at the end of the `with` block unless somebody has moved it away by then.
    """

    def __init__(self, content_type: str, path: Path, max_bytes: int) -> None:
        self.fields: dict[str, str] = {}
        self._path = path
        self._max_bytes = max_bytes
        self._body_bytes = 0
        self._size_bytes = 0
        self._digest = hashlib.sha256()
        self._file: BinaryIO | None = None
        self._file_name: str | None = None
        self._in_file = False
        self._ended = False
        self._header_name = b""
        self._header_value = b""
        self._field_name = ""
        self._field = b""
        self._parser = self._new_parser(content_type)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        self._path.unlink(missing_ok=True)

    def take(self, block: bytes) -> None:
        """Raises TooLarge, StoreFull, BadName and Invalid."""
        self._body_bytes += len(block)
        if self._body_bytes > self._max_bytes + FORM_BYTES:
            raise self._too_large()
        try:
            with full_disk_is_store_full():
                self._parser.write(block)
        except FormParserError as error:
            raise errors.not_a_form() from error

    def finish(self) -> Arrived:
        """The whole file, synced. Raises Invalid if the form or its file is not whole, StoreFull."""
        if not self._ended:
            raise errors.cut_off() if self._body_bytes else errors.not_a_form()
        if self._file is None or self._file_name is None:
            raise errors.no_file()
        with full_disk_is_store_full():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        return Arrived(self._path, self._file_name, self._size_bytes, self._digest.hexdigest())

    def _new_parser(self, content_type: str) -> MultipartParser:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not boundary:
            raise errors.not_a_form()
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": self._header_name_comes,
                "on_header_value": self._header_value_comes,
                "on_header_end": self._header_ends,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data_comes,
                "on_part_end": self._part_ends,
                "on_end": self._form_ends,
            },
        )

    def _part_begins(self) -> None:
        self._in_file, self._field_name, self._field = False, "", b""
        self._header_name = self._header_value = b""
        self._disposition = b""

    def _header_name_comes(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _header_value_comes(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_ends(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def _headers_finished(self) -> None:
        _kind, options = parse_options_header(self._disposition)
        self._field_name = options.get(b"name", b"").decode(errors="replace")
        if b"filename" in options:
            self._open_file(options[b"filename"].decode(errors="replace"))
        elif len(self.fields) >= _MOST_FIELDS:
            raise errors.too_many_fields()

    def _open_file(self, name: str) -> None:
        if not name:
            raise errors.no_file()
        if self._file is not None:
            raise errors.one_file_only()
        self._file_name = display_name(name)
        self._file = self._path.open("xb")
        self._in_file = True

    def _data_comes(self, data: bytes, start: int, end: int) -> None:
        if self._in_file and self._file is not None:
            self._size_bytes += end - start
            if self._size_bytes > self._max_bytes:
                raise self._too_large()
            piece = memoryview(data)[start:end]
            self._digest.update(piece)
            self._file.write(piece)
        elif len(self._field) + end - start > _FIELD_BYTES:
            raise errors.too_many_fields()
        else:
            self._field += data[start:end]

    def _part_ends(self) -> None:
        if not self._in_file:
            self.fields[self._field_name] = self._field.decode(errors="replace")

    def _form_ends(self) -> None:
        self._ended = True

    def _too_large(self) -> TooLarge:
        return too_large(max(self._size_bytes, self._max_bytes + 1), self._max_bytes)


def too_large(size_bytes: int, max_bytes: int) -> TooLarge:
    return TooLarge(size_mb=-(-size_bytes // MB), limit_mb=max_bytes // MB)
