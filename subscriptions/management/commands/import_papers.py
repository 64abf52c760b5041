import datetime as dt
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from subscriptions.flows.intake import open_run, take_in
from subscriptions.management.arguments import add_now
from subscriptions.models import SourceRun
from subscriptions.sources import SourceFormatError, formats, read_file


class Command(BaseCommand):
    help = (
        "Store the papers of files, again and again if need be: what is known already is "
        "unchanged or becomes richer. A record that cannot be taken is named and stops nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="file or folder")
        parser.add_argument("--format", required=True, choices=formats(), dest="form")
        add_now(parser)

    def handle(self, *, paths: list[Path], form: str, now: dt.datetime, **options: Any) -> None:
        runs: list[SourceRun] = []
        broken: list[str] = []
        files: list[Path] = []
        for path in paths:
            try:
                files += _files(path, formats()[form].suffixes)
            except OSError as error:
                broken.append(f"{path} cannot be read: {error.strerror}")
            except SourceFormatError as error:
                broken.append(f"{path} {error}")
        with tqdm(unit=" papers", disable=None, leave=False) as bar:
            for path in files:
                try:
                    runs.append(self._import(path, form, now, bar))
                except SourceFormatError as error:
                    broken.append(f"{path} {error}")
        total = {
            name: sum(getattr(run, name) for run in runs)
            for name in ("new", "updated", "unchanged", "rejected")
        }
        self.stdout.write(", ".join(f"{count} {name}" for name, count in total.items()))
        if broken:
            raise CommandError("\n".join(broken))

    def _import(self, path: Path, form: str, now: dt.datetime, bar: Any) -> SourceRun:
        return take_in(
            read_file(path, form, now.date()),
            open_run(formats()[form].source, path.name, now),
            rejected=lambda r: self.stderr.write(f"{path}, record {r.number}: {r.reason}"),
            progress=bar.update,
        )


def _files(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """A file as it is; a folder's files of a format by name."""
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix in suffixes)
    if not found:
        raise SourceFormatError(f"is a folder without {' or '.join(suffixes)} files")
    return found
