"""A real web server for sound, with Range, that can drop a connection in the middle."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class MediaServer:
    """Serves `folder` with Range; `cut_after` bytes the connection is dropped, once per entry."""

    folder: Path
    url: str = ""
    cut_after: list[int] = field(default_factory=list)
    requests: list[tuple[str, str | None]] = field(default_factory=list)


class _MediaHandler(BaseHTTPRequestHandler):
    media: MediaServer

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        name = self.path.rsplit("/", 1)[-1]
        self.media.requests.append((name, wanted))
        file = self.media.folder / name
        if not file.exists():
            self.send_error(404)
            return
        content = file.read_bytes()
        begin = int(m.group(1)) if wanted and (m := re.fullmatch(r"bytes=(\d+)-", wanted)) else 0
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        if self.media.cut_after:
            self.wfile.write(content[begin : begin + self.media.cut_after.pop(0)])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(content[begin:])

    def log_message(self, *_: object) -> None:
        return None


@contextmanager
def serving(folder: Path) -> Iterator[MediaServer]:
    """On a port of its own."""
    made = MediaServer(folder)
    folder.mkdir(exist_ok=True)
    handler = type("Handler", (_MediaHandler,), {"media": made})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/media"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
