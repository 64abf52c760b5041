from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from subscriptions.flows.indexing import index
from subscriptions.matching import paper_text
from subscriptions.models import Paper
from subscriptions.vectors import site_vectors

CHUNK = 500


class Command(BaseCommand):
    help = (
        "Make the vectors that papers lack, the newest papers first, and delete those of other "
        "encoders than ENCODER names. For when it has changed; new papers get theirs as they come."
    )

    def handle(self, **options: Any) -> None:
        vectors = site_vectors()
        if vectors is None:
            raise CommandError("There is no encoder; docs/operator.md says how to get one.")
        papers = Paper.objects.order_by("-pk").values_list("pk", "title", "abstract")
        count, rows = papers.count(), papers.iterator(chunk_size=CHUNK)
        with tqdm(total=count, unit=" papers", disable=None, leave=False) as bar:
            while chunk := list(islice(rows, CHUNK)):
                vectors([paper_text(title, abstract) for _, title, abstract in chunk])
                index([pk for pk, *_ in chunk])
                bar.update(len(chunk))
        forgotten = vectors.forget_others()
        self.stdout.write(f"{count} papers have vectors; {forgotten} others deleted")
