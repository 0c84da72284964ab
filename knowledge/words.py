"""The words of the guidance: audiences, states, tags as people read them, and dates in British English."""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum

MOST_TITLE = 200
MOST_SUMMARY = 500
MOST_SLUG = 120
MOST_OWNER = 120
MOST_TAGS = 30
MOST_SOURCES = 30
MOST_ASKED = 30

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
TAG = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")

# Addresses of the editor's own pages; an article of this name could not be reached.
RESERVED_SLUGS = frozenset({"gaps", "images", "new", "preview", "synonyms"})


class Language(StrEnum):
    """What an article is written in."""

    ENGLISH = "en"
    WELSH = "cy"

    @property
    def other(self) -> "Language":
        return Language.WELSH if self is Language.ENGLISH else Language.ENGLISH


class Audience(StrEnum):
    """Who may read an article."""

    PUBLIC = "public"
    AFTER_ENQUIRY = "after_enquiry"
    ADVISORS = "advisors"


Audiences = frozenset[Audience]

FOR_ANYONE: Audiences = frozenset({Audience.PUBLIC})
FOR_VISITORS: Audiences = FOR_ANYONE | {Audience.AFTER_ENQUIRY}
FOR_STAFF: Audiences = FOR_VISITORS | {Audience.ADVISORS}

AUDIENCE_WORDS: Mapping[str, str] = {
    Audience.PUBLIC: "Anyone",
    Audience.AFTER_ENQUIRY: "People who have started a conversation, and staff",
    Audience.ADVISORS: "Staff only",
}


class Status(StrEnum):
    """Of an article, what readers have: nothing yet, the published version, or why it was withdrawn. Of a draft, where it is
    on its way to them: being written, with a colleague, or waiting for its moment."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What editors do with an article, as its history tells it."""

    SENT_TO_REVIEW = "sent_to_review"
    SENT_BACK = "sent_back"
    TAKEN_BACK = "taken_back"
    SCHEDULED = "scheduled"
    SCHEDULED_ALONE = "scheduled_alone"
    SCHEDULE_ENDED = "schedule_ended"
    PUBLISHED = "published"
    PUBLISHED_ALONE = "published_alone"
    WITHDRAWN = "withdrawn"


class Freshness(StrEnum):
    CURRENT = "current"
    DUE = "due"
    WITHDRAWN = "withdrawn"


class Use(StrEnum):
    """How an article was used."""

    SHARED = "shared"
    READ = "read"
    OPENED = "opened"


_TAG_WORDS: Mapping[str, str] = {
    "talking_with_them": "Talking with someone who uses abuse",
    "recognising_risk": "Recognising risk",
    "finding_a_programme": "Finding a programme",
    "multi_agency": "Working with other agencies",
    "orders_and_disclosure": "Orders and disclosure",
    "victim_and_children_safety": "Safety of victims and children",
    "sharing_and_recording": "Sharing and recording information",
    "family_court": "Family court",
    "worker_safety": "Your own safety",
    "service_development": "Developing services",
    "other": "Other topics",
    "childrens_social_care": "Children's social care",
    "adult_social_care": "Adult social care",
    "victim_service": "Victim services",
    "perpetrator_service": "Perpetrator services",
    "youth_justice": "Youth justice",
}

# The topics of an enquiry come first in every list of tags; sectors and an editor's own tags follow.
TOPICS = (
    "talking_with_them",
    "recognising_risk",
    "finding_a_programme",
    "multi_agency",
    "orders_and_disclosure",
    "victim_and_children_safety",
    "sharing_and_recording",
    "housing",
    "family_court",
    "worker_safety",
    "service_development",
    "other",
)


def tag_words(tag: str) -> str:
    return _TAG_WORDS.get(tag) or tag.replace("_", " ").replace("-", " ").capitalize()


def date_words(day: date) -> str:
    """2 November 2026."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def date_in_welsh(day: date) -> str:
    """2 Tachwedd 2026."""
    return f"{day.day} {_MONTHS_IN_WELSH[day.month - 1]} {day.year}"


_MONTHS_IN_WELSH = (
    *("Ionawr", "Chwefror", "Mawrth", "Ebrill", "Mai", "Mehefin"),
    *("Gorffennaf", "Awst", "Medi", "Hydref", "Tachwedd", "Rhagfyr"),
)
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
