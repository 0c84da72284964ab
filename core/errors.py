"""Every refusal the service knows, as one tree.

    Refusal                     code, HTTP status, a sentence that tells the person what to do
    ├── BadFrame                bad_frame 400
    ├── TextOnly                text_only 400
    ├── TooLong                 too_long 422
    ├── Empty                   empty 422
    ├── InvalidText             invalid_text 422
    ├── IdConflict              id_conflict 409
    ├── SignInFirst             sign_in 401
    ├── NotAllowed              not_allowed 403
    │   └── ForeignForm         the same
    ├── NotFound                not_found 404
    ├── Ended                   ended 409
    ├── AssignmentLost          assignment_lost 409
    ├── AlreadyTaken            already_taken 409
    ├── AtCapacity              at_capacity 409
    ├── RateLimited             rate_limited 429 (retry_after_s)
    └── Unavailable             unavailable 503
        └── Contested           the same

The code is what clients decide by; the message is for people and may change.
`StartError` is apart: it stops the start with one line and exit status 2.
"""

from typing import ClassVar


class StartError(Exception):
    """The service cannot start; the text is the one line that says what to do. It never holds a secret."""


class Refusal(Exception):
    """A request that was understood and is refused. Nothing was stored."""

    code: ClassVar[str] = "not_allowed"
    status: ClassVar[int] = 400
    message: ClassVar[str] = "That was refused."

    def __init__(self, message: str | None = None) -> None:
        self.text = message or self.message
        super().__init__(self.code)


class BadFrame(Refusal):
    code, status = "bad_frame", 400
    message = "This page sent something the service does not understand. Load the page again."


class TextOnly(Refusal):
    code, status = "text_only", 400
    message = "Only text can be sent here."


class TooLong(Refusal):
    code, status = "too_long", 422
    message = "The message is too long. Shorten it to 4,000 characters or send it in parts."


class Empty(Refusal):
    code, status = "empty", 422
    message = "The message is empty. Write something first."


class InvalidText(Refusal):
    code, status = "invalid_text", 422
    message = "The message holds characters that cannot be stored. Remove them and send it again."


class IdConflict(Refusal):
    code, status = "id_conflict", 409
    message = "Another text was already sent under this message's number. Load the page again."


class SignInFirst(Refusal):
    """Nobody is behind the request: it was not looked at whether what it asks for is there."""

    code, status = "sign_in", 401
    message = "Sign in first."


class NotAllowed(Refusal):
    code, status = "not_allowed", 403
    message = "You may not do this."


class ForeignForm(NotAllowed):
    message = (
        "Nothing was done, because your browser says that this form came from another site. Go back, copy what you typed,"
        " and open this site in a new tab. If it happens again, try another network, and tell whoever runs yours"
        " that something on it changes the Origin header."
    )


class NotFound(Refusal):
    code, status = "not_found", 404
    message = "There is nothing here, or it is not yours to see."


class Ended(Refusal):
    code, status = "ended", 409
    message = "This conversation has ended. Start a new enquiry if you need more advice."


class AssignmentLost(Refusal):
    code, status = "assignment_lost", 409
    message = "This conversation is with someone else now. Your text was not sent."


class AlreadyTaken(Refusal):
    code, status = "already_taken", 409
    message = "A colleague has taken this conversation."


class AtCapacity(Refusal):
    code, status = "at_capacity", 409
    message = "You hold as many conversations as you set. End one, or raise the number."


class RateLimited(Refusal):
    code, status = "rate_limited", 429
    message = "Too many tries in a short time. Wait a little and try again."

    def __init__(self, retry_after_s: int, message: str | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(Refusal):
    code, status = "unavailable", 503
    message = "The service cannot store anything right now. Nothing was lost: keep your text and try again."


class Contested(Unavailable):
    """Another transaction stood in the way and this one was taken back, so that nothing is stored: it may be done again."""
