import datetime as dt
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions.models.schedule import next_slot

ZONES = sorted(zone for zone in available_timezones() if "/" in zone)
moments = st.integers(1_577_836_800, 2_051_222_400).map(
    lambda seconds: dt.datetime.fromtimestamp(seconds, dt.UTC)
)


@given(
    after=moments,
    daily=st.booleans(),
    weekday=st.integers(0, 6),
    hour=st.integers(0, 23),
    name=st.sampled_from(ZONES),
)
def test_a_slot_is_the_readers_hour_and_the_first_one_after(
    after: dt.datetime, daily: bool, weekday: int, hour: int, name: str
) -> None:
    zone = ZoneInfo(name)
    slot = next_slot(after, daily=daily, weekday=weekday, hour=hour, zone=zone)
    assert slot > after
    assert slot.tzinfo is dt.UTC
    # The reader's clock shows the hour, or has just jumped over it.
    local = slot.astimezone(zone)
    before = (slot - dt.timedelta(seconds=1)).astimezone(zone)
    if (local.hour, local.minute) != (hour, 0):
        wanted = dt.datetime.combine(before.date(), dt.time(hour))
        if wanted <= before.replace(tzinfo=None):
            wanted += dt.timedelta(days=1)
        assert before.replace(tzinfo=None) < wanted < local.replace(tzinfo=None)
    # Never more than a period away, give or take what clocks are moved by (a day where a
    # country changed sides of the date line).
    period = dt.timedelta(days=1 if daily else 7)
    assert slot - after <= period + dt.timedelta(hours=25)
    # Nothing between: the slot is the first from any moment before it.
    middle = after + (slot - after) / 2
    assert next_slot(middle, daily=daily, weekday=weekday, hour=hour, zone=zone) == slot


@pytest.mark.parametrize(
    ("zone", "hour", "after", "slot"),
    [
        # Spring forward in Berlin: 02:00 on 30 March 2025 does not happen.
        ("Europe/Berlin", 2, "2025-03-29T12:00", "2025-03-30T01:00"),
        ("Europe/Berlin", 2, "2025-03-30T01:00", "2025-03-31T00:00"),
        # Autumn: 02:00 on 26 October happens twice; the first counts, the second does not.
        ("Europe/Berlin", 2, "2025-10-25T12:00", "2025-10-26T00:00"),
        ("Europe/Berlin", 2, "2025-10-26T00:00", "2025-10-27T01:00"),
        # Lord Howe Island moves by half an hour: 02:00 becomes 02:30.
        ("Australia/Lord_Howe", 2, "2025-10-04T12:00", "2025-10-04T15:30"),
        # Across the date line, and a zone 45 minutes off.
        ("Pacific/Kiritimati", 0, "2025-10-12T12:00", "2025-10-13T10:00"),
        ("Asia/Kathmandu", 8, "2025-10-12T12:00", "2025-10-13T02:15"),
    ],
)
def test_known_clock_changes(zone: str, hour: int, after: str, slot: str) -> None:
    found = next_slot(
        dt.datetime.fromisoformat(after).replace(tzinfo=dt.UTC),
        daily=True,
        weekday=0,
        hour=hour,
        zone=ZoneInfo(zone),
    )
    assert found == dt.datetime.fromisoformat(slot).replace(tzinfo=dt.UTC)


def test_weekly_is_on_the_readers_weekday_not_the_one_in_utc() -> None:
    slot = next_slot(
        dt.datetime(2025, 10, 12, tzinfo=dt.UTC),
        daily=False,
        weekday=0,
        hour=7,
        zone=ZoneInfo("Asia/Tokyo"),
    )
    assert slot == dt.datetime(2025, 10, 12, 22, tzinfo=dt.UTC)  # Monday 7:00 in Tokyo
