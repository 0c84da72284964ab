"""Where people are sent whom this service is not for: other services, each with the day on which it was last checked.

The numbers are those of the helpline directory among the sample articles and are reviewed with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

CHECKED_ON = date(2026, 10, 19)


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    what: str
    phone: str | None = None
    hours: str | None = None
    url: str | None = None
    checked_on: date = CHECKED_ON


NATIONAL_HELPLINE = Place(
    "National Domestic Abuse Helpline",
    "For people who experience domestic abuse, and for friends and relatives. Run by Refuge.",
    "0808 2000 247",
    "24 hours",
    "https://www.nationaldahelpline.org.uk",
)
LIVE_FEAR_FREE = Place("Live Fear Free", "For everybody in Wales, in Welsh and English.", "0808 80 10 800")
MENS_ADVICE_LINE = Place("Men's Advice Line", "For men who experience abuse. Run by Respect.", "0808 801 0327")
GALOP = Place("Galop", "For LGBT+ people who experience abuse.", "0800 999 5428")
KARMA_NIRVANA = Place(
    "Karma Nirvana", "For people at risk of so-called honour-based abuse or a forced marriage.", "0800 5999 247"
)
RESPECT_PHONELINE = Place(
    "Respect Phoneline",
    "For people who are worried about how they behave towards a partner. Anonymous and confidential.",
    "0808 802 4040",
    None,
    "https://respectphoneline.org.uk",
)
SAMARITANS = Place("Samaritans", "For anybody who struggles to cope, about anything.", "116 123", "24 hours")
POLICE = Place("The police, when it is not an emergency", "To report abuse, or a worry about somebody's safety.", "101")

PLACES: Mapping[str, tuple[Place, ...]] = {
    "not_work_experiencing_abuse": (NATIONAL_HELPLINE, LIVE_FEAR_FREE, MENS_ADVICE_LINE, GALOP, KARMA_NIRVANA),
    "not_work_own_behaviour": (RESPECT_PHONELINE, SAMARITANS),
    "not_work_public": (NATIONAL_HELPLINE, LIVE_FEAR_FREE, POLICE),
}
"""By the answer that leads there."""
