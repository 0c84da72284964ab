"""The answer of a COMMIT is cut: it is stored, whoever sent it is told that nobody knows, and sends it again."""

import re
from pathlib import Path

import pytest

from tests.chat.house import opened
from tests.chat.people import Ada, Cora, Person
from tests.engines import PostgresServer
from tests.faults.breakages import COMMIT_REPLY
from tests.faults.proxy import Proxy, Way

pytestmark = pytest.mark.faults

WORDS = "Are you there?"


async def test_a_form_that_is_sent_again_is_stored_once(
    tmp_path: Path, postgres: PostgresServer, postgres_url: str, redis_url: str
) -> None:
    """Without scripts: the page comes back with the words and under the id that they were sent with."""
    async with Proxy(postgres.port) as proxy:
        url = postgres_url.replace(f":{postgres.port}/", f":{proxy.port}/")
        async with (
            opened(tmp_path, url, redis_url) as house,
            Ada(house) as ada,
            await Cora.hired(house) as cora,
        ):
            await cora.take(await ada.ask())
            await ada.say("Hello")
            for person, page in ((ada, "/chat"), (cora, cora.path(ada.reference))):
                path = "/chat/messages" if page == "/chat" else f"{page}/messages"
                fields = await composed(person, page) | {"text": f"{WORDS} {path}"}
                proxy.cut_at(Way.BACK, COMMIT_REPLY, times=1)
                refused = await person.http.post(path, data=fields)
                assert (refused.status_code, proxy.cuts_left) == (503, 0)
                kept = fields_of(refused.text)
                assert (kept["id"], kept["text"]) == (fields["id"], fields["text"])
                assert (await person.http.post(path, data=kept)).status_code == 303
                assert [event["text"] for event in await ada.log()].count(fields["text"]) == 1


async def composed(person: Person, page: str) -> dict[str, str]:
    return fields_of((await person.http.get(page)).text)


def fields_of(page: str) -> dict[str, str]:
    """Of the form in which they write."""
    form = re.search(r'<form class="composer.*?</form>', page, re.DOTALL)
    assert form is not None, page
    text = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", form[0], re.DOTALL)
    assert text is not None
    return dict(re.findall(r'name="(csrf_token|id)" value="([^"]+)"', form[0])) | {"text": text[1]}
