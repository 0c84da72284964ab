"""Telling an enquiry that is sent again: after a lost answer, by a double click, from a page that was kept.

Each form that is shown carries an id of its own. With the `form` cookie of the browser and the answers themselves it
makes, under the secret key, the token and the code that the conversation opens with: the same browser that sends the same
answers from the same form gets the same conversation and the same cookie. Another browser, or other answers, do not.
"""

import base64
from uuid import UUID

import msgspec
from starlette.requests import Request

from chat.conversations import Start
from chat.references import resume_code_from
from core.web import FORM_COOKIE, site
from triage.enquiry import Enquiry

COOKIE_LEAST = 32


def start_of(request: Request, form_id: UUID, enquiry: Enquiry, *, leaving: bool) -> Start | None:
    """What it opens with; None for a browser without the cookie, such as one that is signed in."""
    cookie = request.cookies.get(FORM_COOKIE, "")
    if len(cookie) < COOKIE_LEAST:
        return None
    signer = site(request).signer
    sent = msgspec.json.encode([cookie, form_id.hex, leaving, enquiry])
    token = base64.urlsafe_b64encode(signer.mac("visitor-token", sent)).decode().rstrip("=")
    return Start(signer.mac("enquiry", sent), token, resume_code_from(signer.mac("resume-code", sent)))


def parse_form_id(text: object) -> UUID | None:
    """The id that a form carried; what is none counts as not sent."""
    try:
        return UUID(text) if isinstance(text, str) and text else None
    except ValueError:
        return None
