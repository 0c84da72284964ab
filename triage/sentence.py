"""An enquiry in one line of fixed words, for whoever is asked to take it. Never what the visitor wrote."""

from collections.abc import Collection

from triage.words import AREAS, DEADLINES, LANGUAGES, RISK_FLAGS, SECTORS, TOPICS


def enquiry_sentence(
    sector: str, area: str, topic: str, deadline: str, risk_flags: Collection[str], language: str
) -> str:
    """`Probation or prisons, Cleveland: Recognising risk. Today, or in the next 24 hours. Stalking or tracking.`"""
    who = f"{SECTORS.get(sector, sector)}, {AREAS.get(area, area)}: {TOPICS.get(topic, topic)}"
    flags = [RISK_FLAGS[flag] for flag in risk_flags if flag in RISK_FLAGS]
    more = [DEADLINES[deadline]] if deadline == "today" else []
    more += flags
    if language != "en":
        more.append(f"In {LANGUAGES.get(language, language)}")
    return ". ".join([who, *more]) + "."
