"""A mail server of the tests' own: it takes what it is given, or behaves as bad servers do."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import StrEnum


class Mood(StrEnum):
    WELL = "well"
    REFUSES = "refuses"
    SILENT = "silent"
    LOSES_ANSWER = "loses the answer"


@dataclass
class TinySmtp:
    mood: Mood = Mood.WELL
    context: ssl.SSLContext | None = None
    """With it, STARTTLS is offered, and nothing is taken before it."""
    mails: list[EmailMessage] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator["TinySmtp"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()

    def url(self, who: str = "", host: str = "127.0.0.1") -> str:
        return f"smtp://{who}{host}:{self.port}?from=guidance@advice.example"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            if self.mood is Mood.SILENT:
                await reader.read()
            else:
                await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_private = False
        writer.write(b"220 tiny\r\n")
        while line := (await reader.readline()).decode().strip():
            word = line.split()[0].upper()
            if word == "EHLO":
                starttls = b"250-STARTTLS\r\n" if self.context and not is_private else b""
                writer.write(b"250-tiny\r\n" + starttls + b"250 AUTH PLAIN\r\n")
            elif word == "STARTTLS" and self.context:
                writer.write(b"220 go on\r\n")
                await writer.start_tls(self.context)
                is_private = True
            elif self.context and not is_private:
                writer.write(b"530 STARTTLS first\r\n")
            elif word == "AUTH":
                self.logins.append(line.split()[2])
                writer.write(b"235 welcome\r\n")
            elif word == "RCPT" and self.mood is Mood.REFUSES:
                writer.write(b"550 nobody of that name\r\n")
            elif word == "DATA":
                writer.write(b"354 go on\r\n")
                text = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(message_from_bytes(text, policy=policy.default))
                if self.mood is Mood.LOSES_ANSWER:
                    return
                writer.write(b"250 taken\r\n")
            elif word == "QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                writer.write(b"250 fine\r\n")
            await writer.drain()
