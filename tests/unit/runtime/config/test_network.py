"""Proxy, private index and company certificates: what is set for whom, and that it works with servers on loopback."""

from __future__ import annotations

import base64
import datetime
import hashlib
import http.server
import io
import os
import ssl
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aifactory_runtime.config import network

LOGIN, PASSWORD = "ana", "hunter2-of-the-index"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def settled(**variables: str) -> dict[str, str]:
    network.settle(variables)
    return variables


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_given_a_proxy_when_settled_then_loopback_never_goes_through_it_and_what_was_excepted_stays(name: str) -> None:
    found = settled(**{name: "http://proxy.example:3128", "no_proxy": "db.example, 127.0.0.1"})

    assert found["NO_PROXY"] == found["no_proxy"]
    assert set(found["NO_PROXY"].split(",")) == {"db.example"} | LOOPBACK
    assert found["NO_PROXY"].split(",").count("127.0.0.1") == 1


def test_given_no_proxy_when_settled_then_nothing_is_added() -> None:
    assert settled(HOME="/home/ana") == {"HOME": "/home/ana"}


def test_given_one_index_or_certificate_when_settled_then_the_other_tools_know_it_too() -> None:
    by_pip = settled(PIP_INDEX_URL="https://index.example/simple")
    by_uv = settled(UV_INDEX_URL="https://index.example/simple")
    own = settled(UV_INDEX_URL="https://one.example", PIP_INDEX_URL="https://two.example")
    certified = settled(SSL_CERT_FILE="/etc/company.pem", GIT_SSL_CAINFO="/etc/git.pem")

    assert by_pip["UV_DEFAULT_INDEX"] == "https://index.example/simple"
    assert by_uv == {"UV_INDEX_URL": "https://index.example/simple", "PIP_INDEX_URL": "https://index.example/simple"}
    assert own == {"UV_INDEX_URL": "https://one.example", "PIP_INDEX_URL": "https://two.example"}
    assert certified["REQUESTS_CA_BUNDLE"] == certified["PIP_CERT"] == "/etc/company.pem"
    assert certified["GIT_SSL_CAINFO"] == "/etc/git.pem"
    assert settled(PIP_CERT="/etc/company.pem")["SSL_CERT_FILE"] == "/etc/company.pem"


