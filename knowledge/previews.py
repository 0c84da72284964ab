"""What an editor sees of a text before readers do: links and pictures as they will be, and a note of each that will not work."""

from markupsafe import Markup

from core.db import Database
from knowledge.images import missing_images
from knowledge.library import Library
from knowledge.links import mark_links, problems_with_links
from knowledge.markdown import images_in
from knowledge.words import FOR_STAFF, Audience, Language

_NOTE = Markup("<li>{}</li>")
_NOTES = Markup(
    '<div class="edit__problems" role="note"><p><strong>To look at before you publish</strong></p><ul>{}</ul></div>'
)


async def preview_of(db: Database, library: Library, html: str, audience: str, language: str) -> Markup:
    """A text that was rendered here, with what is wrong with it above. Fields that are not valid yet count as their default."""
    readers = Audience(audience) if audience in set(Audience) else Audience.PUBLIC
    spoken = Language(language) if language in set(Language) else Language.ENGLISH
    problems = list(problems_with_links(html, library.card, readers))
    async with db.read() as connection:
        missing = await missing_images(connection, images_in(html))
    problems += [f"There is no picture {name}. Send it on the page “Pictures”." for name in missing]
    notes = _NOTES.format(Markup("").join(_NOTE.format(problem) for problem in problems)) if problems else Markup("")
    text = Markup(mark_links(html, library.card, FOR_STAFF, spoken))  # noqa: S704  # Rendered and cleaned by our renderer.
    return notes + text
