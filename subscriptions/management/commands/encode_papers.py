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
        with tqdm(total=papers.count(), unit=" papers", disable=None, leave=False) as bar:
            texts: list[str] = []
            for title, abstract in papers.iterator(chunk_size=CHUNK):
                texts.append(paper_text(title, abstract))
                if len(texts) == CHUNK:
                    vectors(texts)
                    bar.update(len(texts))
                    texts.clear()
            vectors(texts)
        forgotten = vectors.forget_others()
        self.stdout.write(f"{papers.count()} papers have vectors; {forgotten} others deleted")
