"""One reader's message: compiled pieces, joined with the reader's own values."""

import datetime as dt
from bisect import bisect_left
from collections.abc import Hashable, Sequence
from functools import lru_cache
from itertools import count, islice

from django.utils.translation import gettext

from subscriptions import emails, links
from subscriptions.models import Delivery, Item, Section
from subscriptions.notes import clean

from .compile import PRESENT, CardPlace, compile_body
from .content import (
    ABSTRACT_LENGTHS,
    Content,
    Days,
    Missing,
    clip,
    frame_context,
    item_context,
    reason_of,
)
from .headers import Headers
from .message import BUDGET, Card, Digest, Pair, filled, fits
from .pieces import KEPT_VALUES

HEADLINE_LENGTH = 70
SECTIONS = PICKS, _, TRENDING = [section.value for section in Section]
ORDER = {section: n for n, section in enumerate(SECTIONS)}


class Composer:
    """The compiled templates, and what was made of them for the papers of one Content.

    Raises CannotCut for templates that cannot be compiled.
    """

    def __init__(self, content: Content) -> None:
        self.content = content
        self._html = compile_body("email/digest/body.html", "email/digest/_card.html", "django")
        self._text = compile_body("email/digest/body.txt", "email/digest/_card.txt", "text")
        self._preferences = links.PREFERENCES.maker()
        self._unsubscribe = links.UNSUBSCRIBE.maker()
        self._feedback = links.DIGEST.maker()
        self._headers = Headers()
        self._frames: dict[Hashable, Pair] = {}
        self._pieces: dict[Hashable, Pair] = {}
        self._cards: dict[Hashable, Card] = {}

    def compose(self, delivery: Delivery, date: dt.datetime) -> Digest:
        """The message of one delivery, with ``List-Unsubscribe`` by one click (RFC 8058).

        Its HTML stays below BUDGET: abstracts are shortened, then the last papers left out.
        In one that is not stored, a preview, the personal links lead nowhere: others see it.
        """
        subscriber = delivery.subscriber
        owner = subscriber.pk if delivery.pk else None
        days = delivery.first_day, delivery.newest_day
        items = self.content.shown(delivery)
        items.sort(key=_section)
        sections = [item["section"] for _, item in items]
        words = self.content.words(days)

        def frame(shown: int) -> Pair:
            counts = tuple((s, n) for s in SECTIONS if (n := sections[:shown].count(s)))
            left_out = len(sections) - shown
            return self._frame(subscriber.cadence, days, *words, counts, left_out)

        feedback_url, unsubscribe_url = self._feedback(delivery.pk), self._unsubscribe(owner)
        headers = self._headers.of(delivery, unsubscribe_url, date)

        def digest(cards: list[Card]) -> Digest:
            return Digest(
                sender=self._headers.envelope_sender(delivery),
                recipient=subscriber.email,
                subject=self._subject(items),
                headers=headers,
                boundary=b"=_digest-%d" % (delivery.pk or 0),
                text_only=subscriber.text_only,
                frame=frame(len(cards)),
                cards=cards,
                places=[place for place, _ in items[: len(cards)]],
                urls={
                    "preferences_url": self._preferences(owner),
                    "unsubscribe_url": unsubscribe_url,
                    "web_url": feedback_url,
                },
                feedback_url=feedback_url,
                left_out=len(items) - len(cards),
            )

        def size(shown: int) -> int:
            return len(digest(cards[:shown]).html.encode())

        cards: list[Card] = []
        for length in ABSTRACT_LENGTHS:
            cards = [self._card(item, days, length) for _, item in items]
            if (
                subscriber.text_only
                or fits(frame(len(items)), cards, len(feedback_url))
                or size(len(items)) < BUDGET
            ):
                return digest(cards)
        return digest(cards[: bisect_left(range(1, len(cards)), BUDGET, key=size)])

    def _frame(
        self,
        cadence: str,
        days: Days,
        intro: str,
        latest: dt.date,
        missing: tuple[Missing, ...],
        counts: tuple[tuple[str, int], ...],
        left_out: int,
    ) -> Pair:
        key = cadence, days, intro, latest, missing, counts, left_out
        if key not in self._frames:
            places = (CardPlace(n) for n in count())
            sections = [(Section(name), list(islice(places, size))) for name, size in counts]
            context = frame_context(cadence, days, intro, latest, missing, sections, left_out) | {
                "preferences_url": PRESENT,
                "unsubscribe_url": PRESENT,
                "web_url": PRESENT,
            }
            self._frames[key] = Pair(
                self._html.render_frame(context), self._text.render_frame(context)
            )
        return self._frames[key]

    def _card(self, item: Item, days: Days, abstract: int) -> Card:
        section, reason = item["section"], reason_of(item)
        note = self.content.note(item["paper"], days) if section == PICKS else ""
        key = item["paper"], section, note, reason, abstract
        if (card := self._cards.get(key)) is None:
            if len(self._cards) >= KEPT_VALUES:
                self._cards.clear()
            card = filled(self._piece(item, note, abstract), reason)
            self._cards[key] = card
        return card

    def _piece(self, item: Item, note: str, abstract: int) -> Pair:
        key = item["paper"], note, item["section"] == TRENDING, not item["reason"], abstract
        if (pair := self._pieces.get(key)) is None:
            context = item_context(item, self.content.papers[item["paper"]], note, abstract) | {
                "reason": PRESENT if item["reason"] else "",
                "feedback_url": PRESENT,
            }
            pair = self._pieces[key] = Pair(
                self._html.render_card({"item": context}), self._text.render_card({"item": context})
            )
        return pair

    def _subject(self, items: Sequence[tuple[int, Item]]) -> str:
        title = self.content.papers[items[0][1]["paper"]].title if items else gettext("Nothing new")
        return _subject(title, len(items))


def _section(item: tuple[int, Item]) -> int:
    return ORDER[item[1]["section"]]


@lru_cache(4096)
def _subject(title: str, papers: int) -> str:
    headline = clip(clean(title), HEADLINE_LENGTH)
    return emails.subject("digest", {"digest": {"headline": headline, "count": papers}})
