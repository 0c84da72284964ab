"""The record of a conversation for the one who had it: as text and as an accessible PDF.

Notes of staff are never in it. What people wrote goes into the PDF as data, never as markup.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from chat.entries import line_of
from chat.events import Event
from chat.words import Kind, Side
from core.clock import LONDON, from_ms
from core.few_threads import FewThreads

LINE_WIDTH = 72
LONG_CHARACTERS = 200_000
MOST_WAITING, MOST_LONG_WAITING = 50, 3
BUSY = "Many transcripts are being made at this moment. Try again in a few seconds, or save yours as text."
SPELT_OUT = "Some characters cannot be shown in this file. The text transcript has all of them."

# What typst's own font holds, whatever else a machine has: Latin, Greek, Cyrillic, punctuation, currencies, arrows.
_NOT_IN_THE_FONT = re.compile("[^\n -\u0482\u048a-\u04ff\u1e00-\u1eff\u2000-\u2040\u2070-\u20bf\u2190-\u22ff]")


@dataclass(frozen=True, slots=True)
class Transcript:
    """`events` without what the visitor may not see; `facts` are questions and answers of the enquiry in words."""

    service: str
    reference: str
    started_at: datetime
    ended_at: datetime | None
    facts: Sequence[tuple[str, str]]
    events: Sequence[Event]


def shown_time(at_ms: int) -> str:
    return f"{from_ms(at_ms).astimezone(LONDON):%H:%M}"


def shown_day(moment: datetime) -> str:
    local = moment.astimezone(LONDON)
    return f"{local:%A} {local.day} {local:%B %Y}"


def as_text(transcript: Transcript) -> str:
    """Plain text, with line feeds, wide lines left as they were written."""
    lines = [
        f"{transcript.service}: transcript {transcript.reference}",
        shown_day(transcript.started_at),
        "-" * LINE_WIDTH,
    ]
    lines += [f"{question}: {answer}" for question, answer in transcript.facts]
    lines.append("-" * LINE_WIDTH)
    for item in _items(transcript):
        lines += ["", f"{item['time']}  {item['who']}".rstrip(), *item["text"].split("\n")]
    return "\n".join(lines) + "\n"


class Press:
    """Makes the PDFs of one process, in threads: the compiler takes some 50 ms, but 20 seconds and a gigabyte for the longest.

    So there is one at a time, and of the long ones one beside it, which delay nobody else's.
    """

    def __init__(self) -> None:
        self._short = FewThreads("pdf", 1, MOST_WAITING, BUSY)
        self._long = FewThreads("long-pdf", 1, MOST_LONG_WAITING, BUSY)

    async def as_pdf(self, transcript: Transcript) -> bytes:
        """PDF/UA-1. Raises RateLimited when too many wait for theirs."""
        document = {
            "service": transcript.service,
            "reference": transcript.reference,
            "day": shown_day(transcript.started_at),
            "facts": [list(fact) for fact in transcript.facts],
            "items": _items(transcript),
            "note": "",
        }
        text = json.dumps(document, ensure_ascii=False)
        return await (self._short if len(text) < LONG_CHARACTERS else self._long).run(partial(_compile, text))

    def close(self) -> None:
        """Without waiting for what nobody will read."""
        self._short.close(wait=False)
        self._long.close(wait=False)


def _compile(document: str) -> bytes:
    # 7 MiB that a process needs only once somebody asks for a PDF.
    import typst

    try:
        return _compile_exactly(document)
    except typst.TypstError:
        # The fonts of this machine lack a character, and an accessible PDF may not hide that.
        return _compile_exactly(json.dumps(json.loads(spell_out(document)) | {"note": SPELT_OUT}))


def _compile_exactly(document: str) -> bytes:
    import typst

    pdf = typst.compile(PAGE.encode(), sys_inputs={"document": document}, pdf_standards=["ua-1"])
    assert isinstance(pdf, bytes)
    return pdf


def spell_out(text: str) -> str:
    """Without the characters that the built-in font may lack: symbols by their name, letters as a mark."""
    return _NOT_IN_THE_FONT.sub(lambda found: _in_words(found[0]), text)


def _in_words(character: str) -> str:
    match unicodedata.category(character):
        case "So" | "Sk":
            return f"[{unicodedata.name(character, 'symbol').lower()}]"
        case "Mn" | "Me" | "Cf":
            return ""
        case _:
            return "\ufffd"


def _items(transcript: Transcript) -> list[dict[str, str]]:
    items = []
    for event in transcript.events:
        if event.kind is Kind.MESSAGE:
            who = "You" if event.author.kind is Side.VISITOR else event.author.name
            items.append({"time": shown_time(event.at_ms), "who": who, "text": event.text})
        elif event.kind is Kind.ARTICLE:
            data = event.data
            shared = f"Shared guidance: {data.get('title', '')} (version {data.get('version', '')})"
            items.append({"time": shown_time(event.at_ms), "who": event.author.name, "text": shared})
        elif said := line_of(event):
            items.append({"time": shown_time(event.at_ms), "who": "", "text": said})
    return items


PAGE = """
#let it = json(bytes(sys.inputs.document))
#set document(title: it.service + ": transcript " + it.reference)
#set text(lang: "en", size: 11pt, hyphenate: false)
#set page(margin: 2.2cm, numbering: "1 / 1")
= #it.service: transcript #it.reference
#it.day

== What you told us
#for fact in it.facts [
  #strong(fact.at(0)): #fact.at(1)

]
== Conversation
#for item in it.items [
  #block(breakable: true, above: 1.1em)[
    #text(fill: rgb("#4a5560"))[#item.time] #if item.who != "" [#strong(item.who)]
    #for line in item.text.split("\\n") [
      #linebreak()
      #line
    ]
  ]
]
#it.note
"""
