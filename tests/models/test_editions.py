import datetime as dt
import threading

import pytest
from django.db import connection, transaction

from subscriptions.models import Edition
from tests.services import wait_until

EVENING = dt.datetime(2025, 10, 7, 23, 59, tzinfo=dt.UTC)
MIDNIGHT = EVENING + dt.timedelta(minutes=2)


@pytest.mark.django_db
def test_the_first_roll_starts_the_site_with_a_week_and_later_ones_fill_gaps() -> None:
    Edition.objects.roll(EVENING)
    days = list(Edition.objects.order_by("day").values_list("day", "status"))
    assert days[0] == (dt.date(2025, 9, 30), "released") and days[-1] == (EVENING.date(), "open")
    Edition.objects.roll(EVENING)
    Edition.objects.roll(EVENING + dt.timedelta(days=3))
    again = Edition.objects.order_by("day").values_list("status", flat=True)
    assert list(again) == ["released"] * 10 + ["open"]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_papers_taken_in_at_midnight_go_to_the_new_day() -> None:
    """The intake that waits for the day to close must see the day after it."""
    Edition.objects.roll(EVENING)
    found: list[dt.date] = []

    def take_in() -> None:
        with transaction.atomic():
            found.append(Edition.objects.listing_day().day(EVENING.date()))
        connection.close()

    intake = threading.Thread(target=take_in)
    with transaction.atomic():
        Edition.objects.roll(MIDNIGHT)
        intake.start()
        wait_until(_somebody_waits_for_a_lock, "the intake did not wait")
    intake.join(timeout=30)
    assert found == [MIDNIGHT.date()]


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])
