"""What an article may hold, and what becomes of everything else."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.markdown import (
    TooComplex,
    TooManyImages,
    Undescribed,
    contents,
    images_in,
    is_safe_link,
    plain_text,
    render_markdown,
)

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java&Tab;script:alert(1))",
    "[x](vbscript:x)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](\\\\evil.example)",
    "[x](/admin)",
    "[x](http://evil.example)",
    "[x](https://user@evil.example)",
    "![pixel](https://evil.example/p.gif)",
    "![x](data:image/png;base64,AAAA)",
    '[x](https://example.org "a\\" onmouseover=alert(1) b")',
    "[r]\n\n[r]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "::: check <script>alert(1)</script>\nx\n:::",
    '::: warning" onload="x\nx\n:::',
    "# <b onclick=x>a</b>",
    "{{ 7 * 7 }}",
    "`<b>`\n\n```html\n<script>\n```",
    "<div style=x><style>*{}</style><iframe srcdoc=x></iframe>",
    "<!-- --><![CDATA[x]]><?php x ?><!DOCTYPE x>",
    "[x](&#x6A;&#x61;vascript&colon;alert(1))",
    "[x](javascript&#58;alert(1))",
    "[x](\u0001javascript:alert(1))",
    "[x](java\u0000script:alert(1))",
    "[x](jav\u00adascript:alert(1))",
    "[x](https:javascript:alert(1))",
    "[x](https://example.org\u202e/gro)",
    "[x](/guidance/../editor)",
    "[x](/guidance/clares-law?version=1)",
    "[x](/guidance/clares-law#top)",
    "[x](#main-content)",
    "[x](sms:999)",
    "[x](mailto:a@b.org?body=x)",
    "[x](tel:999;ext=1)",
    '[x](<https://example.org/" onmouseover=alert(1) x=">)',
    "[x](https://example.org 'a\"b\\'c')",
    '[![x](javascript:alert(1) "t")](javascript:alert(2))',
    '[r]\n\n[r]: <data:text/html,x> "\'><script>"',
    "<https://example.org/><img src=x>",
    "![x](/guidance/images/../../static/x.webp)",
    "![x](//evil.example/guidance/images/x.webp)",
    "![x](https://evil.example/guidance/images/" + "a" * 32 + "-1x1.webp)",
    "![x](/guidance/images/" + "a" * 32 + "-1x1.webp?x=1)",
    "![x](/guidance/images/" + "a" * 32 + "-1x1.svg)",
    '![" onerror=alert(1) x="](/guidance/images/' + "a" * 32 + "-1x1.webp '\" onload=x')",
    "![<b>](/guidance/images/" + "a" * 32 + "-1x1.webp)",
    "## <a id=main-content>x</a> {#main-content onclick=x}",
    "a\u202eb\u2066c\u200fd",
    "a\u0000b",
    "| <b> | `|` |\n|--|--|\n| ![x](javascript:x) | </td><script> |",
    "::: rhybudd <img src=x>\nx\n:::",
]
PICTURE = f"/guidance/images/{'a' * 32}-800x600.webp"
TAGS = re.compile(r"<(/?[a-z0-9]+)([^<>]*)>")
ALLOWED_TAGS = set(
    re.findall(r"\w+", "p h2 h3 h4 ul ol li blockquote pre code em strong s hr br a div img table thead tbody tr th td")
)
ALLOWED_ATTRIBUTES = {"href", "rel", "id", "class", "role", "tabindex", "aria-label", "scope", "start"}
ALLOWED_ATTRIBUTES |= {"src", "alt", "width", "height", "loading"}


def assert_harmless(html: str) -> None:
    for name, attributes in TAGS.findall(html):
        assert name.strip("/") in ALLOWED_TAGS, html
        assert set(re.findall(r"([^\s=\"]+)=\"", attributes)) <= ALLOWED_ATTRIBUTES, html
    for address in re.findall(r'href="([^"]*)"', html):
        assert re.match(r"https://|mailto:|tel:|/guidance\b|#s-", address), html
        assert not address.startswith("//"), html
    for address in re.findall(r'src="([^"]*)"', html):
        assert re.fullmatch(r"/guidance/images/[0-9a-f]{32}-\d+x\d+\.webp", address), html
    for anchor in re.findall(r'id="([^"]*)"', html):
        assert anchor.startswith("s-"), html


@pytest.mark.parametrize("source", HOSTILE)
def test_hostile_text_is_harmless(source: str) -> None:
    html = render_markdown(source)
    assert_harmless(html)
    assert "javascript:" not in "".join(re.findall(r"<[^>]*>", html)).lower()


@given(st.text(alphabet="<>[]()!#*_`~|:-&;\"'/\\ \nabjs{}=+1", max_size=300))
@settings(max_examples=150, deadline=None)
def test_no_text_makes_other_tags(source: str) -> None:
    assert_harmless(render_markdown(source))


def test_html_is_shown_as_text() -> None:
    assert "&lt;b&gt;bold&lt;/b&gt;" in render_markdown("<b>bold</b>")
    assert "{{ 7 * 7 }}" in render_markdown("{{ 7 * 7 }}")


def test_a_picture_is_only_its_description() -> None:
    assert render_markdown("![a map](https://example.org/p.gif)") == "<p>a map</p>\n"


def test_a_picture_of_ours_is_shown_with_its_size_and_what_it_shows() -> None:
    html = render_markdown(f'![The **three** "doors"]({PICTURE} "title")')
    assert html == (
        f'<p><img src="{PICTURE}" alt="The three &quot;doors&quot;" width="800" height="600" loading="lazy"></p>\n'
    )
    assert images_in(html + html) == [PICTURE.rpartition("/")[2]]
    assert plain_text(html) == 'The three "doors"'


@pytest.mark.parametrize("words", ["", "  ", "\n"])
def test_a_picture_without_a_description_is_refused(words: str) -> None:
    with pytest.raises(Undescribed):
        render_markdown(f"![{words}]({PICTURE})")


def test_pictures_are_bounded() -> None:
    with pytest.raises(TooManyImages):
        render_markdown(f"![x]({PICTURE})\n\n" * 51)


def test_boxes_of_a_welsh_text_say_what_they_are_in_welsh() -> None:
    html = render_markdown(
        "::: gwirio 2026-11-02\nx\n:::\n\n::: rhybudd\nx\n:::\n\n::: camau\nx\n:::\n\n::: sampl\nx\n:::"
    )
    assert "<strong>Gwiriwch cyn defnyddio: gwiriwyd ddiwethaf 2 Tachwedd 2026</strong>" in html
    assert '<div class="callout callout--warning" role="note">\n<p class="callout__title"><strong>Rhybudd' in html
    assert "<strong>Cam wrth gam</strong>" in html
    assert "<strong>Testun enghreifftiol</strong>" in html


def test_links_lead_where_editors_may_link() -> None:
    html = render_markdown(
        "[a](https://example.org/x?y=1) [b](/guidance/clares-law#s-who) [c](tel:08088024040) [d](mailto:a@b.org)"
    )
    assert '<a href="https://example.org/x?y=1" rel="noopener noreferrer">a</a>' in html
    assert '<a href="/guidance/clares-law#s-who">b</a>' in html
    assert '<a href="tel:08088024040">c</a>' in html
    assert '<a href="mailto:a@b.org">d</a>' in html
    assert is_safe_link("https://example.org")
    assert not is_safe_link("https://")


def test_a_link_without_words_shows_its_address() -> None:
    assert ">https://example.org/</a>" in render_markdown("[](https://example.org/)")


def test_boxes_say_what_they_are_in_words() -> None:
    html = render_markdown(
        "::: check 2026-11-02\nIt may differ.\n:::\n\n::: warning\nStop.\n:::\n\n::: steps\n1. One\n:::\n\n::: sample\nx\n:::"
    )
    assert "<strong>Check before use: last checked 2 November 2026</strong>" in html
    assert '<div class="callout callout--warning" role="note">' in html
    assert "<strong>Step by step</strong>" in html
    assert "<strong>Sample text</strong>" in html


def test_a_date_that_is_none_leaves_the_box() -> None:
    assert "<strong>Check before use</strong>" in render_markdown("::: check 2026-02-31\nx\n:::")


def test_headings_begin_below_the_title_and_have_own_ids() -> None:
    html = render_markdown("# Who\n\n## Who\n\n##### Deep `x`\n\n## 🙂")
    assert '<h2 id="s-who">Who</h2>' in html
    assert '<h2 id="s-who-2">Who</h2>' in html
    assert [(line.level, line.id, line.text) for line in contents(html)] == [
        (2, "s-who", "Who"),
        (2, "s-who-2", "Who"),
        (4, "s-deep-x", "Deep x"),
        (2, "s-section", "🙂"),
    ]


def test_a_table_has_a_name_scrolls_and_says_its_headings() -> None:
    html = render_markdown("## Two ways\n\n| | Ask |\n|---|:-:|\n| Who | You |\n")
    assert '<div class="table-scroll" role="region" tabindex="0" aria-label="Table: Two ways">' in html
    assert '<th scope="col">Ask</th>' in html
    assert '<th scope="row">Who</th>' in html
    assert "style" not in html


def test_three_hundred_columns_are_too_complex() -> None:
    with pytest.raises(TooComplex):
        render_markdown("|" + "a|" * 300 + "\n|" + "-|" * 300 + "\n" + ("|" + "a|" * 300 + "\n") * 10)


def test_output_is_bounded() -> None:
    with pytest.raises(TooComplex):
        render_markdown("#\n" * 12_000 + "\n|" + "a|" * 38 + "\n|" + "-|" * 38 + "\n" + "|a\n" * 12_000)


def test_plain_text_keeps_words_apart() -> None:
    assert plain_text(render_markdown("One **t**wo\n\n| a | b |\n|---|---|\n| c | d & e |")) == "One two a b c d & e"
