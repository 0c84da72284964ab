"""Skills: what an advisor can take that not everybody can, and who has which.

Everybody takes emergencies. A conversation that needs a skill nobody on duty has is offered to anybody (`triage.routing`).
"""

import re

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from triage.tables import account_skill

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


async def skills_of(connection: AsyncConnection, account_id: str) -> list[str]:
    query = select(account_skill.c.skill).where(account_skill.c.account_id == account_id)
    return list((await connection.execute(query.order_by(account_skill.c.skill))).scalars())


async def set_skill(connection: AsyncConnection, account_id: str, skill: str, *, has: bool) -> None:
    """From the next offer on. Said twice, it is the same."""
    row = {"account_id": account_id, "skill": skill}
    mine = (account_skill.c.account_id == account_id, account_skill.c.skill == skill)
    await connection.execute(delete(account_skill).where(*mine))
    if has:
        await connection.execute(insert(account_skill).values(**row))
