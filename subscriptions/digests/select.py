"""Which papers each reader gets, and why: for many readers at once."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import NamedTuple

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from subscriptions.matching import share_out
from subscriptions.models import WINDOW_DAYS, Delivery, Item, Section, Subscriber

from .interests import Followed, interests_of
from .shelf import Shelf

PICKS, MATCHES, TRENDING = (section.value for section in Section)


@dataclass(frozen=True)
class Request:
    """One reader, and the days a digest for them covers, in order."""

    subscriber: Subscriber
    days: tuple[dt.date, ...]


class Chosen(NamedTuple):
    """What one reader gets."""

    items: list[Item]
    kept_away: dict[str, int]
    """By muted phrase, how many papers would have matched."""


def select(requests: Sequence[Request], *, as_of: dt.datetime | None = None) -> dict[int, Chosen]:
    """The papers of each reader's digest, by subscriber; the number of queries is fixed.

    With an encoder some more for each 256 interests that nobody followed before.

    Nobody gets a hidden paper, one with a phrase they muted, or one they were sent before.
    The same inputs give the same items. Calls in one process with the same ``as_of`` choose
    from the papers as they were at the first of them.
    """
    return select_from(shelf_for(requests, as_of), requests) if requests else {}


def select_from(
    shelf: Shelf, requests: Sequence[Request], *, had_before: dt.date | None = None
) -> dict[int, Chosen]:
    """``select`` from a shelf that is there already.

    As it was for who got that day's digest since: of what they were sent, only what is from
    before the day ``had_before`` counts.
    """
    readers = [request.subscriber.pk for request in requests]
    interests = interests_of(readers)
    shelf.scored.score(interest for found in interests.values() for interest in found)
    sent = Delivery.objects.filter(newest_day__gte=shelf.since)
    if had_before:
        sent = sent.filter(newest_day__lt=had_before)
    had = _had(readers, shelf, sent)
    chosen = {
        request.subscriber.pk: choose(
            request, interests[request.subscriber.pk], had[request.subscriber.pk], shelf
        )
        for request in requests
    }
    return _without_repeats(chosen, requests, interests, had, shelf)


_kept: tuple[tuple[dt.date, dt.date, dt.datetime], Shelf] | None = None


def shelf_for(requests: Sequence[Request], as_of: dt.datetime | None = None) -> Shelf:
    """What these readers' papers are chosen from: a week at least, kept for one ``as_of``."""
    global _kept
    last = max(request.days[-1] for request in requests)
    week = last - dt.timedelta(days=WINDOW_DAYS - 1)
    first = min(week, *(request.days[0] for request in requests))
    if as_of is None:
        return Shelf(first, last)
    key = first, last, as_of
    if _kept is None or _kept[0] != key:
        _kept = key, Shelf(first, last)
    return _kept[1]


def _had(
    readers: Iterable[int], shelf: Shelf, deliveries: QuerySet[Delivery]
) -> dict[int, set[int]]:
    """Which papers of the shelf these deliveries brought each reader: one query."""
    had: dict[int, set[int]] = defaultdict(set)
    sent = (
        deliveries.filter(subscriber__in=readers)
        .exclude(status=Delivery.Status.SKIPPED)
        .values_list("subscriber_id", "items")
    )
    places = shelf.places
    for reader, items in sent:
        had[reader].update(places[i["paper"]] for i in items if i["paper"] in places)
    return had


def _without_repeats(
    chosen: dict[int, Chosen],
    requests: Sequence[Request],
    interests: dict[int, list[Followed]],
    had: dict[int, set[int]],
    shelf: Shelf,
) -> dict[int, Chosen]:
    """``chosen`` anew for those who got an old paper, after all they ever had of these.

    Few papers are listed again after long, so few readers need their whole past: one query.
    """
    old = {shelf.pks[place] for place in shelf.old}
    doubtful = {pk for pk, c in chosen.items() if any(item["paper"] in old for item in c.items)}
    if not doubtful:
        return chosen
    before = _had(doubtful, shelf, Delivery.objects.filter(newest_day__lt=shelf.since))
    for request in requests:
        pk = request.subscriber.pk
        if before.get(pk):
            chosen[pk] = choose(request, interests[pk], had[pk] | before[pk], shelf)
    return chosen


