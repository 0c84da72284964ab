"""What the enquiry answers with: its pages, each kept in the form until the end, and the same in JSON.

Whatever the answer is, everything that was typed is in it. Nothing here decides whether a conversation starts.
"""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from chat.holding import Held, hold_page
from core.errors import Refusal
from core.web import error_page, posted, posted_json, refuse, render, say_when
from triage.enquiry import (
    CALLED_999_QUESTION,
    LANGUAGE_OPTIONS,
    QUESTION_MOST,
    QUESTIONS,
    Answers,
    Errors,
    Question,
    answer_in_words,
)
from triage.signposts import PLACES

LAST_PAGE = frozenset({"nickname", "language", "confirmed"})
"""The fields that stand on the page with all answers."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One POST: the answers so far, and what the person wants to do with them."""

    answers: Answers
    step: str = ""
    go: str = ""
    leaving: bool = False
    """To leave a question for when the service is open, instead of joining the line."""
    confirm: bool = False
    """The hold was seen and the text is sent as it is."""
    form_id: UUID = field(default_factory=uuid4)
    """The form that this comes from (triage/sent_again.py)."""
    unstorable: frozenset[str] = frozenset()
    """The fields that held characters which cannot be stored, and are kept without them."""


def question_of(name: str) -> Question:
    return next((question for question in QUESTIONS if question.name == name), QUESTIONS[0])


def carried(sent: Sent) -> dict[str, object]:
    """The answers, and what else goes along as hidden fields."""
    more = {"leave": "1"} if sent.leaving else {}
    return {**sent.answers, "enquiry_id": str(sent.form_id), **more}


def step_page(
    request: Request, question: Question, sent: Sent, errors: Errors | None = None, status: int = 200
) -> Response:
    value = sent.answers[question.name]
    return render(
        request,
        "public/ask_step.html",
        status=status,
        step=question,
        value=value,
        answers=carried(sent),
        errors=errors or {},
    )


def check_page(request: Request, sent: Sent, errors: Errors) -> Response:
    rows = [
        {"name": question.name, "question": question.title, "answer": answer_in_words(question, sent.answers)}
        for question in QUESTIONS
    ]
    return render(
        request,
        "public/ask_check.html",
        status=422 if errors else 200,
        rows=rows,
        answers=carried(sent),
        languages=LANGUAGE_OPTIONS,
        errors=errors,
    )


def all_page(request: Request, sent: Sent, errors: Errors) -> Response:
    return render(
        request,
        "public/ask_all.html",
        status=422 if errors else 200,
        steps=QUESTIONS,
        called_999_step=CALLED_999_QUESTION,
        answers=sent.answers,
        enquiry_id=str(sent.form_id),
        leaving=sent.leaving,
        languages=LANGUAGE_OPTIONS,
        errors=errors,
    )


def invalid_page(request: Request, sent: Sent, errors: Errors) -> Response:
    if posted_json(request) is not None:
        body = {"code": "invalid", "message": "Something needs to be corrected.", "errors": errors}
        return JSONResponse(body, 422, headers={"Cache-Control": "no-store"})
    if sent.step == "check" and LAST_PAGE.issuperset(errors):
        return check_page(request, sent, errors)
    return all_page(request, sent, errors)


def emergency_page(request: Request, sent: Sent, danger: str, *, wrong: bool) -> Response:
    if posted_json(request) is not None:
        body = {"code": "call_999", "message": "If anyone is in danger now, call 999. Then send `called_999`."}
        return JSONResponse(body, 422 if wrong else 200, headers={"Cache-Control": "no-store"})
    errors = {"called_999": "Say whether 999 has been called or is not needed."} if wrong else {}
    return render(
        request,
        "public/emergency.html",
        status=422 if wrong else 200,
        danger=danger,
        answers=carried(sent),
        errors=errors,
        back=bool(sent.step),
    )


def signpost_page(request: Request, kind: str) -> Response:
    if posted_json(request) is not None:
        body = {"code": "signpost", "message": "This chat is for professionals. Others can help you.", "kind": kind}
        return JSONResponse(body, headers={"Cache-Control": "no-store"})
    return render(request, "public/signpost.html", kind=kind, places=PLACES[kind])


def show_held(request: Request, sent: Sent, held: Held) -> Response:
    """Nothing was stored: the person decides about what seems to identify somebody."""
    kept = {name: answer for name, answer in carried(sent).items() if name not in held.fields}
    return hold_page(request, held, action="/ask", kept=kept, most=QUESTION_MOST)


def refused_page(request: Request, refusal: Refusal) -> Response:
    """Refused after everything was typed: the page offers to send it again."""
    if posted_json(request) is not None:
        return refuse(request, refusal)
    return say_when(error_page(request, refusal.status, refusal.text, kept=posted(request)), refusal)
