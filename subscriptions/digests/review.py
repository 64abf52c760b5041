"""What an editor should know of a digest before it goes out: its size, links, papers, picks."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from enum import Enum
from typing import NamedTuple
from urllib.parse import urlsplit

from lxml import html

from subscriptions import links
from subscriptions.models import Interest, Paper, Pick, Section

from .message import Digest
from .phone import inbox_row
from .preview import Preview

CLIPPED = 102 * 1024
"""Octets of HTML from which Gmail shows the beginning only."""
LONG_SUBJECT = 100
"""Characters; no program shows more."""
LONGEST, HOSTS = 80, 8
"""So many characters of a link, and so many hosts, are named."""
PERSONAL = (
    links.PREFERENCES, links.UNSUBSCRIBE, links.DIGEST, links.CONFIRM, links.SIGN_IN,
    links.NEW_ADDRESS,
)  # fmt: skip
_IN_TEXT = re.compile(r"(?:https?://|mailto:)[^\s<>\"]*[^\s<>\".,;:!?)]")


class Verdict(Enum):
    GOOD = "good"
    LOOK = "look"
    """It can go out; an editor should look at it."""
    BAD = "bad"
    """It should not go out like this."""


class Finding(NamedTuple):
    """What one check says, and of what: texts, each with its paper if it is about one."""

    verdict: Verdict
    said: str
    about: tuple[tuple[str, int | None], ...] = ()


def review(preview: Preview, topics: Collection[int] = ()) -> list[Finding]:
    """All checks of a digest that is not stored; ``topics`` are those of a reader made up.

    Links are looked at and not opened. Four queries at most.
    """
    return [
        _papers(preview),
        *_bare_papers(preview),
        _picks(preview, topics),
        _size(preview.digest),
        *_links(preview.digest),
        _subject(preview.digest),
    ]


def _papers(preview: Preview) -> Finding:
    if count := len(preview.digest.places):
        return Finding(Verdict.GOOD, f"{count} paper{'s' if count > 1 else ''}.")
    return Finding(Verdict.BAD, "There is nothing to send: this reader would get no mail.")


def _bare_papers(preview: Preview) -> Iterator[Finding]:
    items = [preview.delivery.items[place] for place in preview.digest.places]
    papers = Paper.objects.in_bulk([item["paper"] for item in items]).values()
    bare = tuple((paper.title, paper.pk) for paper in papers if not paper.abstract)
    if bare:
        yield Finding(Verdict.LOOK, "Papers without an abstract:", bare)
    here = tuple((p.title, p.pk) for p in papers if not (p.abstract_url or p.pdf_url))
    if here:
        yield Finding(Verdict.LOOK, "Papers that can be read nowhere else than here:", here)


def _picks(preview: Preview, topics: Collection[int]) -> Finding:
    """Which of the picks of these days are not shown, and why."""
    delivery, shown = preview.delivery, preview.digest.places
    reader, limit = delivery.subscriber, delivery.subscriber.max_papers // 2
    as_picks = {
        delivery.items[place]["paper"]
        for place in shown
        if delivery.items[place]["section"] == Section.PICKS
    }
    if reader.pk:
        theirs = Interest.objects.filter(subscriber=reader.pk, kind="topic", weight__gt=0)
        topics = set(theirs.values_list("topic", flat=True))
    days = delivery.first_day, delivery.newest_day
    picks = list(
        Pick.objects.filter(day__range=days)
        .exclude(paper__in=as_picks)
        .select_related("paper")
        .prefetch_related("topics")
        .order_by("day", "position")
    )

    def why(pick: Pick) -> tuple[Verdict, str]:
        only = pick.topics.all()
        if pick.paper.hidden:
            return Verdict.LOOK, f"hidden as {pick.paper.get_hidden_display()}"
        if Section.PICKS in reader.sections_off:
            return Verdict.GOOD, "this reader wants no picks"
        if only and not {topic.pk for topic in only} & set(topics):
            return Verdict.GOOD, f"for followers of {', '.join(t.name for t in only)} only"
        if len(as_picks) == limit:
            return Verdict.LOOK, f"the newest {limit} picks are shown, and no more"
        return Verdict.GOOD, "this reader was sent it before, or muted a phrase that is in it"

    reasons = [(pick, *why(pick)) for pick in picks]
    if reasons:
        worst = Verdict.LOOK if any(v is Verdict.LOOK for _, v, _ in reasons) else Verdict.GOOD
        about = tuple((f"{pick.paper.title}: {said}", pick.paper.pk) for pick, _, said in reasons)
        return Finding(worst, f"{len(as_picks)} picks are shown; these are not:", about)
    return Finding(Verdict.GOOD, "All picks are shown." if as_picks else "These days have no pick.")


def _size(digest: Digest) -> Finding:
    if digest.text_only:
        return Finding(Verdict.GOOD, "This reader gets plain text, which Gmail does not clip.")
    size = len(digest.html.encode())
    said = f"{size / 1024:.0f} KB of HTML; Gmail clips at 102 KB"
    if size >= CLIPPED:
        end = "its end, with the link to unsubscribe, is hidden"
        return Finding(Verdict.BAD, f"Gmail will clip this mail: {end}. {said}.")
    if digest.left_out:
        told = f"Too large for {digest.left_out} of its papers, left to the web version"
        return Finding(Verdict.LOOK, f"{told}. {said}.")
    return Finding(Verdict.GOOD, f"{said}: it is shown whole.")


def _links(digest: Digest) -> Iterator[Finding]:
    bodies = {"text": _IN_TEXT.findall(digest.text)}
    if not digest.text_only:
        bodies["HTML"] = [link for _, _, link, _ in html.fromstring(digest.html).iterlinks()]
    found = [link for body in bodies.values() for link in body]
    faults = [fault for link in found if (fault := link_fault(link))]
    for kind, body in bodies.items():
        for name, link in (("Unsubscribe", links.UNSUBSCRIBE), ("Preferences", links.PREFERENCES)):
            if link.url(None) not in body:
                faults.append(f"{name} is not linked in the {kind}.")
    if faults:
        yield Finding(
            Verdict.BAD, "Links:", tuple((fault, None) for fault in dict.fromkeys(faults))
        )
        return
    hosts = Counter(urlsplit(link).hostname or "mailboxes" for link in found).most_common(HOSTS)
    named = ", ".join(f"{host} ({count})" for host, count in hosts)
    yield Finding(Verdict.GOOD, f"{len(found)} links, all whole addresses: {named}.")
    own = sum(_of_reader(link) == "preview" for link in found)
    yield Finding(Verdict.GOOD, f"{own} of them are signed for each reader, and lead nowhere here.")


def link_fault(link: str) -> str:
    """What is wrong with a link of a digest that is not stored; empty where nothing is."""
    shown = link if len(link) <= LONGEST else f"{link[:LONGEST]}…"
    try:
        scheme, host, path = (parts := urlsplit(link)).scheme, parts.hostname, parts.path
    except ValueError:
        return f"“{shown}” is no address."
    if not link.strip():
        return "A link is empty."
    if scheme == "mailto":
        return "" if "@" in path else f"“{shown}” names no mailbox."
    if scheme not in ("http", "https") or not host:
        return f"“{shown}” is not a whole address that begins with https://."
    if _of_reader(link) not in ("", "preview"):
        return f"“{shown}” is one reader’s own link: whoever gets it could act for them."
    return ""


def _of_reader(link: str) -> str:
    """The token of a link for one reader; ``preview`` where it leads nowhere, empty for others."""
    for personal in PERSONAL:
        before, _, _ = personal.url(None).partition("preview/")
        if link.startswith(before):
            return link.removeprefix(before).partition("/")[0]
    return ""


def _subject(digest: Digest) -> Finding:
    subject = inbox_row(digest).subject
    said = f"The subject has {len(subject.text)} characters"
    if subject.shown < len(subject.text):
        said += f"; a phone shows the first {subject.shown}"
    long = len(subject.text) > LONG_SUBJECT
    return Finding(Verdict.LOOK if long else Verdict.GOOD, f"{said}.")
