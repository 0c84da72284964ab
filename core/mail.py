"""Sending one e-mail by SMTP, within a time, without ever holding anybody up.

The conversation with the server runs in a thread of its own, which nobody waits for at the end of the process: a server
that answers a byte a second costs a thread for half a minute and nothing else. Passwords go over TLS or to this machine.
"""

import asyncio
import contextlib
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import parse_qs, unquote, urlsplit

from core.errors import StartError
from core.settings import LOOPBACK_NAMES, Settings

LIMIT_S = 30.0
ANSWER_LIMIT_S = 10.0
PORT, TLS_PORT = 587, 465

_PART = r"[^\s@\"<>(),:;\[\]\\\x00-\x1f]"
ADDRESS = re.compile(rf"(?!.*=\?){_PART}{{1,64}}@(?:{_PART}{{1,255}}|\[[0-9.]{{7,15}}\])")
"""Without `=?`, which a header takes for the beginning of another coding."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail goes out, and as whose."""

    host: str
    port: int
    user: str
    password: str
    sender: str
    tls: bool
    """From the first byte (smtps); else by STARTTLS."""


@dataclass(frozen=True, slots=True)
class Mail:
    """`key` names this very mail: sent twice, it has the same Message-ID, and can be told."""

    key: str
    to: str
    subject: str
    text: str


class NotSent(Exception):  # It is the other side that failed.
    """Why a mail did not go out, in words without anything that somebody wrote."""

    def __init__(self, reason: str, *, answered: bool) -> None:
        super().__init__(reason)
        self.answered = answered
        """Whether there was a server that refused this mail; else the next mail will not fare better."""


def mail_server(settings: Settings) -> MailServer | None:
    """From SMTP_URL; None when there is none. Raises StartError."""
    if settings.smtp_url is None:
        return None
    parts = urlsplit(settings.smtp_url)
    user, tls = unquote(parts.username or ""), parts.scheme == "smtps"
    own = f"dutyline@{urlsplit(settings.base_url).hostname or 'localhost'}"
    sender = parse_qs(parts.query).get("from", [user if ADDRESS.fullmatch(user) else own])[0]
    if not parts.hostname or not ADDRESS.fullmatch(sender):
        raise StartError(
            "SMTP_URL is not an address the service can use. It should look like"
            " smtp://user:password@host:587?from=guidance@example.org."
        )
    port = parts.port or (TLS_PORT if tls else PORT)
    return MailServer(parts.hostname, port, user, unquote(parts.password or ""), sender, tls)


async def send_mail(server: MailServer, mail: Mail, at: datetime) -> None:
    """Returns when the server has taken it. Raises NotSent; then it may be there all the same, if the answer was lost."""
    # Made where whatever happens is carried back: of what a header cannot hold the library complains in many ways.
    await _talk(server, lambda client: client.send_message(_message(server, mail, at)))


async def check_mail_server(server: MailServer) -> None:
    """Sign in and send nothing. Raises NotSent."""
    await _talk(server, lambda client: client.noop())


def _message(server: MailServer, mail: Mail, at: datetime) -> EmailMessage:
    message = EmailMessage()
    message["From"] = f"Dutyline <{server.sender}>"
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{mail.key}@{server.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message


Work = Callable[[smtplib.SMTP], object]


async def _talk(server: MailServer, work: Work) -> None:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Exception | None] = loop.create_future()
    context = ssl.create_default_context()
    # Named as its sender's domain: to find out this machine's own name may take long.
    name = server.sender.rpartition("@")[2]
    client = (
        smtplib.SMTP_SSL(local_hostname=name, timeout=ANSWER_LIMIT_S, context=context)
        if server.tls
        else smtplib.SMTP(local_hostname=name, timeout=ANSWER_LIMIT_S)
    )

    def settle(problem: Exception | None) -> None:
        if not ended.done():
            ended.set_result(problem)

    def run() -> None:
        problem: Exception | None = None
        try:
            _converse(client, server, context, work)
        except Exception as caught:  # noqa: BLE001  # carried to whoever waits
            problem = caught
        # The loop may be gone by now, with the process that it belonged to.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, problem)

    threading.Thread(target=run, name="mail", daemon=True).start()
    try:
        async with asyncio.timeout(LIMIT_S):
            problem = await ended
    except TimeoutError:
        raise NotSent("it took too long", answered=False) from None
    finally:
        if not ended.done() or ended.cancelled():
            _hang_up(client)
    if problem is not None:
        raise _not_sent(problem)


def _hang_up(client: smtplib.SMTP) -> None:
    """Wake the thread that waits for an answer; closing would wait for it instead."""
    connection = client.sock
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


def _converse(client: smtplib.SMTP, server: MailServer, context: ssl.SSLContext, work: Work) -> None:
    # The name is needed for the certificate, and smtplib takes it from its constructor only, where it would connect.
    client._host = server.host  # type: ignore[attr-defined]
    try:
        code, _ = client.connect(server.host, server.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, "")
        client.ehlo_or_helo_if_needed()
        if not server.tls and client.has_extn("starttls"):
            client.starttls(context=context)
            client.ehlo()
        elif not server.tls and server.host not in LOOPBACK_NAMES:
            raise NotSent("the server offers no encryption (STARTTLS)", answered=False)
        if server.user:
            client.login(server.user, server.password)
        work(client)
        # It has been taken: how the goodbye goes does not matter.
        with contextlib.suppress(OSError):
            client.quit()
    finally:
        client.close()


def _not_sent(problem: Exception) -> NotSent:
    if isinstance(problem, NotSent):
        return problem
    if isinstance(problem, smtplib.SMTPAuthenticationError):
        return NotSent("the server refuses user and password", answered=False)
    if isinstance(problem, smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError | smtplib.SMTPNotSupportedError):
        return NotSent("the server refuses this mail", answered=True)
    if isinstance(problem, smtplib.SMTPResponseException):
        return NotSent(f"the server refuses with {problem.smtp_code}", answered=False)
    if isinstance(problem, ssl.SSLError):
        return NotSent("its certificate or its encryption is not accepted", answered=False)
    if isinstance(problem, OSError):
        return NotSent("the server does not answer", answered=False)
    return NotSent(f"it failed ({type(problem).__name__})", answered=True)
