"""What stands beside a word and says that it is a name: "called", "her partner", "Re:", "... told me he", also in Welsh.

Works on the few words before the place in question, so its cost does not depend on the text.
"""

import re

_REACH = 44
_SIGNS = str.maketrans('(/,;\u201c"', "      ")
_GAP = " ,(:=-\"'"
_LONGEST_GAP = 3


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PEOPLE = _words("""
client clients ex partner husband wife fiance fiancé fiancee fiancée boyfriend girlfriend victim perp perpetrator suspect
offender tenant patient user pupil mother father mum mam dad stepdad stepmum stepson stepdaughter stepfather stepmother
brother sister son daughter uncle aunt aunty auntie cousin nephew niece nan gran grandma grandad neighbour colleague friend
mate pal fella grandson granddaughter daughter-in-law son-in-law mother-in-law brother-in-law man woman lad girl boy bloke
guy chap child kid baby toddler eldest youngest twin sibling missus hubby bf gf defendant complainant resident student lady
gentleman female male bartner phartner gŵr gwr wraig fab ferch mab chariad fam tad cleient
""")
_SEVERAL = _words("kids children plant twins boys girls daughters sons parents grandparents siblings cousins")
_BEING = _words("is was are were yw ydy")
_LABELS = _words(
    "re name subject regarding concerning pop sub nominal vic perp client partner victim mum dad child perpetrator case"
)
_CALLED = _words("called named name's aka a.k.a a.k.a. enw'n")
_CALLED_PAIRS = {
    ("name", "is"), ("names", "are"), ("known", "as"), ("goes", "by"), ("enw", "yw"), ("enw", "ydy"), ("o'r", "enw"),
    ("cleient", "yw"),
}  # fmt: skip
_PERSON_PAIRS = {
    ("case", "of"), ("other", "half"), ("name", "is"), ("touch", "with"), ("scared", "of"), ("afraid", "of"), ("married", "to"),
    ("relationship", "with"), ("living", "with"), ("lives", "with"), ("worried", "about"), ("contact", "with"), ("back", "to"),
    ("sleeping", "with"), ("engaged", "to"), ("terrified", "of"), ("pregnant", "by"), ("split", "from"), ("separated", "from"),
}  # fmt: skip
_CALL = _words("call calls called")
_THEM = _words("him her them himself herself themselves")
_THINGS = _words("""
programme program project group course tool app service charity place pub town drug dog cat form order law thing it this
that unit team scheme training website book film shop street area band estate hostel school refuge club model approach
village company organisation agency workshop session podcast drink game site
""")
_BETWEEN = _words("is was now also which that's it's he's she's")
_PERSONS = _PEOPLE | _words("he she who they")


PERSON_AFTER = re.compile(
    r",? (?:who|he|she|his|her|aged|hit|punched|kicked|slapped|strangled|threatened|assaulted|stalks|stalked|lives|lived|born"
    r"|dob|d\.o\.b)\b|,? \(?\d{1,2}(?:\)|,| ?yrs?\b| ?y/?o\b| years old)",
    re.IGNORECASE,
)
# What only a person does; "says" and "has" are left out, for bodies do that too.
HUMAN_AFTER = re.compile(
    r" (?:(?:said|says|told|tells|reckons|thinks|admitted|denies|denied|claims|swears|insists|disclosed|confided)"
    r"(?: (?:that|me|us|the \w{2,12}|police|staff)){0,2} (?:he|she|his|her|him|my|that he|that she)"
    r"|(?:hit|punched|kicked|slapped|strangled|threatened|assaulted|stalks|choked|raped|bit|followed|grabbed|attacked|dragged"
    r"|texts|texted|messaged|rang|phoned|smashed|cried|sobbed) "
    r"|(?:has|had) (?:gone back|moved|left him|left her|two kids|\d kids|ptsd|adhd|a key|a knife|been (?:arrested|recalled"
    r"|released|charged|drinking|hit|strangled|bailed|sentenced))"
    r"|hasn't (?:turned|been|told|left)|didn't (?:turn|attend|want|show|tell)"
    r"|is (?:\d|on (?:bail|licence|remand|tag|probation|the run)|in (?:custody|prison|hospital|a refuge)"
    r"|pregnant|scared|terrified|his|her|their|the (?:victim|perp|mum|mother|dad|father|partner|ex|child|eldest|youngest))"
    r"|was (?:arrested|born|sentenced|hit|strangled)"
    r"|and (?:his|her|their) (?:baby|kids|partner|ex|mum|mam|dad|brother|sister|son|daughter|wife|husband)"
    r"|(?:wants|needs) to leave (?:him|her)|lives with|kicks off|drinks)"
    r"|'s (?:dad|mum|mam|mother|father|partner|ex|husband|wife|son|daughter|brother|sister|nan|gran|girlfriend|boyfriend"
    r"|solicitor|flat|ex-\w{4,10}|family|kids|children|baby|new partner|bail|licence|behaviour)\b"
)


def tail_before(text: str, start: int) -> str:
    return text[max(0, start - _REACH) : start].lower()


def _split(tail: str) -> tuple[list[str], str]:
    """The last words, and what stands between them and the place in question."""
    bare = tail.rstrip(_GAP)
    return bare.translate(_SIGNS).split()[-4:], tail[len(bare) :]


def follows_person(tail: str) -> bool:
    words, gap = _split(tail)
    if not words or not 0 < len(gap) <= _LONGEST_GAP:
        return False
    last = words[-1]
    if _is_person(last) or last in _SEVERAL or (last in _LABELS and gap.strip() != "" and gap[0] in " :=-"):
        return True
    before = words[-2] if len(words) > 1 else ""
    if last in _BEING and (_is_person(before) or before in _SEVERAL):
        return True
    return (before, last) in _PERSON_PAIRS


def _is_person(word: str) -> bool:
    return word in _PEOPLE or (word.startswith("ex-") and word != "ex-")


def follows_called(tail: str) -> bool:
    """Whether "called" or "her name is" stands before, said of a person and not of a programme or an app."""
    words, gap = _split(tail)
    if not words or not 0 < len(gap) <= _LONGEST_GAP or gap[0] not in " :":
        return False
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last in _CALLED:
        return not _is_thing(words[:-1])
    if (before, last) in _CALLED_PAIRS:
        return not _is_thing(words[:-2])
    return before in _CALL and last in _THEM


def _is_thing(words: list[str]) -> bool:
    while words and words[-1] in _BETWEEN:
        words = words[:-1]
    return bool(words) and words[-1].removesuffix("'s") in _THINGS


def follows_person_called(tail: str) -> bool:
    """The same for words in small letters, where "he called police" must pass."""
    words, gap = _split(tail)
    if not words or not 0 < len(gap) <= _LONGEST_GAP:
        return False
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if (
        last == "name's"
        or (last == "name" and ":" in gap)
        or (before, last) in _CALLED_PAIRS - {("goes", "by"), ("known", "as")}
    ):
        return True
    if last in ("called", "named") and before in _BEING:
        return len(words) > 2 and _is_person_or_pronoun(words[-3])
    if last in ("called", "named"):
        return before in _PEOPLE or before in ("he's", "she's", "who's")
    return False


def _is_person_or_pronoun(word: str) -> bool:
    return word in _PERSONS or _is_person(word)
