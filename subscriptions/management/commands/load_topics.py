from typing import Any

from django.core.management.base import BaseCommand

from subscriptions.flows.starter import load_topics


class Command(BaseCommand):
    help = "Load the starter topics, or their news; what editors changed is kept."

    def handle(self, **options: Any) -> None:
        new, updated, unchanged = load_topics()
        self.stdout.write(f"{new} new, {updated} updated, {unchanged} unchanged")
