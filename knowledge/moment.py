"""The moment at which a draft is published, as it is entered: a day and a time of day in London."""

import re
from datetime import UTC, date, datetime, time, timedelta

from core.clock import LONDON

FURTHEST = timedelta(days=366)

_TIME = re.compile(r"([01]?[0-9]|2[0-3])[:.]([0-5][0-9])(?::00)?")


def check_moment(day_text: str, time_text: str, now: datetime) -> datetime | dict[str, str]:
    """The moment, or what is wrong by field. An hour that comes twice, in October, is the first of the two."""
    errors: dict[str, str] = {}
    try:
        day = date.fromisoformat(day_text.strip())
    except ValueError:
        errors["day"] = "Enter the day as year, month and day, such as 2026-12-01."
    found = _TIME.fullmatch(time_text.strip())
    if found is None:
        errors["time"] = "Enter the time of day, such as 09:00."
    if errors or found is None:
        return errors
    local = datetime.combine(day, time(int(found[1]), int(found[2])))
    moment = local.replace(tzinfo=LONDON).astimezone(UTC)
    if moment.astimezone(LONDON).replace(tzinfo=None) != local:
        return {"time": "On that day the clocks go forward and this time does not exist. Choose one an hour later."}
    if moment <= now:
        return {"day": "That moment is past. Choose one that is still to come, or publish now."}
    if moment - now > FURTHEST:
        return {"day": "That is more than a year from now. Choose an earlier day."}
    return moment
