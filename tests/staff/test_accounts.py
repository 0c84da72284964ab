"""Accounts: one for each address, never without a role, never without an admin."""

import asyncio

import pytest
from sqlalchemy import select

from core.errors import Empty, InvalidText, NotAllowed, NotFound, TooLong
from core.people import Role
from core.tables import audit
from staff.accounts import Account, EmailTaken, LastAdmin, NewAccount, check_email
from tests.staff.house import House


def new_account(email: str, name: str = "Dev Patel", *roles: Role) -> NewAccount:
    return NewAccount(email, name, frozenset(roles or {Role.ADVISOR}), None)


async def test_account_is_found_in_whatever_case(house: House) -> None:
    made = await house.accounts.create(new_account(" Dev.Patel@Example.ORG "))
    assert made.email == "dev.patel@example.org"
    assert await house.accounts.by_email("DEV.PATEL@example.org") == made
    assert await house.accounts.by_id(made.id) == made


async def test_address_is_taken_once(house: House) -> None:
    with pytest.raises(EmailTaken):
        await house.accounts.create(new_account("CORA@example.org"))
    assert len(await house.accounts.all()) == len(house.people)


async def test_address_is_taken_once_even_at_the_same_moment(house: House) -> None:
    made = await asyncio.gather(
        *(house.accounts.create(new_account("dev@example.org")) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(one, EmailTaken) for one in made) == 3
    assert sum(isinstance(one, Account) for one in made) == 1


@pytest.mark.parametrize(
    "email", ["", "cora", "@example.org", "cora@", "a b@example.org", "a@b@c", "a\n@b.org", "x" * 300]
)
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(InvalidText):
        check_email(email)


@pytest.mark.parametrize(
    ("name", "refusal"), [("", Empty), ("\u200b", Empty), ("x" * 81, TooLong), ("a\0b", InvalidText)]
)
async def test_name_that_cannot_be_shown_is_refused(house: House, name: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        await house.accounts.create(new_account("dev@example.org", name))


async def test_account_without_a_role_is_refused(house: House) -> None:
    with pytest.raises(NotAllowed):
        await house.accounts.create(NewAccount("dev@example.org", "Dev Patel", frozenset(), None))


async def test_last_admin_stays(house: House) -> None:
    alf = house.people["alf"].id
    with pytest.raises(LastAdmin):
        await house.accounts.disable(alf)
    with pytest.raises(LastAdmin):
        await house.accounts.set_roles(alf, {Role.EDITOR})
    account = await house.accounts.by_id(alf)
    assert account is not None
    assert (account.disabled, account.roles) == (False, frozenset({Role.ADMIN}))


async def test_admin_may_go_when_there_is_another(house: House) -> None:
    await house.accounts.set_roles(house.people["sue"].id, {Role.SUPERVISOR, Role.ADMIN})
    await house.accounts.disable(house.people["alf"].id)
    with pytest.raises(LastAdmin):
        await house.accounts.disable(house.people["sue"].id)


async def test_two_admins_cannot_disable_each_other_at_once(house: House) -> None:
    await house.accounts.set_roles(house.people["sue"].id, {Role.ADMIN})
    both = [house.people["alf"].id, house.people["sue"].id]
    ended = await asyncio.gather(*map(house.accounts.disable, both), return_exceptions=True)
    assert sum(isinstance(one, LastAdmin) for one in ended) == 1
    assert sum(not account.disabled for account in await house.accounts.all() if Role.ADMIN in account.roles) == 1


async def test_disabled_account_comes_back_when_enabled(house: House) -> None:
    cora = house.people["cora"].id
    await house.accounts.disable(cora)
    await house.accounts.enable(cora)
    assert (await (await house.signed_in("cora")).get("/desk")).status_code == 200


async def test_nobody_is_nobody(house: House) -> None:
    for change in (house.accounts.disable, house.accounts.enable):
        with pytest.raises(NotFound):
            await change("no-such-account")
    assert await house.accounts.by_id("no-such-account") is None


async def test_changes_are_on_record_without_names(house: House) -> None:
    cora, alf = house.people["cora"].id, house.people["alf"].id
    await house.accounts.set_roles(cora, {Role.ADVISOR, Role.EDITOR}, by=alf)
    await house.accounts.disable(cora, by=alf)
    async with house.database.read() as connection:
        rows = (await connection.execute(select(audit).order_by(audit.c.id))).all()
    assert [(row.actor, row.action, row.subject) for row in rows[-2:]] == [
        (alf, "roles_changed", f"account:{cora}"),
        (alf, "account_disabled", f"account:{cora}"),
    ]
    assert not any("Cora" in str(row) or "example.org" in str(row) for row in rows)


async def test_chain_of_the_record_holds(house: House) -> None:
    async with house.database.read() as connection:
        assert await house.audit.first_bad_row(connection) is None
    async with house.database.write() as connection:
        await connection.execute(audit.update().where(audit.c.id == 2).values(action="nothing_happened"))
    async with house.database.read() as connection:
        assert await house.audit.first_bad_row(connection) == 2
