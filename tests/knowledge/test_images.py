"""Pictures: what editors may send, what is left of it, and who sees it."""

import html
import re
import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from core.people import SignedIn
from core.tables import audit
from knowledge.tables import image
from knowledge.words import Audience
from tests.knowledge.house import Browser, House, a_text

ALT = 'The "three" [doors] of *help*'


def a_picture(form: str = "PNG", size: tuple[int, int] = (40, 30), mode: str = "RGB", **options: Any) -> bytes:
    made = BytesIO()
    Image.new(mode, size, options.pop("colour", "teal")).save(made, form, **options)
    return made.getvalue()


async def send(browser: Browser, content: bytes | None, alt: str = ALT) -> Any:
    files = {} if content is None else {"file": ("a.png", content, "image/png")}
    return await browser.http.post(
        "/editor/images", data={"alt": alt, "csrf_token": await browser.token()}, files=files
    )


async def sent(browser: Browser, content: bytes) -> str:
    """The name of a picture that was stored."""
    answer = await send(browser, content)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"]).partition("added=")[2]


@pytest.fixture
def desk(house: House, eve: SignedIn) -> Browser:
    return house.signed_in(eve)


async def test_a_picture_is_sent_pasted_and_seen(house: House, desk: Browser) -> None:
    name = await sent(desk, a_picture())
    page = await desk.get(f"/editor/images?added={name}")
    pasted = re.search(r'id="added-markdown" value="([^"]+)"', page.text)
    assert pasted
    assert "In no article." in page.text
    await house.publish("doors", markdown=html.unescape(pasted[1]))
    article = await house.stranger().get("/guidance/doors")
    shown = f'<img src="/guidance/images/{name}" alt="{html.escape(ALT)}" width="40" height="30" loading="lazy">'
    assert html.unescape(shown) in html.unescape(article.text)
    assert 'In <a href="/editor/doors">doors</a>' in (await desk.get("/editor/images")).text
    picture = await house.stranger().get(f"/guidance/images/{name}")
    assert picture.headers["content-type"] == "image/webp"
    assert picture.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert picture.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert picture.headers["x-content-type-options"] == "nosniff"
    again = await house.stranger().get(f"/guidance/images/{name}", if_none_match=picture.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert Image.open(BytesIO(picture.content)).size == (40, 30)
    assert await sent(desk, a_picture()) == name, "the same picture is the same"
    assert await house.count(image) == 1
    assert await house.count(audit, audit.c.action == "image_added") == 1


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_only_pixels_are_left(house: House, desk: Browser, form: str) -> None:
    """Where it was taken, by what, its comments and whatever hangs behind it are gone; it stands upright and is not too large."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Zanzibar camera"
    exif[0x8825] = {2: (51.0, 30.0, 0.0)}
    profile = {"exif": exif, "icc_profile": b"Zanzibar profile " * 20}
    more: dict[str, Any] = {"GIF": {"comment": b"Zanzibar"}}.get(form, profile)
    content = a_picture(form, (2_000, 1_000), **more) + b"<script>Zanzibar</script>"
    assert b"Zanzibar" in content
    name = await sent(desk, content)
    kept = (await desk.get(f"/guidance/images/{name}")).content
    assert b"Zanzibar" not in kept
    made = Image.open(BytesIO(kept))
    assert not made.getexif()
    assert set(made.info) <= {"background", "loop", "timestamp", "duration"}
    assert made.size == ((1_600, 800) if form == "GIF" else (1_000, 2_000))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that claims to be enormous."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1_000)) + chunk(b"IEND", b"")
    )


def moving() -> bytes:
    made = BytesIO()
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "blue")]
    frames[0].save(made, "GIF", save_all=True, append_images=frames[1:])
    return made.getvalue()


UNUSABLE = {
    "nothing": (b"", "Choose a picture."),
    "text": (b"x" * 1_000, "cannot be read as a picture"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "cannot be read as a picture"),
    "pdf": (b"%PDF-1.7\n", "cannot be read as a picture"),
    "half": (a_picture("JPEG", (600, 600))[:900], "cannot be read as a picture"),
    "tiff": (a_picture("TIFF"), "cannot be read as a picture"),
    "bomb": (bomb(60_000, 60_000), "more than 50 million pixels"),
    "smaller bomb": (bomb(8_000, 8_000), "more than 50 million pixels"),
    "empty bomb": (bomb(7_000, 7_000), "cannot be read as a picture"),
    "moving": (moving(), "This picture moves."),
    "large": (b"\xff" * 8_000_001, "larger than 8 MB"),
}


async def test_what_is_no_usable_picture_is_said_in_words_and_nothing_is_stored(house: House, desk: Browser) -> None:
    for kind, (content, words) in UNUSABLE.items():
        answer = await send(desk, content, "A door")
        assert answer.status_code == 422, kind
        assert words in html.unescape(answer.text), kind
        assert 'value="A door"' in answer.text, kind
    for alt in ("", "  ", "x" * 301):
        answer = await send(desk, a_picture(), alt)
        assert (answer.status_code, "Say what the picture shows" in answer.text) == (422, True)
    assert "Choose a picture." in (await send(desk, None)).text
    assert (await send(desk, b"x" * 13_000_000)).status_code == 413
    two = [("file", ("a", a_picture())), ("file", ("b", a_picture()))]
    data = {"alt": "x", "csrf_token": await desk.token()}
    assert (await desk.http.post("/editor/images", data=data, files=two)).status_code == 400
    assert (await desk.http.post("/editor/images", data={"alt": "x"}, files=two[:1])).status_code == 403
    assert await house.count(image) == 0


async def test_a_picture_belongs_to_whoever_may_read_an_article_that_shows_it(
    house: House, desk: Browser, cora: SignedIn
) -> None:
    people = {"stranger": house.stranger(), "ada": house.ada(), "cora": house.signed_in(cora)}
    path = f"/guidance/images/{await sent(desk, a_picture())}"
    missing = f"/guidance/images/{'0' * 32}-40x30.webp"

    async def seen_by() -> set[str]:
        seen = set()
        for name, person in people.items():
            answer = await person.get(path)
            if answer.status_code == 200:
                seen.add(name)
            else:
                absent = await person.get(missing)
                assert (answer.status_code, absent.status_code) == (404, 404)
                assert answer.headers["cache-control"] == "no-store"
                assert len(answer.content) == len(absent.content)
            if name == "cora" and "stranger" not in seen:
                assert answer.headers["cache-control"] == "no-store"
        return seen

    text = f"![Three doors]({path})"
    assert await seen_by() == {"cora"}
    await house.publish("open", markdown="No picture.")
    await house.draft("open", a_text(markdown=text))
    assert await seen_by() == {"cora"}, "the draft of a public article shows nothing to anybody"
    await house.publish("guarded", markdown=text, audience=Audience.ADVISORS)
    assert await seen_by() == {"cora"}
    await house.publish("after", markdown=text, audience=Audience.AFTER_ENQUIRY)
    assert await seen_by() == {"ada", "cora"}
    await house.publish("guarded", markdown=text)
    assert await seen_by() == {"stranger", "ada", "cora"}
    # An article that becomes narrower takes its earlier versions along, and their pictures.
    await house.publish("guarded", markdown="No picture.", audience=Audience.ADVISORS)
    assert await seen_by() == {"ada", "cora"}
    # A version that was public stays readable, and so does its picture.
    await house.publish("later", markdown=text)
    await house.publish("later", markdown="No picture.")
    assert await seen_by() == {"stranger", "ada", "cora"}


@pytest.mark.parametrize(
    "name", ["x.webp", "..%2f..%2fetc%2fpasswd", "a" * 32 + "-1x1.png", "A" * 32 + "-1x1.webp", "%00"]
)
async def test_names_that_nobody_made_are_404(house: House, name: str) -> None:
    assert (await house.stranger().get(f"/guidance/images/{name}")).status_code == 404


async def test_a_picture_that_no_article_shows_can_be_removed(house: House, desk: Browser, cora: SignedIn) -> None:
    used, unused = await sent(desk, a_picture()), await sent(desk, a_picture(colour="red"))
    await house.draft("doors", a_text(markdown=f"![Doors](/guidance/images/{used})"))
    for name, status in ((used, 409), (unused, 303), (unused, 404)):
        assert (await desk.post(f"/editor/images/{name}/remove", {})).status_code == status
    assert await house.count(image) == 1
    assert await house.count(audit, audit.c.action == "image_removed") == 1
    advisor = house.signed_in(cora)
    assert (await advisor.get("/editor/images")).status_code == 403
    assert (await advisor.post(f"/editor/images/{used}/remove", {})).status_code == 403
    assert (await house.stranger().get("/editor/images")).status_code == 303


async def test_an_editor_is_told_of_a_picture_that_is_not_there(house: House, desk: Browser) -> None:
    name = f"{'0' * 32}-40x30.webp"
    preview = await desk.post("/editor/preview", {"markdown": f"![Doors](/guidance/images/{name})"})
    assert f"There is no picture {name}." in preview.json()["html"]
