"""A house for each test, on each database; the rendering processes are shared."""

from collections.abc import AsyncIterator

import pytest

from core.db import Database
from core.people import Role, SignedIn
from knowledge.rendering import Renderer
from tests.knowledge.house import House


@pytest.fixture(scope="session")
async def renderer() -> AsyncIterator[Renderer]:
    renderer = Renderer(limit_s=10.0)
    yield renderer
    await renderer.close()


@pytest.fixture
def house(database: Database, renderer: Renderer) -> House:
    return House(database, renderer)


@pytest.fixture
async def eve(house: House) -> SignedIn:
    return await house.hire("Eve", Role.EDITOR)


@pytest.fixture
async def nia(house: House) -> SignedIn:
    """A second editor."""
    return await house.hire("Nia", Role.EDITOR)


@pytest.fixture
async def cora(house: House) -> SignedIn:
    return await house.hire("Cora", Role.ADVISOR)
