"""What is kept of logins to the admin, those that failed and those that did not."""

import datetime as dt

from axes.models import AccessAttempt, AccessLog

KEPT = dt.timedelta(days=30)


def purge(now: dt.datetime) -> None:
    AccessAttempt.objects.filter(attempt_time__lte=now - KEPT).delete()
    AccessLog.objects.filter(attempt_time__lte=now - KEPT).delete()
