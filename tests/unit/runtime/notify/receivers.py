"""Receivers on the loopback: a webhook and a mail server that keep what they are sent, and the files that name them."""

from __future__ import annotations

import json
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar


class Webhook(HTTPServer):
    """Answers with `status`, and keeps what it takes with 200."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Answers)
        self.status = 200
        self.got: list[dict[str, Any]] = []
        self.ids: list[str] = []

    @property
    def address(self) -> str:
        """With a part that is secret, as such addresses have it."""
        return f"http://127.0.0.1:{self.server_port}/hooks/s3cret"


class _Answers(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.status == 200:
            self.server.got.append(body)
            self.server.ids.append(self.headers["Idempotency-Key"])
        self.send_response(self.server.status)
        if 300 <= self.server.status < 400:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Mails(socketserver.StreamRequestHandler):
    server: MailServer
    SAYS: ClassVar = {b"EHLO": b"250 here", b"DATA": b"354 go on", b"QUIT": b"221 bye"}

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            self.wfile.write(self.SAYS.get(verb, b"250 ok") + b"\r\n")
            if verb == b"DATA":
                letter = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.letters.append(letter.decode())
                self.wfile.write(b"250 taken\r\n")
            if verb == b"QUIT":
                return


class MailServer(socketserver.TCPServer):
    """Takes letters without a login and without encryption."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Mails)
        self.letters: list[str] = []


@contextmanager
def answering(server: socketserver.BaseServer) -> Iterator[None]:
    """The server answers while the block runs."""
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def secret(path: Path, text: str, mode: int = 0o600) -> str:
    """A file with something secret; its path."""
    path.write_text(text + "\n", encoding="utf-8")
    path.chmod(mode)
    return str(path)