def choose(request: Request, interests: list[Followed], had: set[int], shelf: Shelf) -> Chosen:
    """What one reader gets of a shelf on which these interests are scored.

    Half of a digest at most are picks; a fifth is trending, half where matches are few.
    """
    size, off = request.subscriber.max_papers, request.subscriber.sections_off
    listed = shelf.listed(request.days)
    muted = {i.name: shelf.scored.muted(i) for i in interests if i.weight < 0}
    excluded = had.union(*muted.values())
    followed = [interest for interest in interests if interest.weight > 0]
    items: list[Item] = []

    def put(place: int, section: str, why: str) -> Item:
        items.append({"paper": shelf.pks[place], "section": section, "reason": why})
        excluded.add(place)
        excluded.update(shelf.scored.near(place))
        return items[-1]

    def allowed(place: int) -> bool:
        return place in listed and place not in excluded

    if PICKS not in off:
        for place in _picks(request, followed, excluded, size // 2, shelf):
            put(place, PICKS, _("Picked by the editors"))
    trending = 0 if TRENDING in off else size // 5
    if MATCHES not in off:
        reserved = len(list(islice(filter(allowed, shelf.by_trend_with_votes), trending)))
        ranked = [shelf.scored.ranked(interest) for interest in followed]
        weights = [interest.weight for interest in followed]
        most = size - len(items) - reserved
        crowded_by = shelf.scored.crowding(followed)
        for row, place in share_out(ranked, weights, most, allowed, crowded_by):
            why = shelf.scored.reason(followed[row], place)
            put(place, MATCHES, why)["interest"] = followed[row].pk
    if trending and MATCHES in off:
        trending = size
    elif trending and len(items) + trending < size:
        trending = size // 2
    most_talked_of = _trending(allowed, not items, shelf)
    for place in islice(most_talked_of, min(trending, size - len(items))):
        put(place, TRENDING, shelf.votes_in_words[shelf.papers[place].votes])
    return Chosen(items, {} if MATCHES in off else _kept_away(muted, followed, listed - had, shelf))


def _kept_away(
    muted: dict[str, Iterable[int]], followed: list[Followed], allowed: set[int], shelf: Shelf
) -> dict[str, int]:
    """How many of the allowed papers that match each muted phrase kept away, if any."""
    if not muted:
        return {}
    ranked = (shelf.scored.ranked(interest).papers for interest in followed)
    matching = allowed.intersection(chain.from_iterable(ranked))
    counts = {phrase: len(matching.intersection(places)) for phrase, places in muted.items()}
    return {phrase: count for phrase, count in counts.items() if count}


def _picks(
    request: Request, followed: list[Followed], excluded: set[int], limit: int, shelf: Shelf
) -> list[int]:
    """The newest picks meant for this reader, in the editors' order."""
    topics = {interest.topic for interest in followed}
    meant = [
        (day, place)
        for day, place, only in shelf.picks
        if day in request.days and place not in excluded and (not only or topics & only)
    ]
    newest = sorted(meant, key=lambda pick: pick[0], reverse=True)[:limit]
    return list(dict.fromkeys(place for day, place in meant if (day, place) in newest))


def _trending(allowed: Callable[[int], bool], alone: bool, shelf: Shelf) -> Iterator[int]:
    """Papers with votes; where there are none and nothing else is, the newest."""
    with_votes = filter(allowed, shelf.by_trend_with_votes)
    first = next(with_votes, None)
    if first is not None:
        return chain([first], with_votes)
    return filter(allowed, shelf.by_trend) if alone else iter(())
