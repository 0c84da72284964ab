"""Who is asking: the roles of staff and the account behind a request."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    ADVISOR = "advisor"
    SUPERVISOR = "supervisor"
    EDITOR = "editor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An account with a live session. `token` is the session's cookie, which form tokens are bound to."""

    account_id: str
    name: str
    roles: frozenset[Role]
    token: str
    until: datetime

    def has(self, *roles: Role) -> bool:
        return not self.roles.isdisjoint(roles)
