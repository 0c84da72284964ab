"""The one set of rules for an article's fields, whether they come from the editor's form or from a file's front matter."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from starlette.datastructures import FormData
from wtforms import Field, Form
from wtforms.validators import StopValidation, ValidationError

from core.errors import Empty, Refusal, TooLong
from core.text import check_line, check_text
from knowledge import words
from knowledge.markdown import MOST_SOURCE_BYTES
from knowledge.versions import ArticleText
from knowledge.words import Audience, Language

MOST_SOURCE = 500
MOST_ASKED_LINE = 200
_TOO_LONG = "The text is longer than 64 KB. Split it into two articles."


class LineField(Field):
    """One line of text in its stored form; empty when nothing was entered."""

    def __init__(self, label: str, validators: list[Any] | None = None, *, most: int, **options: Any) -> None:
        super().__init__(label, validators, **options)
        self.most = most
        self.data = ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = _line(str(valuelist[0]), self.most) if valuelist else ""


class AudienceField(Field):
    """Who may read it: always said, never assumed, so that nothing is shown to everybody by mistake."""

    data: Audience

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            self.data = Audience(str(valuelist[0]) if valuelist else "")
        except ValueError:
            raise ValueError("Choose who may read the article: public, after_enquiry or advisors.") from None


class LanguageField(Field):
    """English where nothing is said: so were all articles before there were two languages."""

    data: Language

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        try:
            self.data = Language(text or Language.ENGLISH)
        except ValueError:
            raise ValueError("Choose the language of the article: en or cy.") from None


class DayField(Field):
    """A date as browsers send it, or None."""

    data: date | None

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        self.data = None
        if text:
            try:
                self.data = date.fromisoformat(text)
            except ValueError:
                raise ValueError("Enter a date as year, month and day, such as 2026-11-02.") from None


class TagsField(Field):
    """Tags from ticked boxes and from a line of words; each one once, in the order in which they came."""

    data: tuple[str, ...]

    def process_formdata(self, valuelist: list[Any]) -> None:
        found = [tag for value in valuelist for tag in re.split(r"[\s,]+", str(value).strip().lower()) if tag]
        self.data = tuple(dict.fromkeys(found))
        for tag in self.data:
            if not words.TAG.fullmatch(tag) or len(tag) > 32:
                raise ValueError(f"“{tag[:40]}” is not a tag. Use small letters, digits, hyphens and underscores.")
        if len(self.data) > words.MOST_TAGS:
            raise ValueError(f"There are {len(self.data)} tags; the most is {words.MOST_TAGS}.")


class LinesField(Field):
    """One thing a line."""

    data: tuple[str, ...]

    def __init__(self, label: str, *, most: int, longest: int, things: str, **options: Any) -> None:
        super().__init__(label, **options)
        self.most, self.longest, self.things = most, longest, things

    def process_formdata(self, valuelist: list[Any]) -> None:
        lines = [line for value in valuelist for line in str(value).splitlines()]
        self.data = tuple(dict.fromkeys(line for line in (_line(each, self.longest) for each in lines) if line))
        if len(self.data) > self.most:
            raise ValueError(f"There are {len(self.data)} {self.things}; the most is {self.most}.")


class MarkdownField(Field):
    data: str

    def process_formdata(self, valuelist: list[Any]) -> None:
        raw = str(valuelist[0]) if valuelist else ""
        try:
            self.data = check_text(raw, MOST_SOURCE_BYTES)
        except Empty:
            self.data = ""
        except TooLong:
            self.data = ""
            raise ValueError(_TOO_LONG) from None
        except Refusal as refusal:
            self.data = ""
            raise ValueError(refusal.text) from None
        if len(self.data.encode()) > MOST_SOURCE_BYTES:
            raise ValueError(_TOO_LONG)


def _required(message: str) -> Callable[[Form, Field], None]:
    """Something must be there. What could not be read at all has its own message already."""

    def check(form: Form, field: Field) -> None:
        if not field.data and not field.process_errors:
            raise StopValidation(message)

    return check


def _is_slug(form: Form, field: LineField) -> None:
    if field.data and not words.SLUG.fullmatch(field.data):
        raise ValidationError("Use small letters, digits and single hyphens for the address, such as clares-law.")
    if field.data in words.RESERVED_SLUGS:
        raise ValidationError("The service itself uses this address. Choose another one.")


class ArticleForm(Form):
    """The fields of one article. `text()` is what is stored when `validate()` is true."""

    title = LineField("Title", [_required("Enter a title.")], most=words.MOST_TITLE)
    slug = LineField("Address", [_required("Enter an address."), _is_slug], most=words.MOST_SLUG)
    summary = LineField("Summary", most=words.MOST_SUMMARY)
    audience = AudienceField("Who may read it")
    tags = TagsField("Tags")
    owner = LineField("Owner", most=words.MOST_OWNER)
    last_checked = DayField("Last checked")
    review_by = DayField("Review by")
    sources = LinesField("Sources", most=words.MOST_SOURCES, longest=MOST_SOURCE, things="sources")
    asked = LinesField("Asked as", most=words.MOST_ASKED, longest=MOST_ASKED_LINE, things="questions")
    language = LanguageField("Language", default=Language.ENGLISH)
    translation_of = LineField("Other language of", [_is_slug], most=words.MOST_SLUG)
    markdown = MarkdownField("Text", [_required("Enter the text of the article.")])

    def validate_review_by(self, field: DayField) -> None:
        if field.data and self.last_checked.data and field.data < self.last_checked.data:
            raise ValidationError("The review is due before the text was last checked. Correct one of the two dates.")

    def validate_translation_of(self, field: LineField) -> None:
        if field.data and field.data == self.slug.data:
            raise ValidationError("An article cannot be the other language of itself. Enter the original's address.")

    def problems(self) -> dict[str, str]:
        """The first thing that is wrong with each field, in the order of the page."""
        return {field.name: str(field.errors[0]) for field in self if field.errors}

    def text(self, more: str = "{}") -> ArticleText:
        return ArticleText(
            title=self.title.data,
            summary=self.summary.data,
            audience=self.audience.data,
            tags=self.tags.data or (),
            owner=self.owner.data,
            last_checked=self.last_checked.data,
            review_by=self.review_by.data,
            sources=self.sources.data or (),
            asked=self.asked.data or (),
            markdown=self.markdown.data,
            more=more,
            language=self.language.data,
            translation_of=self.translation_of.data,
        )


def form_values(text: ArticleText, slug: str = "") -> dict[str, str]:
    """An article as the values of the form's fields."""
    return {
        "title": text.title,
        "slug": slug,
        "summary": text.summary,
        "audience": str(text.audience),
        "tags": " ".join(text.tags),
        "owner": text.owner,
        "last_checked": text.last_checked.isoformat() if text.last_checked else "",
        "review_by": text.review_by.isoformat() if text.review_by else "",
        "sources": "\n".join(text.sources),
        "asked": "\n".join(text.asked),
        "language": str(text.language),
        "translation_of": text.translation_of,
        "markdown": text.markdown,
    }


def article_form(values: dict[str, str]) -> ArticleForm:
    """A form filled with these values, as if it had been posted."""
    return ArticleForm(FormData(list(values.items())))


def _line(text: str, most: int) -> str:
    try:
        return check_line(text, most)
    except Empty:
        return ""
    except TooLong:
        raise ValueError(f"That is longer than {most:,} characters. Shorten it.") from None
    except Refusal as refusal:
        raise ValueError(refusal.text) from None