class Server(http.server.ThreadingHTTPServer):
    """Answers with `pages` by path, asks for a login if it has one, keeps what it was asked."""

    def __init__(self, pages: dict[str, bytes], login: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages, self.login, self.asked = pages, login, list[str]()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        # A proxy is asked for whole addresses.
        path = "/" + self.path.split("/", 3)[3] if self.path.startswith("http://") else self.path
        if self.server.login and self.headers.get("Authorization") != self.server.login:
            self._answer(401, b"login")
        elif path in self.server.pages:
            self._answer(200, self.server.pages[path])
        else:
            self._answer(404, b"")

    do_HEAD = do_GET  # noqa: N815 (the name that http.server looks for)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def running(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


CLIENTS = """
import os, sys, urllib.request
import httpx, requests
from aifactory_runtime.config import network
if sys.argv[2] == "settled":
    network.settle(os.environ)
for ask in (
    lambda: urllib.request.urlopen(sys.argv[1], timeout=10).read().decode(),
    lambda: httpx.get(sys.argv[1], timeout=10).text,
    lambda: requests.get(sys.argv[1], timeout=10).text,
):
    print(ask())
"""


@pytest.mark.heavy
@pytest.mark.parametrize(("how", "by_proxy"), [("settled", 0), ("as it was", 3)])
def test_given_a_proxy_when_our_services_are_asked_then_only_an_unsettled_process_goes_through_it(
    how: str, by_proxy: int
) -> None:
    kept = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    with running(Server({"/health": b"ours"})) as ours, running(Server({"/health": b"the proxy's"})) as proxy:
        done = subprocess.run(
            [sys.executable, "-c", CLIENTS, f"{ours.address}/health", how],
            env={**kept, "HTTP_PROXY": proxy.address, "http_proxy": proxy.address},
            capture_output=True,
            text=True,
            check=True,
        )

    assert len(proxy.asked) == by_proxy
    assert done.stdout.splitlines() == ["the proxy's" if by_proxy else "ours"] * 3


def wheel() -> tuple[str, bytes]:
    """Name and bytes of a package with nothing in it."""
    name = "factory_probe-1.0-py3-none-any.whl"
    content = io.BytesIO()
    info = "factory_probe-1.0.dist-info"
    files = {
        "factory_probe.py": "FOUND = True\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: factory-probe\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(content, "w") as archive:
        for file, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(file, text)
    return name, content.getvalue()


@pytest.fixture
def index(tmp_path: Path) -> Server:
    """A private index with one package, behind a login; `lock.txt` in the test's folder pins it."""
    name, content = wheel()
    digest = hashlib.sha256(content).hexdigest()
    (tmp_path / "lock.txt").write_text(f"factory-probe==1.0 --hash=sha256:{digest}\n")
    page = f'<a href="/files/{name}#sha256={digest}">{name}</a>'.encode()
    login = "Basic " + base64.b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
    return Server({"/simple/factory-probe/": page, f"/files/{name}": content}, login)


INSTALL = """
import os, sys
from pathlib import Path
from aifactory_runtime.config import network
from aifactory.provision import uv
from aifactory_runtime.errors import FactoryError
network.settle(os.environ)
try:
    uv.make_environment(Path(sys.argv[1]), Path(sys.argv[2]), print)
except FactoryError as error:
    sys.exit(str(error))
"""
_OURS = ("UV_", "PIP_", "SSL_", "REQUESTS_", "CURL_", "GIT_SSL")


def installed(tmp_path: Path, **variables: str) -> tuple[bool, str]:
    """Whether the lock's package was installed into a new environment, and everything that was said."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_OURS) and "proxy" not in key.lower()}
    done = subprocess.run(
        [sys.executable, "-c", INSTALL, str(tmp_path / "lock.txt"), str(tmp_path / "env")],
        env={**kept, "UV_CACHE_DIR": str(tmp_path / "uv"), "UV_HTTP_RETRIES": "0", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return bool(list(tmp_path.glob("env/lib/*/site-packages/factory_probe.py"))), done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["UV_INDEX_URL", "PIP_INDEX_URL", "UV_DEFAULT_INDEX"])
def test_given_a_private_index_with_a_login_when_installed_then_it_is_used_and_the_login_is_never_said(
    tmp_path: Path, index: Server, variable: str
) -> None:
    with running(index):
        good, said = installed(
            tmp_path, **{variable: index.address.replace("://", f"://{LOGIN}:{PASSWORD}@") + "/simple"}
        )

    assert good, said
    assert PASSWORD not in said
    assert "/simple/factory-probe/" in index.asked


@pytest.mark.slow
def test_given_a_wrong_login_when_installed_then_it_is_refused_in_one_line_without_it(
    tmp_path: Path, index: Server
) -> None:
    wrong = "wrong-password-of-the-index"
    with running(index):
        good, said = installed(tmp_path, UV_INDEX_URL=index.address.replace("://", f"://{LOGIN}:{wrong}@") + "/simple")

    assert not good
    assert wrong not in said
    assert "UV_INDEX_URL" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "env").exists()


@pytest.mark.slow
def test_given_a_proxy_when_installed_from_beyond_it_then_the_proxy_is_asked(tmp_path: Path, index: Server) -> None:
    index.login = None
    with running(index) as proxy:
        good, said = installed(
            tmp_path, UV_INDEX_URL="http://packages.company.example/simple", HTTP_PROXY=proxy.address
        )

    assert good, said
    assert "http://packages.company.example/simple/factory-probe/" in index.asked


def company(folder: Path) -> tuple[Path, Path]:
    """Certificate of a company's own authority, and one file with certificate and key for 127.0.0.1 signed by it."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    now = datetime.datetime.now(datetime.UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    root, host = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("Company CA", "127.0.0.1"))

    def signed(subject: x509.Name, key: Any, *extensions: x509.ExtensionType) -> x509.Certificate:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(root).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(30))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(keys[0], hashes.SHA256())

    authority = signed(root, keys[0], x509.BasicConstraints(ca=True, path_length=None))
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = signed(host, keys[1], x509.BasicConstraints(ca=False, path_length=None), alternative)
    pem = serialization.Encoding.PEM
    key = keys[1].private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "ca.pem").write_bytes(authority.public_bytes(pem))
    (folder / "server.pem").write_bytes(certificate.public_bytes(pem) + key)
    return folder / "ca.pem", folder / "server.pem"


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", None])
def test_given_an_index_under_the_companys_certificates_when_installed_then_they_are_enough_and_needed(
    tmp_path: Path, index: Server, variable: str | None
) -> None:
    authority, pair = company(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    index.login = None
    index.socket = context.wrap_socket(index.socket, server_side=True)

    with running(index):
        given = {variable: str(authority)} if variable else {}
        good, said = installed(tmp_path, UV_INDEX_URL=f"https://127.0.0.1:{index.server_port}/simple", **given)

    assert good is (variable is not None), said
    assert ("set SSL_CERT_FILE" in said) is (variable is None), said
