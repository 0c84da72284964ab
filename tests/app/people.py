"""People at a running service, through the doors of its pages: a stranger, a visitor with an enquiry, staff who sign in."""

import re
from typing import Any

import httpx

from tests.live import DEMO_PASSWORD, LiveService

ENQUIRY: dict[str, Any] = {
    "immediate_danger": "no",
    "sector": "probation",
    "area": "cleveland",
    "topic": "recognising_risk",
    "deadline": "days",
    "risk_flags": "none",
    "question": "How do I prepare a first supervision session?",
    "nickname": "Ada",
    "language": "en",
    "confirmed": "yes",
}


class Person(httpx.Client):
    """A browser without scripts, at one of the web processes."""

    def __init__(self, service: LiveService, part: str = "") -> None:
        super().__init__(
            base_url=f"http://127.0.0.1:{service.port(part)}",
            headers=service.origin_headers,
            timeout=40,
            trust_env=False,
        )
        self.service = service

    @property
    def cookie_header(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies.jar)

    def post_form(self, page: str, action: str, **fields: Any) -> httpx.Response:
        """Open the page and send a form of it, which leads on."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page).text)
        assert token is not None, f"{page} has no form"
        answer = self.post(action, data={"csrf_token": token[1], **fields})
        assert answer.status_code == 303, f"POST {action}: {answer.status_code}"
        return answer

    def sign_in(self, email: str, password: str = DEMO_PASSWORD) -> None:
        self.post_form("/sign-in", "/sign-in", email=email, password=password)

    def ask(self, **changes: Any) -> str:
        """Fill in the enquiry: its reference."""
        self.post_form("/ask?all=1", "/ask", **{**ENQUIRY, **changes})
        frames = self.get("/chat/poll", params={"wait": 0}).json()
        return str(frames[0]["conversations"][0]["conversation"])

    def take(self, reference: str) -> None:
        self.post_form("/desk", "/desk/presence", state="online", capacity=6)
        self.post_form("/desk", f"/desk/conversations/{reference}/accept")

    def at_conversation(self, reference: str, action: str, **fields: Any) -> None:
        """Send one of the forms of the workspace."""
        page = f"/desk/conversations/{reference}"
        self.post_form(page, f"{page}/{action}", **fields)
