"""Who may at every door, as tables: what tests/app/test_access_matrix.py holds against the service.

A cell is the status of the answer; an area names the people who may enter, as tests/app/access_world.py knows them.
"""

import hashlib
import re

from core.doors import Door
from tests.app.access_world import STAFF, VISITORS

Row = dict[str, str]

DESK_ADDRESS, SUPERVISED_ADDRESS = "/desk/conversations/{reference}", "/supervise/conversations/{reference}"


class Unmade:
    """In the place of every part, so that the route table can be read without a database."""

    def __getattr__(self, name: str) -> "Unmade":
        return self


def name_of(door: Door) -> str:
    (method,) = door.methods
    return f"{method} {door.path}"


def read_table(text: str, address: str = "") -> dict[str, list[str]]:
    """By door, its cells."""
    rows = [line.split() for line in text.strip().splitlines()[1:]]
    return {f"{method} {re.sub('^[.]', address, path)}": cells for method, path, *cells in rows}


AREAS = {
    "anybody": frozenset({*VISITORS, *STAFF}),
    "staff": frozenset(STAFF),
    "desk": frozenset({"cora", "dev", "con", "joe", "fay", "sue"}),
    "advisors": frozenset({"cora", "dev", "con", "joe", "fay"}),
    "supervisors": frozenset({"sue"}),
    "opening": frozenset({"sue", "alf"}),
    "editors": frozenset({"eve"}),
}
"""Whoever of staff is in none of a door's area gets 403 there; who is not signed in is sent to do so."""

PAGES = read_table("""
door                                  area         found missing
GET /                                 anybody      200   -
GET /accessibility                    anybody      200   -
GET /confidentiality                  anybody      200   -
GET /cookies                          anybody      200   -
GET /signpost/{kind}                  anybody      200   404
GET /ask                              anybody      200   -
POST /ask                             anybody      422   -
POST /chat/forget                     anybody      303   -
GET /resume                           anybody      200   -
POST /resume                          anybody      422   -
GET /guidance                         anybody      200   -
GET /guidance/feed.atom               anybody      200   -
POST /sign-in                         anybody      422   -
GET /healthz                          anybody      200   -
GET /readyz                           anybody      200   -
GET /metrics                          anybody      404   -
POST /sign-out                        staff        303   -
GET /account                          staff        200   -
POST /account/password                staff        422   -
POST /account/sessions/end            staff        303   -
POST /account/sessions/{number}/end   staff        303   303
GET /desk                             desk         200   -
GET /desk/events                      desk         200   -
GET /desk/poll                        desk         200   -
POST /desk/presence                   advisors     200   -
POST /desk/next                       advisors     200   -
POST /desk/notices/seen               desk         303   -
GET /desk/replies                     desk         200   -
POST /desk/replies                    desk         200   -
GET /supervise                        supervisors  200   -
POST /supervise/line                  supervisors  200   -
GET /supervise/hours                  opening      200   -
POST /supervise/hours                 opening      422   -
POST /supervise/hours/closures        opening      422   -
POST /supervise/hours/closures/{number}/remove  opening  303  303
POST /supervise/hours/holidays        opening      422   -
GET /supervise/reports                supervisors  200   -
GET /supervise/reports/{table}.csv    supervisors  200   404
GET /editor                           editors      200   -
GET /editor/new                       editors      200   -
POST /editor/new                      editors      422   -
POST /editor/preview                  editors      200   -
GET /editor/synonyms                  editors      200   -
POST /editor/synonyms                 editors      422   -
POST /editor/synonyms/{number}        editors      422   404
POST /editor/synonyms/{number}/delete  editors     303   404
GET /editor/images                    editors      200   -
POST /editor/images                   editors      422   -
POST /editor/images/{name}/remove     editors      409   404
GET /editor/{slug}                    editors      200   404
POST /editor/{slug}                   editors      422   404
POST /editor/{slug}/here              editors      200   404
POST /editor/{slug}/withdraw          editors      422   404
GET /editor/{slug}/review             editors      200   404
POST /editor/{slug}/review            editors      409   404
POST /editor/{slug}/send-back         editors      422   404
POST /editor/{slug}/cancel            editors      409   404
POST /editor/{slug}/publish           editors      409   404
GET /editor/{slug}/history            editors      200   404
GET /editor/{slug}/compare            editors      200   404
POST /editor/{slug}/restore           editors      404   404
GET /editor/{slug}/feedback           editors      200   404
GET /editor/gaps                      editors      200   -
""")
"""`found`: what answers an almost empty form. `missing`: what is named in the address does not exist."""

