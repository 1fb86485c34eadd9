"""A message, and certificates of a test authority."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from activities.channels import Message, message_id
from tests.support.outside import HttpServer, SmtpServer


@pytest.fixture
def message() -> Message:
    return Message(
        message_id("1:c-1001:4:send_welcome_email"),
        "ada.lovelace@example.com",
        "Welcome, Ada",
        "Hello Ada,\n\nwelcome.\n",
        "<p>Hello Ada,</p><p>welcome.</p>",
    )


@pytest.fixture
def mail_server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def web_server() -> Iterator[HttpServer]:
    with HttpServer() as server:
        yield server


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """A client's context that trusts the test authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(scope="session")
def certificate(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The files of a certificate for hooks.example.com and of its key."""
    folder: Path = tmp_path_factory.mktemp("certificate")
    issued = authority.issue_cert("hooks.example.com")
    issued.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    return str(folder / "certificate.pem"), str(folder / "key.pem")
