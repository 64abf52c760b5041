"""One reader's message: compiled pieces, joined with the reader's own values."""

import datetime as dt
from collections.abc import Hashable, Sequence
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from itertools import count, islice

from django.conf import settings
from django.utils.translation import gettext

from subscriptions import emails, links
from subscriptions.models import Delivery, Item, Section
from subscriptions.notes import clean

from .compile import PRESENT, CardPlace, compile_body
from .content import ABSTRACT_LENGTHS, Content, Days, Missing, clip, frame_context, item_context
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
        self._list_id = f"Paper Round <digest.{settings.SITE_HOST}>"
        self._frames: dict[Hashable, Pair] = {}
        self._pieces: dict[Hashable, Pair] = {}
        self._cards: dict[Hashable, Card] = {}

    def compose(self, delivery: Delivery, date: dt.datetime) -> Digest:
        """The message of one delivery, with ``List-Unsubscribe`` by one click (RFC 8058).

        In one that is not stored, a preview, the personal links lead nowhere: others see it.
        """
        subscriber = delivery.subscriber
        owner = subscriber.pk if delivery.pk else None
        days = delivery.first_day, delivery.newest_day
        items = self.content.shown(delivery)
        items.sort(key=_section)
        sections = [item["section"] for _, item in items]
        counts = tuple((s, n) for s in SECTIONS if (n := sections.count(s)))
        frame = self._frame(subscriber.cadence, days, *self.content.words(days), counts)
        feedback_url, unsubscribe_url = self._feedback(delivery.pk), self._unsubscribe(owner)

        def digest(cards: list[Card]) -> Digest:
            return Digest(
                sender=envelope_sender(delivery),
                recipient=subscriber.email,
                subject=self._subject(items),
                headers={
                    "Message-ID": message_id(delivery),
                    "Date": _date(date.replace(microsecond=0)),
                    "List-Id": self._list_id,
                    "List-Unsubscribe": f"<{unsubscribe_url}>",
                    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                    "Precedence": "bulk",
                },
                boundary=b"=_digest-%d" % (delivery.pk or 0),
                text_only=subscriber.text_only,
                frame=frame,
                cards=cards,
                places=[place for place, _ in items],
                urls={
                    "preferences_url": self._preferences(owner),
                    "unsubscribe_url": unsubscribe_url,
                    "web_url": feedback_url,
                },
                feedback_url=feedback_url,
            )

        cards: list[Card] = []
        for length in ABSTRACT_LENGTHS:
            cards = [self._card(item, days, length) for _, item in items]
            if (
                subscriber.text_only
                or fits(frame, cards, len(feedback_url))
                or len(digest(cards).html.encode()) < BUDGET
            ):
                break
        return digest(cards)

    def _frame(
        self,
        cadence: str,
        days: Days,
        intro: str,
        latest: dt.date,
        missing: tuple[Missing, ...],
        counts: tuple[tuple[str, int], ...],
    ) -> Pair:
        key = cadence, days, intro, latest, missing, counts
        if key not in self._frames:
            places = (CardPlace(n) for n in count())
            sections = [(Section(name), list(islice(places, size))) for name, size in counts]
            context = frame_context(cadence, days, intro, latest, missing, sections) | {
                "preferences_url": PRESENT,
                "unsubscribe_url": PRESENT,
                "web_url": PRESENT,
            }
            self._frames[key] = Pair(
                self._html.render_frame(context), self._text.render_frame(context)
            )
        return self._frames[key]

    def _card(self, item: Item, days: Days, abstract: int) -> Card:
        section = item["section"]
        note = self.content.note(item["paper"], days) if section == PICKS else ""
        key = item["paper"], section, note, item["reason"], abstract
        if (card := self._cards.get(key)) is None:
            if len(self._cards) >= KEPT_VALUES:
                self._cards.clear()
            card = filled(self._piece(item, note, abstract), item["reason"])
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


def message_id(delivery: Delivery) -> str:
    """RFC 5322 Message-ID of a delivery, the same for every attempt."""
    return f"<digest-{delivery.pk}@{settings.SITE_HOST}>"


def envelope_sender(delivery: Delivery) -> str:
    """The address that bounces of this delivery go to: ``BOUNCE_ADDRESS`` with its number."""
    if not settings.BOUNCE_ADDRESS:
        return _bare(settings.DEFAULT_FROM_EMAIL)
    local, _, domain = settings.BOUNCE_ADDRESS.rpartition("@")
    return f"{local}+{delivery.pk}@{domain}"


@lru_cache(4096)
def _subject(title: str, papers: int) -> str:
    headline = clip(clean(title), HEADLINE_LENGTH)
    return emails.subject("digest", {"digest": {"headline": headline, "count": papers}})


@lru_cache(16)
def _bare(mailbox: str) -> str:
    return parseaddr(mailbox)[1]


@lru_cache(16)
def _date(date: dt.datetime) -> str:
    return format_datetime(date)
