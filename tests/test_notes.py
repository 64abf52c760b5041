"""Editors' Markdown: what it may become, whatever was typed."""

import html as escaping
import re

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions import notes
from subscriptions.numbering import MARK

MARKS = [
    "*", "**", "_", "`", "```", "> ", "- ", "1. ", "# ", "[", "](", ")", "![", "<", ">", "\n",
    "\n\n", "    ", "\\", "&amp;", "---", "https://a.example/b?c=d&e=f", "mailto:a@b.example",
    "javascript:x()", "data:text/html,x", "//c.example", "<script>", "</style>", "<!--",
    "<img src=x onerror=y>", "[a]: http://d.example", "\u202e", "\u2066", "\0", "\x02", "words",
    " ", "אב", '"',
]  # fmt: skip
texts = st.one_of(
    st.lists(st.sampled_from(MARKS), max_size=40).map("".join),
    st.text(st.characters(exclude_categories=["Cs"])),
)


@given(texts)
def test_only_what_is_allowed(text: str) -> None:
    html = notes.html(text)
    for element in lxml.html.fragment_fromstring(html, create_parent="div").iterdescendants():
        assert element.tag in notes.TAGS
        assert set(element.attrib) <= {"href", "rel", "start"}
        if element.tag == "a":
            assert re.match(r"https?://[^/]|mailto:", element.attrib["href"])
            assert "noopener" in element.attrib["rel"]
    assert not re.search("[\0-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]", html + notes.text(text))


@given(texts)
def test_every_link_is_in_the_text(text: str) -> None:
    plain, numbered = notes.text(text), notes.links(text)
    assert plain.count(MARK) == len(numbered)
    hrefs = [escaping.unescape(href) for href in re.findall('href="([^"]*)"', notes.html(text))]
    assert set(numbered) <= set(hrefs)
    assert all(href in plain for href in hrefs if href not in numbered)


@given(st.lists(texts, max_size=30).map(" ".join))
def test_lines_of_the_text_fit(text: str) -> None:
    for line in notes.text(text).split("\n"):
        assert len(line) <= notes.WIDTH or len(max(line.split(), key=len)) > notes.WIDTH - 40


@given(texts, st.integers(10, 3000))
def test_a_note_is_shortened_to_what_its_html_may_take(text: str, octets: int) -> None:
    short = notes.shortened(text * 9, octets)
    assert len(notes.html(short).encode()) <= octets
    assert short == text * 9 or short.endswith("…")


def test_a_shortened_note_ends_after_a_word_and_closes_what_it_opened() -> None:
    note = "> **Worth an evening.** [Code](https://a.example/) and some *more words to read*"
    assert notes.shortened(note, 1000) == note
    assert notes.shortened(note, 150).endswith("…")
    html = notes.html(notes.shortened(note, 150))
    assert html.startswith("<blockquote>") and html.endswith("</blockquote>")


@pytest.mark.parametrize(
    ("text", "html", "plain"),
    [
        ("One\ntwo <b> & 5 * 3 * 2", "<p>One<br>\ntwo &lt;b&gt; &amp; 5 * 3 * 2</p>", None),
        ("a_b_c &amp; \\alpha --\n---", "<p>a_b_c &amp;amp; \\alpha --<br>\n---</p>", None),
        ("*A* **b** `c*d`", "<p><em>A</em> <strong>b</strong> <code>c*d</code></p>", "A b c*d"),
        ("# Now", "<p><strong>Now</strong></p>", "Now"),
        ("[x](javascript:y)", "<p>[x](javascript:y)</p>", None),
        ("[x](/y) [z](//a.b)", "<p>[x](/y) [z](//a.b)</p>", None),
        ("[x]() *[y]()*", "<p>x <em>y</em></p>", "x y"),
        ("> a\n> b", "<blockquote>\n<p>a<br>\nb</p>\n</blockquote>", "> a\n> b"),
        ("- a\n- b\n  c", "<ul>\n<li>a</li>\n<li>b<br>\nc</li>\n</ul>", "- a\n- b\n  c"),
        ("a\u202eb\0c", "<p>ab c</p>", "ab c"),
    ],
)  # fmt: skip
def test_what_is_written(text: str, html: str, plain: str | None) -> None:
    """None: as typed."""
    assert notes.html(text) == html
    assert notes.text(text) == (text if plain is None else plain)


def test_links_in_the_text() -> None:
    text = "See [the code](https://a.example/?b&c), <https://d.example>,\n[us](mailto:e@f.example)"
    assert notes.text(text) == f"See the code [{MARK}], https://d.example,\nus [{MARK}]"
    assert notes.links(text) == ["https://a.example/?b&c", "mailto:e@f.example"]


def test_long_lines_of_a_list_and_of_a_quotation_keep_their_place() -> None:
    lines = notes.text(f"- {'word ' * 30}\n\n> {'word ' * 30}").split("\n")
    assert [line[:3] for line in lines if line] == ["- w", "  w", "  w", "> w", "> w", "> w"]
    assert max(map(len, lines)) <= notes.WIDTH


@pytest.mark.parametrize("mark", ["[", "*", "> ", "- ", "[a](", "`a", "_*", "<a", "![[", "\\"])
def test_a_million_marks_are_cut_before_they_are_read(mark: str) -> None:
    assert len(notes.html(mark * 1_000_000)) < 20 * notes.LONGEST
    assert len(notes.text(mark * 1_000_000)) < 5 * notes.LONGEST
