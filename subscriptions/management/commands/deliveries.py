from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import Count

from subscriptions.models import Delivery


class Command(BaseCommand):
    help = "What was sent to whom, the newest last, and how many deliveries are in each state."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--last", type=int, default=20, help="how many to list")

    def handle(self, *, last: int, **options: Any) -> None:
        rows = Delivery.objects.select_related("subscriber").order_by("-pk")[:last]
        for row in reversed(rows):
            days = f"{row.first_day} to {row.newest_day}"
            self.stdout.write(
                f"  {row.subscriber!s:<14} {days}  {len(row.items):>2} papers  "
                f"{row.get_status_display():<8} {row.last_reply}".rstrip()
            )
        counts = (
            Delivery.objects.values_list("status").annotate(rows=Count("pk")).order_by("status")
        )
        self.stdout.write(", ".join(f"{count} {status}" for status, count in counts) or "none yet")
