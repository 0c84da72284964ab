"""The checker: compares what people were told with what is stored and shown. Pure, exact, and the test itself.

An acknowledged message is stored once, under the number that was acknowledged; a refused one is absent; numbers run from
1 without holes; each sender's order is kept; each screen shows the log; no text is anywhere but in its conversation.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from tests.faults.history import MARK, Message, Outcome, Run, Screen, Shown

MOST_LISTED = 30


class Rule(StrEnum):
    """What was broken."""

    LOST = "acknowledged but not stored"
    MOVED = "acknowledged under another number than stored"
    TWO_NUMBERS = "acknowledged under two numbers"
    DOUBLED = "stored twice"
    REFUSED = "refused but stored"
    UNSAID = "stored but never said"
    UNANSWERED = "never answered, although all is healed"
    HOLE = "numbers with a hole"
    ORDER = "a sender's messages out of order"
    SCREEN = "a screen differs from the log"
    NOTICED = "a client met what must not happen"
    FOREIGN = "text of another conversation"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `message` where it is about one."""

    rule: Rule
    where: str
    detail: str
    message: Message | None = None

    def __str__(self) -> str:
        return f"{self.rule}: {self.where}: {self.detail}"


def check(run: Run) -> list[Finding]:
    """Everything that is wrong with the run; empty when nothing is."""
    findings: list[Finding] = []
    said: defaultdict[str, list[Message]] = defaultdict(list)
    for message in run.messages:
        said[message.conversation].append(message)
    for conversation, lines in run.stored.items():
        findings += _check_numbers(conversation, lines)
        findings += _check_texts(conversation, lines, said[conversation], run.marks[conversation])
        findings += _check_answers(conversation, lines, said[conversation])
        findings += _check_order(conversation, lines, said[conversation])
    for conversation in said.keys() - run.stored.keys():
        findings.append(Finding(Rule.LOST, conversation, "the whole conversation is gone"))
    for screen in run.screens:
        findings += _check_screen(screen, run.stored.get(screen.conversation, ()))
    findings += _check_heard(run)
    return findings


def describe(findings: Sequence[Finding]) -> str:
    """The findings, some of each rule, for people."""
    counts = Counter(finding.rule for finding in findings)
    lines = [f"{count:5} times {rule}" for rule, count in counts.most_common()]
    return "\n".join([*lines, *(str(finding) for finding in findings[:MOST_LISTED])])


def _check_numbers(conversation: str, lines: Sequence[Shown]) -> Iterator[Finding]:
    for expected, line in enumerate(lines, start=1):
        if line.seq != expected:
            yield Finding(Rule.HOLE, conversation, f"{line.seq} stands where {expected} should")
            return


def _check_texts(
    conversation: str, lines: Sequence[Shown], messages: Sequence[Message], mark: str
) -> Iterator[Finding]:
    """Every text that carries a mark was said here, once, and every id of a sender stands once."""
    by_text = {message.text: message for message in messages}
    marked = [line for line in lines if MARK.search(line.text)]
    for line in marked:
        if set(MARK.findall(line.text)) != {mark}:
            yield Finding(Rule.FOREIGN, conversation, f"stored as {line.seq}")
        elif line.text not in by_text:
            yield Finding(Rule.UNSAID, conversation, f"{line.seq} {line.text!r}")
    for text, count in Counter(line.text for line in marked).items():
        if count > 1:
            seqs = [line.seq for line in marked if line.text == text]
            yield Finding(Rule.DOUBLED, conversation, f"{text!r} as {seqs}", by_text.get(text))
    by_id: defaultdict[tuple[str, str], list[Shown]] = defaultdict(list)
    for line in lines:
        if line.id:
            by_id[line.author, line.id].append(line)
    for (_, known), same in by_id.items():
        # With the same text it was found above.
        if len({line.text for line in same}) > 1:
            yield Finding(Rule.DOUBLED, conversation, f"the id {known} as {[line.seq for line in same]}")


def _check_answers(conversation: str, lines: Sequence[Shown], messages: Sequence[Message]) -> Iterator[Finding]:
    places: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    texts: defaultdict[str, list[int]] = defaultdict(list)
    for line in lines:
        places[line.id, line.text].append(line.seq)
        texts[line.text].append(line.seq)
    for message in messages:
        where, what = f"{conversation} {message.sender}", f"{message.number} {message.text!r}"
        if len(message.seqs) > 1:
            yield Finding(Rule.TWO_NUMBERS, where, f"{what}: {sorted(message.seqs)}", message)
        if not message.is_settled:
            yield Finding(Rule.UNANSWERED, where, what, message)
        if message.outcome is Outcome.FAIL and message.text in texts:
            yield Finding(Rule.REFUSED, where, f"{what} as {texts[message.text]}", message)
        if message.outcome is Outcome.OK:
            stored = places[message.id, message.text]
            if not stored:
                yield Finding(Rule.LOST, where, f"{what}: {sorted(message.seqs)}", message)
            elif message.seqs and not message.seqs & set(stored):
                yield Finding(Rule.MOVED, where, f"{what}: {sorted(message.seqs)}, stored as {stored}", message)


def _check_order(conversation: str, lines: Sequence[Shown], messages: Sequence[Message]) -> Iterator[Finding]:
    """What one sender said one after the other is stored one after the other."""
    first: dict[str, int] = {}
    for line in lines:
        first.setdefault(line.text, line.seq)
    by_sender: defaultdict[str, list[Message]] = defaultdict(list)
    for message in sorted(messages, key=lambda message: message.number):
        if message.text in first:
            by_sender[message.sender].append(message)
    for sender, stored in by_sender.items():
        for before, after in pairwise(stored):
            if first[before.text] > first[after.text]:
                detail = f"{before.number} is {first[before.text]}, {after.number} is {first[after.text]}"
                yield Finding(Rule.ORDER, f"{conversation} {sender}", detail, after)


def _check_screen(screen: Screen, lines: Sequence[Shown]) -> Iterator[Finding]:
    where = f"{screen.conversation} at {screen.client}"
    for what in screen.noticed:
        yield Finding(Rule.NOTICED, where, what)
    expected = due(screen, lines)
    if screen.lines == expected:
        return
    for place, (shown, stored) in enumerate(zip(screen.lines, expected, strict=False), start=1):
        if shown != stored:
            yield Finding(Rule.SCREEN, where, f"line {place} shows {shown}, stored is {stored}")
            return
    yield Finding(Rule.SCREEN, where, f"{len(screen.lines)} lines are shown, {len(expected)} are stored")


def due(screen: Screen, lines: Sequence[Shown]) -> list[Shown]:
    """What this screen must show of the stored log."""
    seen = [Shown(line.seq, "hidden") if screen.of_visitor and line.kind == "note" else line for line in lines]
    if not screen.is_page:
        return seen
    return [line if line.kind == "message" else Shown(line.seq, line.kind) for line in seen if line.kind != "hidden"]


def _check_heard(run: Run) -> Iterator[Finding]:
    for heard in run.heard:
        own = {run.marks[conversation] for conversation in heard.conversations if conversation in run.marks}
        for mark in sorted(heard.marks - own):
            yield Finding(Rule.FOREIGN, heard.client, f"heard {mark}")
