from itertools import islice, starmap
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

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
        papers = Paper.objects.order_by("-pk").values_list("title", "abstract")
        count = papers.count()
        texts = starmap(paper_text, papers.iterator(chunk_size=CHUNK))
        with tqdm(total=count, unit=" papers", disable=None, leave=False) as bar:
            while chunk := list(islice(texts, CHUNK)):
                vectors(chunk)
                bar.update(len(chunk))
        forgotten = vectors.forget_others()
        self.stdout.write(f"{count} papers have vectors; {forgotten} others deleted")
