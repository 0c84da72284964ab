"""Skills: what an advisor can take that not everybody can. A pure table; who has which is in the database.

Everybody takes emergencies. A conversation that needs a skill nobody on duty has is offered to anybody (`triage.routing`).
"""

import re

NO_SKILLS: frozenset[str] = frozenset()

BY_LANGUAGE = {"cy": frozenset({"welsh"})}

SKILL_WORDS = {"welsh": "Welsh"}

LONGEST_SKILL = 32
_SLUG = re.compile(r"[a-z][a-z0-9_]*")


def needed(language: str) -> frozenset[str]:
    """What a conversation asks of whoever takes it."""
    return BY_LANGUAGE.get(language, NO_SKILLS)


def skill_words(skill: str) -> str:
    return SKILL_WORDS.get(skill, skill.replace("_", " "))


def is_skill(text: str) -> bool:
    return len(text) <= LONGEST_SKILL and _SLUG.fullmatch(text) is not None
