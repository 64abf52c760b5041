"""The form of a paper: what it changes is what another editor has not approved."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from subscriptions.models import Edition, Paper, Pick
from tests.admin.test_stale import form_in
from tests.conftest import MONDAY

DAY = dt.timedelta(days=1)
TODAY = MONDAY.date()
Make = Callable[..., Any]


@pytest.mark.parametrize("field", [{"title": "Cups"}, {"hidden": "off-topic"}])
def test_a_change_voids_the_approval_of_the_days_that_it_is_on(
    admin_client: Client, admin_user: User, make_paper: Make, settings: Any, field: dict[str, str]
) -> None:
    settings.EDITIONS_NEED_APPROVAL = True
    Edition.objects.roll(MONDAY)
    paper: Paper = make_paper("Robot arms", day=TODAY - 2 * DAY)
    for day in (TODAY - DAY, TODAY - 4 * DAY):
        Pick.objects.create(paper=paper, day=day)
    Edition.objects.update(approved_by=admin_user)
    out = Edition.objects.filter(day=TODAY - 4 * DAY)
    out.update(status="released", released_at=MONDAY)
    page = reverse("admin:subscriptions_paper_change", args=[paper.pk])
    form = form_in(admin_client.get(page))

    def not_approved() -> list[dt.date]:
        rows = Edition.objects.filter(approved_by=None).order_by("day")
        return list(rows.values_list("day", flat=True))

    assert admin_client.post(page, form).status_code == 302
    assert not_approved() == [], "nothing was changed"
    assert admin_client.post(page, {**form, **field}).status_code == 302
    assert not_approved() == [TODAY - 2 * DAY, TODAY - DAY]
