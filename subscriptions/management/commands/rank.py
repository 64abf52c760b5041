from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from subscriptions.encoder import KeptVectors, NoEncoder, load_encoder
from subscriptions.management.judged import JudgedData, JudgedDataError

GIVEN = {"cold": 0, "3": 3, "5": 5, "10": 10}


class Command(BaseCommand):
    help = (
        "Rank the candidates of topics whose relevant papers are known, by the code that chooses "
        "for digests: to measure matching. Needs no database; docs/contributor.md has the format."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--data", required=True, type=Path, metavar="DIR",
            help="folder with topics.jsonl, papers.jsonl and, if there, background/papers.jsonl",
        )  # fmt: skip
        parser.add_argument(
            "--given", choices=GIVEN, default="cold", help="examples that are taken as liked"
        )
        parser.add_argument(
            "--encoder", default="none", metavar="none|default|DIR",
            help="what tells meaning: none, past papers; default, the model of the extra "
            "“semantic”; DIR, a folder with model.onnx and tokenizer.json",
        )  # fmt: skip
        parser.add_argument("--out", required=True, type=Path, metavar="RUN.tsv")

    def handle(self, *, data: Path, given: str, encoder: str, out: Path, **options: Any) -> None:
        try:
            model = load_encoder(encoder)
            encode = model and KeptVectors(model, settings.VAR_DIR / "vectors")
            judged = JudgedData(data, encode)
        except (JudgedDataError, NoEncoder) as error:
            raise CommandError(str(error)) from error
        judged.write(out, judged.grades(GIVEN[given]))
        self.stdout.write(f"{len(judged.topics)} topics ranked, in {out}")
