"""The enquiry: its seven questions, and the check that turns what was posted into an Enquiry.

`check_enquiry` is the one place that decides whether answers may start a conversation; a page that asks one question at
a time uses the same fields. Nothing here stores anything, and no question asks who anybody is.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData, UploadFile
from wtforms import Field, Form, RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import StopValidation

from core.errors import Empty, InvalidText, Refusal, TooLong
from core.forms import REMOVED
from core.text import check_line, check_text
from triage import words
from triage.urgency import grade
from triage.words import Urgency, Words

QUESTION_LEAST = 10
QUESTION_MOST = 1_000
NICKNAME_MOST = 40

Answers = dict[str, str | list[str]]
"""What was typed, field by field, as it is shown again."""

Errors = dict[str, str]
"""Field name to what to do about it, in the order of the page."""


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the form, as a page shows it."""

    number: int
    total: int
    name: str
    title: str
    hint: str | None
    kind: str
    options: tuple[Option, ...] = ()
    exclusive: tuple[str, ...] = ()
    maxlength: int | None = None


@dataclass(frozen=True, slots=True)
class Enquiry:
    """Checked answers: everything that starts a conversation."""

    immediate_danger: str
    called_999: str | None
    sector: str
    area: str
    topic: str
    deadline: str
    risk_flags: tuple[str, ...]
    question: str
    nickname: str
    language: str

    @property
    def urgency(self) -> Urgency:
        return grade(self.immediate_danger, self.deadline, self.risk_flags)


Check = Callable[[Form, Field], None]


def _chosen(known: Collection[str], missing: str) -> Check:
    def check(form: Form, field: Field) -> None:
        if not field.data:
            raise StopValidation(missing)
        if field.data not in known:
            raise StopValidation("Choose one of the answers that are offered.")

    return check


def _check_called_999(form: Form, field: Field) -> None:
    if form["immediate_danger"].data not in ("yes", "unsure"):
        field.data = None
    else:
        _chosen(words.CALLED_999, "Say whether 999 has been called or is not needed.")(form, field)


def _check_flags(form: Form, field: Field) -> None:
    chosen: list[str] = list(dict.fromkeys(field.data or ()))
    if not chosen:
        raise StopValidation("Tick all that apply, or “None of these”, or “I am not sure”.")
    if any(flag not in words.RISK_FLAGS and flag not in words.NO_RISK_FLAGS for flag in chosen):
        raise StopValidation("Choose one of the answers that are offered.")
    if len(chosen) > 1 and any(flag in words.NO_RISK_FLAGS for flag in chosen):
        raise StopValidation("Tick either what applies, or “None of these”, or “I am not sure”, not both.")
    field.data = chosen


def _check_question(form: Form, field: Field) -> None:
    try:
        field.data = check_text(field.data or "", QUESTION_MOST)
    except Empty:
        raise StopValidation("Write what you would like advice on.") from None
    except TooLong:
        raise StopValidation(
            f"Shorten your question to {QUESTION_MOST:,} characters. You can say more in the chat."
        ) from None
    except InvalidText as refusal:
        raise StopValidation(refusal.text) from None
    if len(field.data) < QUESTION_LEAST:
        raise StopValidation(f"Write at least {QUESTION_LEAST} characters, so that an advisor can prepare.")


def _check_nickname(form: Form, field: Field) -> None:
    try:
        field.data = check_line(field.data or "", NICKNAME_MOST)
    except Empty:
        field.data = ""
    except TooLong:
        raise StopValidation(f"Shorten the name to {NICKNAME_MOST} characters.") from None
    except Refusal:
        raise StopValidation("The name holds characters that cannot be stored. Remove them.") from None


class EnquiryForm(Form):
    """The fields of protocol.md, in the order of the pages."""

    immediate_danger = RadioField(
        validate_choice=False, validators=[_chosen(words.DANGER, "Say whether anyone is in immediate danger now.")]
    )
    called_999 = RadioField(validate_choice=False, validators=[_check_called_999])
    sector = RadioField(validate_choice=False, validators=[_chosen(words.SECTORS, "Choose the kind of work you do.")])
    area = SelectField(validate_choice=False, validators=[_chosen(words.AREAS, "Choose the area you work in.")])
    topic = RadioField(
        validate_choice=False, validators=[_chosen(words.TOPICS, "Choose what you need help with most.")]
    )
    deadline = RadioField(validate_choice=False, validators=[_chosen(words.DEADLINES, "Say when you need to act.")])
    risk_flags = SelectMultipleField(validate_choice=False, validators=[_check_flags])
    question = TextAreaField(validators=[_check_question])
    nickname = StringField(validators=[_check_nickname])
    language = RadioField(
        validate_choice=False, validators=[_chosen(words.LANGUAGES, "Choose the language of the conversation.")]
    )
    confirmed = StringField(
        validators=[
            _chosen(("yes",), "Confirm that nobody can be identified and that you know the limits of confidentiality.")
        ]
    )


