"""The short texts that every page's footer leads to. They promise what the service does, in words that can be kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Text:
    heading: str
    body: Markup
    updated_on: date


WRITTEN_ON = date(2026, 11, 22)

ACCESSIBILITY = Markup("""
<p>We want everybody who needs advice to be able to use this service, in the way that suits them.</p>
<h2>What you can do</h2>
<ul>
<li>use every page with a keyboard only, and with a screen reader</li>
<li>zoom in to 400% without losing anything, also on a narrow screen</li>
<li>use every public page, and the chat itself, with scripts switched off</li>
<li>take as long as you need: nothing that you type is lost because time ran out</li>
<li>print guidance and transcripts, or save them as text or PDF</li>
</ul>
<h2>How accessible it is</h2>
<p>It is built to meet the Web Content Accessibility Guidelines 2.2 at level AA, and is tested by machine on every change.
If something does not work for you, tell us on the phone line above: we want to know.</p>
<h2>In the chat</h2>
<p>New messages are announced by screen readers without moving you away from what you are writing. Sounds are off until you
switch them on. Shift, pressed three times, leaves the site at once.</p>
""")

CONFIDENTIALITY = Markup("""
<p>What you tell us is confidential to the service: not to the one advisor you speak to, but to the team. An advisor may
ask a supervisor how best to help you, and a supervisor may join the conversation openly.</p>
<h2>When we may have to share</h2>
<p>We may have to share what you said, with those who can act, when</p>
<ul>
<li>a child or an adult is at risk of serious harm, and we know who they are</li>
<li>somebody threatens serious harm to another person</li>
<li>the law requires it, for example by order of a court.</li>
</ul>
<p>We tell you first, unless that would put somebody in more danger.</p>
<h2>What we ask you to leave out</h2>
<p>Names, addresses, dates of birth, case numbers and anything else that shows who somebody is. You are warned when a
message seems to hold something of the kind, before it is sent.</p>
<h2>What is kept</h2>
<p>You need no account, and we do not ask who you are. The text of a conversation is encrypted with a key of its own and is
destroyed with that key after the time shown on the first page and at the end of the conversation. Numbers that identify
nobody stay for statistics. Supervisors read a conversation only with a reason, and the reading is on record.</p>
<p>The longer version stands in the guidance: <a href="/guidance/confidentiality">Confidentiality and when we share</a>.</p>
""")

COOKIES = Markup("""
<p>This service sets only the cookies that it needs to work. None of them follows you, and nothing is loaded from other
sites.</p>
<table>
<thead><tr><th scope="col">Name</th><th scope="col">What it is for</th><th scope="col">How long</th></tr></thead>
<tbody>
<tr><td>form</td><td>proves that a form was sent from this site's own page</td><td>until you close the browser</td></tr>
<tr><td>visitor</td><td>opens your conversation, and no other</td><td>until you close the browser or exit and clear</td></tr>
<tr><td>ticket</td><td>shows you your code again while you write it down; encrypted</td><td>one hour</td></tr>
<tr><td>session</td><td>keeps staff signed in</td><td>until they sign out</td></tr>
</tbody>
</table>
""")

TEXTS: Mapping[str, Text] = {
    "accessibility": Text("Accessibility", ACCESSIBILITY, WRITTEN_ON),
    "confidentiality": Text("Confidentiality", CONFIDENTIALITY, WRITTEN_ON),
    "cookies": Text("Cookies", COOKIES, WRITTEN_ON),
}
"""By the path at which each stands."""
