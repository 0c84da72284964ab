"""Somebody who locks rows of PostgreSQL beside the service, and waits to be waited for."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, LiteralString, Self

import psycopg

CONVERSATION = "SELECT 1 FROM conversation WHERE reference = %s FOR UPDATE"
ACCOUNT = "SELECT 1 FROM account WHERE id = %s FOR UPDATE"
WAIT_FOR_A_WAITER = """
DO $$ BEGIN
  FOR tries IN 1..1000 LOOP
    IF EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))) THEN
      RETURN;
    END IF;
    PERFORM pg_sleep(0.01);
  END LOOP;
  RAISE 'nobody waits for us';
END $$
"""


class Rival:
    """A transaction beside the service's, which never gives in: it is always the other that is taken back."""

    def __init__(self, connection: "psycopg.AsyncConnection[Any]", watcher: "psycopg.AsyncConnection[Any]") -> None:
        self._connection = connection
        self._watcher = watcher

    @classmethod
    @contextlib.asynccontextmanager
    async def at(cls, url: str) -> AsyncIterator[Self]:
        connect = psycopg.AsyncConnection.connect
        async with await connect(url) as connection, await connect(url, autocommit=True) as watcher:
            await connection.execute("SET LOCAL deadlock_timeout = '1min'")
            yield cls(connection, watcher)

    async def lock(self, what: LiteralString, key: str) -> None:
        await self._connection.execute(what, [key])

    async def run(self, statement: LiteralString) -> None:
        await self._connection.execute(statement)

    async def commit(self) -> None:
        await self._connection.commit()

    async def save(self) -> None:
        await self._connection.execute("SAVEPOINT before")

    async def give_back(self) -> None:
        """Everything that was locked since `save`."""
        await self._connection.execute("ROLLBACK TO SAVEPOINT before")

    async def win(self, what: LiteralString, key: str) -> None:
        """Ask for what somebody has who waits for what we have.

        PostgreSQL looks for a deadlock once, a second after somebody began to wait. We must be there before that however slow
        the machine is, so the server itself watches and asks.
        """
        await self.save()
        async with self._connection.pipeline():
            await self.is_waited_for()
            await self.lock(what, key)
        await self.give_back()

    async def is_waited_for(self) -> None:
        await self._connection.execute(WAIT_FOR_A_WAITER)

    async def lock_table(self, name: LiteralString) -> None:
        await self.run(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")

    async def count_others(self) -> int:
        """Connections to this database besides our own two."""
        query = "SELECT count(*) - 2 FROM pg_stat_activity WHERE datname = current_database()"
        (count,) = await (await self._watcher.execute(query)).fetchone() or (0,)
        return int(count)

    async def leave(self) -> None:
        await self._connection.rollback()
