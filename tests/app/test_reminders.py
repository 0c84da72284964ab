"""Owners are reminded once a week at most, whatever the mail server does, and nothing waits for it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import insert, select

from app.reminders import MAIL, Reminders
from core import mail
from core.db import Database
from core.errors import StartError
from core.mail import Mail, NotSent, check_mail_server, mail_server
from core.outbox import MOST_TRIES, put
from core.settings import read_settings
from core.tables import outbox
from knowledge.rendering import Renderer
from staff.tables import account
from tests.app.tiny_smtp import Mood, TinySmtp
from tests.knowledge.house import House
from tests.live import LiveService
from tests.waiting import until

BASE_URL = "https://advice.example"
TODAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
async def renderer() -> AsyncIterator[Renderer]:
    renderer = Renderer(limit_s=10.0)
    yield renderer
    await renderer.close()


@pytest.fixture
async def smtp() -> AsyncIterator[TinySmtp]:
    async with TinySmtp().running() as server:
        yield server


@pytest.fixture
def house(database: Database, renderer: Renderer) -> House:
    return House(database, renderer)


def reminders(house: House, url: str | None) -> Reminders:
    settings = replace(read_settings({"DATA_DIR": "/nowhere"}, demo=True), base_url=BASE_URL, smtp_url=url)
    return Reminders(house.db, mail_server(settings), BASE_URL, house.clock)


async def hire(house: House, name: str, *, disabled: bool = False) -> None:
    values: dict[str, Any] = {"id": name, "email": f"{name.split(maxsplit=1)[0].lower()}@advice.example", "name": name}
    values |= {"created_at": house.clock(), "presence": "away", "capacity": 2}
    async with house.db.write() as connection:
        await connection.execute(insert(account).values(**values, disabled=disabled))


async def due(house: House, slug: str, owner: str, days: int) -> None:
    await house.publish(
        slug, title=slug.title(), owner=owner, review_by=TODAY + timedelta(days=days), last_checked=None
    )


async def state(house: House) -> list[tuple[int, bool, bool]]:
    """Tries, sent, given up: of each mail."""
    async with house.db.read() as connection:
        rows = await connection.execute(select(outbox).order_by(outbox.c.id))
        return [(row.tries, row.done is not None, row.dead is not None) for row in rows]


async def test_each_owner_gets_one_list(house: House, smtp: TinySmtp) -> None:
    await hire(house, "Eve Marsh")
    await hire(house, "Gone Person", disabled=True)
    await due(house, "overdue", "Eve Marsh", -3)
    await due(house, "soon", "eve@ADVICE.example", 14)
    await due(house, "later", "Eve Marsh", 15)
    await due(house, "outside", "lead@partner.example", 0)
    for slug, owner in (
        ("nobodys", ""),
        ("unknown", "Some Team"),
        ("gone", "Gone Person"),
        ("left", "gone@advice.example"),
    ):
        await due(house, slug, owner, 0)
    mailing = reminders(house, smtp.url())
    await mailing.tick()
    await mailing.tick()
    by_address = {str(each["To"]): each.get_content() for each in smtp.mails}
    assert set(by_address) == {"eve@advice.example", "lead@partner.example"}
    text = by_address["eve@advice.example"]
    assert text.index("Overdue") < text.index(f"{BASE_URL}/editor/overdue") < text.index("Due within 14 days")
    assert f"{BASE_URL}/editor/soon" in text
    assert "20 November 2026" in text
    assert not any(other in text for other in ("later", "outside", "nobodys"))
    assert smtp.mails[0].get_content_type() == "text/plain"
    assert {str(each["From"]) for each in smtp.mails} == {"Dutyline <guidance@advice.example>"}


async def test_a_week_passes_before_the_next(house: House, smtp: TinySmtp) -> None:
    await due(house, "overdue", "lead@partner.example", -3)
    mailing = reminders(house, smtp.url())
    for days, count in ((0, 1), (6, 1), (1, 2), (0, 2)):
        house.clock.go_on(days=days)
        # A worker that has just taken the lead knows no more than the database.
        await asyncio.gather(mailing.tick(), reminders(house, smtp.url()).tick())
        assert len(smtp.mails) == count
    assert len({str(each["Message-ID"]) for each in smtp.mails}) == 2
    await house.withdraw("overdue", "Wrong.")
    house.clock.go_on(days=8)
    await mailing.tick()
    assert len(smtp.mails) == 2


async def test_without_a_server_nothing_is_put_aside(house: House) -> None:
    await due(house, "overdue", "lead@partner.example", -3)
    await reminders(house, None).tick()
    assert await state(house) == []


async def test_a_server_that_is_down_is_tried_again_later(house: House) -> None:
    async with TinySmtp().running() as server:
        url, port = server.url(), server.port
    await due(house, "overdue", "lead@partner.example", -3)
    await due(house, "another", "second@partner.example", -3)
    await reminders(house, url).tick()
    # The second mail did not wait for the same server.
    assert sorted(await state(house)) == [(0, False, False), (1, False, False)]
    async with TinySmtp().running(port) as server:
        await reminders(house, url).tick()
        assert len(server.mails) == 1
        house.clock.go_on(minutes=1)
        await reminders(house, url).tick()
        assert len(server.mails) == 2


async def test_what_is_always_refused_is_given_up(house: House) -> None:
    await due(house, "overdue", "nobody@partner.example", -3)
    async with TinySmtp(Mood.REFUSES).running() as server:
        for _ in range(MOST_TRIES + 2):
            await reminders(house, server.url()).tick()
            house.clock.go_on(hours=7)
        assert await state(house) == [(MOST_TRIES, False, True)]
        assert server.connections == MOST_TRIES


async def test_an_address_that_no_mail_can_hold_is_given_up_and_holds_up_nobody(house: House, smtp: TinySmtp) -> None:
    await due(house, "overdue", "=?utf-8?q?eve=40other.example=2C?=@partner.example", -3)
    await reminders(house, smtp.url()).tick()
    assert await state(house) == []
    unusable = Mail("review.an-older-version", "eve@[", "Guidance to check", "One article.")
    async with house.db.write() as connection:
        await put(connection, unusable.key, MAIL, msgspec.json.encode(unusable), house.clock())
    await due(house, "another", "lead@partner.example", -3)
    await reminders(house, smtp.url()).tick()
    assert await state(house) == [(1, False, False), (1, True, False)]
    for _ in range(MOST_TRIES):
        house.clock.go_on(hours=7)
        await reminders(house, smtp.url()).tick()
    assert (await state(house))[0] == (MOST_TRIES, False, True)


async def test_a_lost_answer_sends_the_same_mail_again(house: House) -> None:
    await due(house, "overdue", "lead@partner.example", -3)
    async with TinySmtp(Mood.LOSES_ANSWER).running() as server:
        await reminders(house, server.url()).tick()
        server.mood = Mood.WELL
        house.clock.go_on(minutes=2)
        await reminders(house, server.url()).tick()
        assert [each["Message-ID"] for each in server.mails] == [server.mails[0]["Message-ID"]] * 2
    assert await state(house) == [(2, True, False)]


async def test_a_worker_that_died_while_sending_leaves_the_mail_to_the_next(house: House, smtp: TinySmtp) -> None:
    await due(house, "overdue", "lead@partner.example", -3)
    smtp.mood = Mood.SILENT
    dying = asyncio.create_task(reminders(house, smtp.url()).tick())
    await until(lambda: smtp.connections)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    smtp.mood = Mood.WELL
    await reminders(house, smtp.url()).tick()
    assert smtp.mails == []
    house.clock.go_on(minutes=2)
    await reminders(house, smtp.url()).tick()
    assert len(smtp.mails) == 1


async def test_a_slow_server_is_left_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "LIMIT_S", 0.2)
    async with TinySmtp(Mood.SILENT).running() as server:
        settings = replace(read_settings({"DATA_DIR": "/nowhere"}, demo=True), smtp_url=server.url())
        found = mail_server(settings)
        assert found is not None
        with pytest.raises(NotSent, match="too long"):
            await check_mail_server(found)


async def test_passwords_go_over_tls_with_a_certificate_that_is_known(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = certificate(tmp_path)
    await due(house, "overdue", "lead@partner.example", -3)
    async with TinySmtp(context=context).running() as server:
        url = server.url("us%40er:pass%3Aword@", "localhost")
        await reminders(house, url).tick()
        assert (server.mails, server.logins) == ([], [])
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "known.pem"))
        house.clock.go_on(minutes=2)
        await reminders(house, url).tick()
        assert (len(server.mails), server.logins) == (1, ["AHVzQGVyAHBhc3M6d29yZA=="])


@pytest.mark.parametrize(
    "url", ["smtp://?from=a@b.org", "smtp://mail.example?from=nobody", "smtp://u@mail.example?from=a%0Ab@c"]
)
def test_an_address_that_cannot_be_used_stops_the_worker(url: str) -> None:
    with pytest.raises(StartError, match="SMTP_URL"):
        mail_server(replace(read_settings({"DATA_DIR": "/nowhere"}, demo=True), smtp_url=url))


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's context for localhost; `known.pem` is what a client has to know."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "known.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "known.pem", folder / "key.pem")
    return context


async def test_the_worker_that_leads_reminds(tmp_path: Path, redis_url: str, smtp: TinySmtp) -> None:
    """A folder comes in by the command, and a real worker writes to its owner."""
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "a.md").write_text(
        "---\ntitle: Old\nslug: old\naudience: public\nowner: lead@partner.example\nreview_by: 2024-01-01\n---\nText.\n"
    )
    service = LiveService(tmp_path, web=1, workers=1, environment={"SMTP_URL": smtp.url(), "REDIS_URL": redis_url})
    for words in (("migrate",), ("guidance", "import", str(folder))):
        ended = await asyncio.to_thread(service.command, *words)
        assert ended.returncode == 0, ended.stderr
    service.start("worker-0")
    try:
        await until(lambda: smtp.mails, within_s=30)
    finally:
        status = await asyncio.to_thread(service.stop, "worker-0")
    assert (status, str(smtp.mails[0]["To"])) == (0, "lead@partner.example")
    assert f"{service.url}/editor/old" in smtp.mails[0].get_content()
    service.secret_texts.add("lead@partner.example")
    service.check_logs()
