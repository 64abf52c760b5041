"""What is done to an edition that is on its way, and what must have come of it."""

import random
from collections.abc import Callable
from typing import NamedTuple

from .campaign import Campaign
from .sink import CONTENT, DROPPED, END, RCPT, TAKEN, Event

ROUND = 20
"""Kills until the time of the leases passes, so that there is something left to send."""
AGAIN = """
from django.utils import timezone
from subscriptions.models import Subscriber
from subscriptions.tasks import prepare, send_queued, tick
now = timezone.now()
chunk = list(Subscriber.objects.due(now).values_list("pk", flat=True)[:500])
tick.delay()
tick.delay()
for _ in range(5):
    prepare.delay(chunk, now.isoformat())
for _ in range(5):
    send_queued.delay()
"""


class Toll(NamedTuple):
    """How often something was done to it, and how many were in doubt before settling."""

    faults: int
    in_doubt: int


def kills(campaign: Campaign) -> Toll:
    """SIGKILL at random moments: at most one window of each worker is in doubt."""
    size, crew = campaign.size, campaign.crew
    campaign.slow_down(seconds=3 * size.kills)
    campaign.begin()
    killed = while_sending = in_doubt = 0
    while killed < size.kills:
        singly = max(min(ROUND, size.kills - killed) - size.workers, 0)
        for number in range(singly + 1):
            more = random.randint(1, size.readers * 2 // 3 // size.kills)
            campaign.wait_for_accepted(campaign.accepted + more)
            crew.kill_one() if number < singly else crew.kill_workers()
        campaign.wait_for_line()
        campaign.examine()
        windows = campaign.edition.windows()
        assert max(windows, default=0) <= size.window, f"being sent at once: {windows}"
        assert len(windows) <= singly + size.workers, f"more windows than workers: {windows}"
        campaign.pass_time()
        held = campaign.edition.counts().keys() & {"claimed", "sending"}
        assert not held, f"there are {held} after all leases were over"
        killed += singly + size.workers
        while_sending += len(windows)
        in_doubt += sum(windows)
        listed = campaign.edition.counts()["in_doubt"]
        assert listed == in_doubt, f"{in_doubt} were being sent, {listed} are in doubt"
        crew.start_workers(size.workers)
    assert while_sending >= killed / 3, f"only {while_sending} of {killed} kills met a window"
    campaign.settle()
    campaign.finish()
    return Toll(killed, in_doubt)


def outages(campaign: Campaign) -> Toll:
    """Redis and PostgreSQL go away and come back; whatever can run twice does."""
    site, size = campaign.site, campaign.size
    campaign.slow_down(seconds=size.readers / 500 + 3)
    campaign.crew.end_beats()
    campaign.begin()
    campaign.script(AGAIN)
    campaign.crew.start_beats(2)
    steps: tuple[Callable[[], None], ...] = (
        site.redis.kill,
        site.redis.start,
        site.redis.flush,
        lambda: site.postgresql.restart("fast"),
        lambda: site.postgresql.restart("immediate"),
    )
    for number, step in enumerate(steps, 1):
        campaign.wait_for_accepted(size.readers * number // (len(steps) + 1))
        assert campaign.accepted < size.readers, "the edition was over too soon"
        step()
    campaign.wait_for_rest()
    assert campaign.crew.all_live(), "a worker or a beat died of it"
    campaign.pass_time()
    in_doubt = campaign.edition.counts()["in_doubt"]
    assert not in_doubt, f"{in_doubt} are in doubt, and no worker died"
    campaign.finish()
    return Toll(len(steps), in_doubt)


def answers(campaign: Campaign) -> Toll:
    """The mail server refuses, puts off and hangs up: each state is what the answer asks for."""
    dials = campaign.dials
    dials.faults.value = 0.1
    campaign.begin()
    campaign.wait_for_rest()
    campaign.edition.set_retries(3600)
    campaign.wait_for_rest()
    events = campaign.events()
    last = {event.recipient: event for event in events}
    for status, reply, email in campaign.edition.states().values():
        event = last.get(email)
        assert _explains(event, status, reply), f"{email} is {status} ({reply}) after {event}"
    dials.faults.value = 0
    in_doubt = campaign.settle()
    campaign.edition.set_retries(0)
    campaign.finish()
    return Toll(sum(event.answer != "250" for event in events), in_doubt)


def _explains(event: Event | None, status: str, reply: str) -> bool:
    """Whether a delivery may be in this state if that is the last the server knows of it."""
    if event is None or (event.stage == RCPT and event.answer in (DROPPED, "421")):
        return status == "deferred"
    if event.answer == DROPPED:
        return event.stage in (CONTENT, END, TAKEN) and status == "in_doubt"
    if event.answer == "250":
        return status == "sent"
    return reply.startswith(event.answer) and status == (
        "failed" if event.answer == "554" else "deferred"
    )


def stall(campaign: Campaign) -> Toll:
    """Workers that were only stalled send nothing of what has passed to others."""
    size, crew, edition = campaign.size, campaign.crew, campaign.edition
    campaign.slow_down(seconds=size.readers / 500 + 3)
    campaign.begin()
    campaign.wait_for_accepted(size.readers // 4)
    campaign.wait(lambda: _caught(campaign), "all workers stalled in the middle of their claims")
    held = edition.claims()
    begun = {message_id for message_id, (status, _) in held.items() if status == "sending"}
    edition.expire_claims()
    crew.start_workers(size.workers)

    def passed_on() -> bool:
        still = held.items() & edition.claims().items() or held.keys() & edition.ids("queued")
        return not still

    campaign.wait(passed_on, "what was only claimed claimed by others")
    crew.wake()
    campaign.wait_for_rest()
    assert begun == edition.ids("in_doubt"), f"of {sorted(begun)} some are not in doubt"
    in_doubt = campaign.settle()
    campaign.finish()
    return Toll(size.workers, in_doubt)


def _caught(campaign: Campaign) -> bool:
    campaign.crew.stall()
    if campaign.edition.counts().keys() >= {"claimed", "sending"}:
        return True
    campaign.crew.wake()
    return False
