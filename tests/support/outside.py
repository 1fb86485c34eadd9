"""External systems of the tests: a mail server and a web server that fail on command, each in its own thread.

Both are context managers on free local ports. Changes of `behaviour` or `behaviours` apply from the next request on.
"""

import asyncio
import contextlib
import email
import email.policy
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qsl

import orjson
import uvicorn
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from standardwebhooks.webhooks import Webhook

from local.embedded import free_port

HOST = "127.0.0.1"


class _Outside:
    """A server that can be down for a while and keeps its port."""

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.refuse()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.listen)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.refuse)

    def listen(self) -> None:
        """Accept connections (again)."""
        raise NotImplementedError

    def refuse(self) -> None:
        """Refuse connections until `listen` is called."""
        raise NotImplementedError


@dataclass
class MailBehaviour:
    """How the mail server behaves for the next `times` times (None: always).

    Attributes:
        answer: Its reply instead of 250 at the step `at`, like "451 4.3.0 later".
        delay: Seconds before it replies at that step.
    """

    answer: str | None = None
    at: Literal["ehlo", "mail", "rcpt", "data", "quit"] = "data"
    delay: float = 0.0
    times: int | None = None


class SmtpServer(_Outside):
    """A real mail server. `received`: the parsed mails that it took; `envelopes`: the same with sender and recipients.

    `tls`: offers STARTTLS, or is encrypted from the first byte where `implicit`. `login`: the one user and password.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        login: tuple[str, str] | None = None,
        starttls_needed: bool = False,
    ) -> None:
        self.received: list[EmailMessage] = []
        self.envelopes: list[Envelope] = []
        self.secure: list[bool] = []  # whether each mail came encrypted
        self.users: list[str] = []  # who logged in
        self.behaviour = MailBehaviour()
        self.port = free_port()
        self._tls, self._implicit, self._login, self._starttls_needed = tls, implicit, login, starttls_needed
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        """For SMTP_URL, without a user."""
        return f"{'smtps' if self._implicit else 'smtp'}://{HOST}:{self.port}"

    def listen(self) -> None:
        # the library starts a thread, and waits until the server answers
        wanted: dict[str, Any] = {"enable_SMTPUTF8": True, "hostname": HOST, "port": self.port, "ready_timeout": 20}
        if self._tls:
            wanted["ssl_context" if self._implicit else "tls_context"] = self._tls
        if self._login:
            wanted |= {"authenticator": self._authenticated, "auth_required": True, "auth_require_tls": False}
        if self._starttls_needed:
            wanted["require_starttls"] = True
        self._controller = Controller(self, **wanted)
        self._controller.start()

    def refuse(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_EHLO(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [refusal] if (refusal := await self._now("ehlo")) else responses

    async def handle_HELO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str
    ) -> str:
        session.host_name = hostname
        return await self._now("ehlo") or f"250 {server.hostname}"

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := await self._now("mail"):
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := await self._now("rcpt"):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if refusal := await self._now("data"):
            return refusal
        assert isinstance(envelope.content, bytes)
        self.received.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        self.envelopes.append(envelope)
        self.secure.append(session.ssl is not None or self._implicit)
        return "250 2.0.0 kept for " + envelope.rcpt_tos[0]  # as talkative as real ones

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        return await self._now("quit") or "221 Bye"

    async def _now(self, at: str) -> str | None:
        behaviour = self.behaviour
        if behaviour.at != at or behaviour.times == 0:
            return None
        if behaviour.times is not None:
            behaviour.times -= 1
        await asyncio.sleep(behaviour.delay)
        return behaviour.answer

    def _authenticated(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        assert self._login
        assert isinstance(data, LoginPassword)
        self.users.append(data.login.decode())
        # not handled: the library says 535 itself
        return AuthResult(success=(data.login.decode(), data.password.decode()) == self._login, handled=False)


@dataclass
class Answer:
    """What the web server does on a path, the next `times` times (None: always). `delay` in seconds.

    `endless`: the body does not end before the client goes.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    delay: float = 0.0
    times: int | None = None
    endless: bool = False


@dataclass(frozen=True)
class Request:
    """What the web server was sent, and the status that it answered.

    `at` by the clock that only goes forward; header names are in lower case.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    answered: int = 200

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    def verified(self, secret: str) -> Any:
        """The webhook's event, once the official library has found the signature right. Raises where it is not."""
        return Webhook(secret).verify(self.body, self.headers)


class HttpServer(_Outside):
    """A real web server that takes SMS and webhooks. `behaviours` by path; elsewhere it answers 200.

    `tls`: the files of its certificate and key, for https.
    """

    def __init__(self, *, tls: tuple[str, str] | None = None, host: str = HOST) -> None:
        self.received: list[Request] = []
        self.behaviours: dict[str, Answer] = {}
        self.host, self.port, self._tls = host, free_port(), tls
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Without a path, as in `http://127.0.0.1:4711`."""
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}"

    def listen(self) -> None:
        certificate, key = self._tls or (None, None)
        config = uvicorn.Config(
            self._answer,
            interface="asgi3",
            log_config=None,
            access_log=False,
            lifespan="off",
            loop="asyncio",
            ssl_certfile=certificate,
            ssl_keyfile=key,
            timeout_graceful_shutdown=1,
        )
        listening = socket.create_server((self.host, self.port))  # refused no longer, before this returns
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listening],), daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        assert self._server.started

    def refuse(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = self._server.force_exit = True
            self._thread.join(20)
            self._server = self._thread = None

    async def _answer(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        answer = self._behaviour(scope["path"])
        told = Request(scope["method"], scope["path"], headers, body, time.monotonic(), answer.status)
        self.received.append(told)
        await asyncio.sleep(answer.delay)
        named = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": named})
        with contextlib.suppress(OSError):
            while answer.endless:
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
                await asyncio.sleep(0.001)
        await send({"type": "http.response.body", "body": answer.body})

    def _behaviour(self, path: str) -> Answer:
        answer = self.behaviours.get(path)
        if answer is None or answer.times == 0:
            return Answer()
        if answer.times is not None:
            answer.times -= 1
        return answer