FOR_PROGRAMS = frozenset({"GET /desk/events", "GET /desk/poll", "POST /desk/read", "POST /desk/typing"})
"""Doors that lead nobody to the sign-in page."""

VISITORS_OWN = read_table("""
door                      waiting active ended nobody
GET /chat                 200     200    200   303
POST /chat/messages       303     303    409   303
POST /chat/question       303     409    409   303
GET /chat/events          200     200    200   401
GET /chat/poll            200     200    200   401
POST /chat/read           204     204    204   401
POST /chat/typing         204     204    204   401
POST /chat/leave          303     303    303   303
POST /chat/opened         204     204    404   404
POST /chat/feedback       409     409    303   303
GET /chat/transcript      200     200    200   303
GET /chat/transcript.txt  200     200    200   303
GET /chat/transcript.pdf  200     200    200   303
""")
"""What Ada's browser gets. `nobody`: without a cookie, with one that opens nothing, or no longer; staff, too."""

AT_DESK = read_table(
    """
door                       area       active: cora dev con joe fay sue  ended: cora dev con joe fay sue  waiting: dev sue
GET .                      desk       200 404 200 200 404 404           200 404 200 200 404 404          404 404
POST ./accept              advisors   200 409 409 409 409 403           409 404 404 404 404 403          200 403
POST ./decline             advisors   403 409 409 409 409 403           409 404 404 404 404 403          200 403
POST ./messages            desk       303 404 403 303 409 404           409 404 403 409 409 404          404 404
POST ./notes               desk       303 404 303 303 409 404           303 404 303 303 409 404          404 404
POST ./share               desk       200 404 403 200 409 404           409 404 409 409 409 404          404 404
POST ./dismiss             desk       200 404 200 200 409 404           200 404 200 200 409 404          404 404
POST ./nothing-fits        desk       200 404 200 200 409 404           200 404 200 200 409 404          404 404
POST ./draft               desk       204 404 204 204 204 404           204 404 204 204 204 404          404 404
POST ./transfer            desk       200 404 403 403 409 404           409 404 403 403 409 404          404 404
POST ./invite              desk       200 404 403 403 409 404           409 404 403 403 409 404          404 404
POST ./guests/{account_id}/dismiss  desk  200 404 403 403 409 404       200 404 403 403 409 404          404 404
POST ./leave               desk       422 404 200 200 409 404           422 404 200 200 409 404          404 404
POST ./regrade             desk       200 404 403 403 409 404           409 404 403 403 409 404          404 404
POST ./redact              desk       200 404 403 403 409 404           200 404 403 403 409 404          404 404
POST ./nudge               desk       409 404 403 403 409 404           409 404 403 403 409 404          404 404
POST ./end                 desk       200 404 403 403 409 404           200 404 200 200 409 404          404 404
GET ./wrap-up              desk       409 404 403 403 404 404           200 404 403 403 404 404          404 404
POST ./wrap-up             desk       409 404 403 403 404 404           422 404 403 403 404 404          404 404
POST /desk/invitations/{reference}/accept   advisors  404 404 200 200 404 403  404 404 200 200 404 403   404 403
POST /desk/invitations/{reference}/decline  advisors  404 404 404 404 404 403  404 404 404 404 404 403   404 403
POST /desk/read            desk       204 404 204 204 404 404           404 404 404 404 404 404          404 404
POST /desk/typing          desk       204 404 204 204 404 404           404 404 404 404 404 404          404 404
""",
    DESK_ADDRESS,
)
"""`.` is the conversation's address. Fay, who had it once, keeps what she had written (409 `assignment_lost`, or as a draft)."""