FIELDS = tuple(EnquiryForm()._fields)
MANY = frozenset({"risk_flags"})
NO_ANSWERS: Answers = {**dict.fromkeys(FIELDS, ""), "risk_flags": [], "language": "en"}


def read_answers(form: FormData) -> Answers:
    """Every field of the form, empty where nothing was sent; files and unknown fields are left behind."""
    answers = dict(NO_ANSWERS)
    for name in FIELDS:
        values = [value for value in form.getlist(name) if isinstance(value, str)]
        if name in MANY:
            answers[name] = values
        elif values:
            answers[name] = values[0]
    return answers


def read_answers_of_json(document: Mapping[str, Any]) -> Answers:
    """The same from a JSON object; what is neither a text nor a list of texts counts as not sent."""
    pairs: list[tuple[str, str | UploadFile]] = []
    for name in FIELDS:
        value = document.get(name)
        pairs += [(name, one) for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
    return read_answers(FormData(pairs))


def check_enquiry(answers: Answers, unstorable: Collection[str] = ()) -> Enquiry | Errors:
    """The enquiry, or what has to be corrected, such as the fields that are kept without what is `unstorable`."""
    form = _filled(answers)
    form.validate()
    if errors := _errors(form, unstorable):
        return errors
    data: dict[str, Any] = form.data
    return Enquiry(
        immediate_danger=data["immediate_danger"],
        called_999=data["called_999"],
        sector=data["sector"],
        area=data["area"],
        topic=data["topic"],
        deadline=data["deadline"],
        risk_flags=tuple(data["risk_flags"]),
        question=data["question"],
        nickname=data["nickname"],
        language=data["language"],
    )


def check_answers(answers: Answers, unstorable: Collection[str] = ()) -> Errors:
    """What is wrong or missing so far; empty when everything is there."""
    form = _filled(answers)
    form.validate()
    return _errors(form, unstorable)


def _filled(answers: Answers) -> EnquiryForm:
    pairs: list[tuple[str, str | UploadFile]] = []
    for name, value in answers.items():
        pairs += [(name, one) for one in (value if isinstance(value, list) else [value])]
    return EnquiryForm(FormData(pairs))


def _errors(form: EnquiryForm, unstorable: Collection[str]) -> Errors:
    found = {name: str(problems[0]) for name in FIELDS if (problems := form[name].errors)}
    removed = dict.fromkeys(unstorable, REMOVED)
    return {name: (removed | found)[name] for name in FIELDS if name in found or name in removed}


def _options(known: Words, hints: Words | None = None) -> tuple[Option, ...]:
    return tuple(Option(value, label, (hints or {}).get(value)) for value, label in known.items())


QUESTIONS: tuple[Question, ...] = (
    Question(1, 7, "immediate_danger", "Is anyone in immediate danger now?", None, "radio", _options(words.DANGER)),
    Question(
        2,
        7,
        "sector",
        "Are you asking because of your work? Choose your field",
        "This service is for professionals. The last three answers lead to services that are for you.",
        "radio",
        _options({**words.SECTORS, **words.SIGNPOSTS}),
    ),
    Question(
        3,
        7,
        "area",
        "Which area do you work in?",
        "The police force area. The law and the local routes differ.",
        "select",
        _options(words.AREAS),
    ),
    Question(4, 7, "topic", "What do you need help with most?", None, "radio", _options(words.TOPICS)),
    Question(
        5, 7, "deadline", "When do you need to act?", None, "radio", _options(words.DEADLINES, words.DEADLINE_HINTS)
    ),
    Question(
        6,
        7,
        "risk_flags",
        "Do any of these apply?",
        "Tick all that apply. Your answers decide the order of the line; they are not a risk assessment.",
        "checkbox",
        _options({**words.RISK_FLAGS, **words.NO_RISK_FLAGS}),
        exclusive=tuple(words.NO_RISK_FLAGS),
    ),
    Question(
        7,
        7,
        "question",
        "What would you like advice on?",
        "This becomes your first message. Do not give names, addresses, dates of birth or case numbers.",
        "textarea",
        maxlength=QUESTION_MOST,
    ),
)

CALLED_999_QUESTION = Question(
    1,
    7,
    "called_999",
    "If yes, or not sure: has 999 been called?",
    "Leave it open if your answer above is no.",
    "radio",
    _options(words.CALLED_999),
)

LANGUAGE_OPTIONS = _options(words.LANGUAGES)


def answer_in_words(question: Question, answers: Answers) -> str:
    """What was chosen or typed, for the page that shows all answers."""
    answer = answers[question.name]
    if question.kind == "textarea":
        return str(answer)
    labels = {option.value: option.label for option in question.options}
    return "\n".join(labels.get(one, one) for one in ([answer] if isinstance(answer, str) else answer))
