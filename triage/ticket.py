"""The resume code, for the hour in which a visitor writes it down.

Only its hash is stored, so after the start nobody but the visitor's browser knows it: sealed under a master key, bound to
the visitor's cookie, out of reach of scripts, never in an address or a log. It opens with that cookie and with no other.
"""

import base64
import binascii
from datetime import timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from chat.conversations import Opened
from core.clock import Clock, from_ms, to_ms
from core.crypto import CannotOpen, KeyRing, token_hash
from core.web import VISITOR_COOKIE, clear_cookie, set_cookie

TICKET_COOKIE = "ticket"
SHOWN_FOR = timedelta(hours=1)


class Tickets:
    def __init__(self, keyring: KeyRing, clock: Clock) -> None:
        self._keyring = keyring
        self._clock = clock

    def hand_out(self, request: Request, response: Response, opened: Opened) -> None:
        """Set both cookies of a conversation that was just opened."""
        until = self._clock() + SHOWN_FOR
        plain = msgspec.json.encode([opened.reference, opened.resume_code, to_ms(until)])
        sealed = self._keyring.seal_alone(plain, _place(opened.visitor_token))
        set_cookie(request, response, VISITOR_COOKIE, opened.visitor_token)
        set_cookie(request, response, TICKET_COOKIE, base64.urlsafe_b64encode(sealed).decode(), SHOWN_FOR)

    def resume_code(self, request: Request, reference: str) -> str | None:
        """The code of this conversation while it may still be shown."""
        try:
            sealed = base64.urlsafe_b64decode(request.cookies.get(TICKET_COOKIE, ""))
            plain = self._keyring.open_alone(sealed, _place(request.cookies.get(VISITOR_COOKIE, "")))
            known, code, until_ms = msgspec.json.decode(plain, type=tuple[str, str, int])
        except (CannotOpen, binascii.Error, msgspec.MsgspecError, ValueError):
            return None
        return code if known == reference and self._clock() < from_ms(until_ms) else None

    def forget(self, request: Request, response: Response) -> None:
        clear_cookie(request, response, TICKET_COOKIE)


def _place(visitor_token: str) -> bytes:
    return b"ticket|" + token_hash(visitor_token)