SUPERVISED = read_table(
    """
door                waiting active ended
GET .               200     200    200
POST ./join         409     200    409
POST ./advise       409     200    409
POST ./regrade      200     200    409
POST ./reassign     200     200    409
POST ./read         200     200    200
""",
    SUPERVISED_ADDRESS,
)
"""What Sue gets; nobody else enters."""

GUIDANCE = read_table("""
door                              public       after_enquiry  advisors     draft        missing
GET /guidance/{slug}              200 200 200  404 200 200    404 404 200  404 404 404  404 404 404
GET /guidance/{slug}.md           200 200 200  404 200 200    404 404 200  404 404 404  404 404 404
POST /guidance/{slug}/helpful     303 303 303  404 303 303    404 404 303  404 404 404  404 404 404
""")
"""For a stranger, for Ada, for any of staff."""

IMAGES = read_table("""
door                              public       after_enquiry  advisors     draft        missing
GET /guidance/images/{name}       200 200 200  404 200 200    404 404 200  404 404 200  404 404 404
""")
"""The same for a picture that only an article of this audience shows; `draft`: that no article shows."""

REPLIES = read_table("""
door                                own:    cora sue eve  shared:  cora sue eve  another's: cora sue eve  missing: cora sue eve
POST /desk/replies/{number}                 200  200 403           403  200 403             404  404 403           404  404 403
POST /desk/replies/{number}/delete          200  200 403           403  200 403             404  404 403           404  404 403
""")
"""Saved replies: one's own, those that all have, and those of a colleague."""

ELSEWHERE = {"GET /sign-in": "shows staff to their pages"}
"""Doors whose answer is another kind of thing, with a test of their own."""

FIELDS: dict[str, Row] = {
    "/desk/presence": {"state": "online"},
    "/desk/read": {"conversation": "{reference}", "seq": "1"},
    "/desk/typing": {"conversation": "{reference}"},
    "/chat/read": {"seq": "1"},
    "/chat/opened": {"article": "public"},
    "/chat/feedback": {"helpful": "4"},
    "/supervise/line": {"open": "yes"},
    "/messages": {"text": "Good morning."},
    "/notes": {"text": "Called back."},
    "/share": {"article": "public"},
    "/conversations/{reference}/dismiss": {"article": "public"},
    "/nothing-fits": {"shown": "public"},
    "/draft": {"text": "Half a"},
    "/transfer": {"to": "queue"},
    "/invite": {"to": "{dev's id}", "purpose": "consult"},
    "/regrade": {"urgency": "same_day", "reason": "Court tomorrow."},
    "/redact": {"seq": "1", "reason": "A name."},
    "/advise": {"text": "Ask about the children."},
    "/reassign": {"to": "{dev's id}"},
    "/conversations/{reference}/read": {"reason": "A complaint."},
    "/helpful": {"helpful": "yes"},
    "/desk/replies": {"name": "Thanks", "text": "Thank you."},
    "/desk/replies/{number}": {"name": "Thanks", "text": "Thank you."},
}
"""What opens a door for who may, by how its address ends."""


def picture_of(kind: str) -> str:
    """Its name: made from what is in it."""
    return f"{hashlib.sha256(kind.encode()).hexdigest()[:32]}-40x30.webp"


FOUND = {
    "name": picture_of("public"),
    "kind": "not_work_public",
    "number": "1",
    "table": "periods",
    "slug": "public",
    "account_id": "{con's id}",
}
MISSING = {
    "name": picture_of("nothing"),
    "kind": "nothing",
    "number": "999999",
    "table": "nothing",
    "slug": "nothing",
    "account_id": "{con's id}",
}


KNOWN = {*PAGES, *VISITORS_OWN, *AT_DESK, *SUPERVISED, *GUIDANCE, *REPLIES, *IMAGES, *ELSEWHERE}


def fields_of(door: str) -> Row:
    fitting = [ending for ending in FIELDS if door.endswith(ending)]
    return FIELDS[max(fitting, key=len)] if fitting else {}


def filled(door: str, names: Row) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: names.get(name[1], name[0]), door)
