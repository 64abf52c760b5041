"""The command on real files of two sources, counted here from the raw files."""

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from subscriptions.models import Listing, ListingVotes, Paper, SourceRun
from subscriptions.sources import formats
from tests.conftest import MONDAY

Entry = dict[str, Any]
Import = Callable[..., Counter[str]]
pytestmark = pytest.mark.django_db


def import_papers(*paths: Path, form: str, stderr: StringIO | None = None) -> Counter[str]:
    """Run the command; its figures by name."""
    out = StringIO()
    try:
        call_command(
            "import_papers", *map(str, paths), form=form, now=MONDAY, stdout=out, stderr=stderr
        )
    finally:
        words = re.findall(r"(\d+) (\w+)", out.getvalue())
    return Counter({name: int(count) for count, name in words if int(count)})


def featured(folder: Path) -> dict[str, list[tuple[str, Entry]]]:
    """Hugging Face's entries by arXiv id, each with its day."""
    found: dict[str, list[tuple[str, Entry]]] = {}
    for path in sorted(folder.glob("*.json")):
        for entry in json.loads(path.read_text()):
            found.setdefault(entry["paper"]["id"], []).append((path.stem, entry["paper"]))
    return found


def announced(folder: Path) -> list[tuple[str, Entry]]:
    """arXiv's entries in order, each with its day."""
    return [
        (path.stem, json.loads(line))
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]


def squeezed(text: str) -> str:
    return " ".join(text.split())


def classes(entry: Entry) -> list[str]:
    return [name for name in entry["categories"] if not re.search(r"[0-9 ;,]", name)]


def expected(entries: list[tuple[str, Entry]]) -> Counter[str]:
    """What an import of arXiv's entries into an empty site does, told one by one."""
    figures: Counter[str] = Counter()
    days: set[tuple[str, str]] = set()
    best: dict[str, list[int]] = {}
    for day, entry in entries:
        key = entry["id"]
        sizes = [
            len(squeezed(entry["title"])),
            len(squeezed(entry["summary"])),
            len(entry["authors"]),
            len(classes(entry)),
        ]
        known = best.get(key)
        if known is None:
            figures["new"] += 1
        elif (key, day) not in days or any(a > b for a, b in zip(sizes, known, strict=True)):
            figures["updated"] += 1
        else:
            figures["unchanged"] += 1
        best[key] = [max(pair) for pair in zip(sizes, known or sizes, strict=True)]
        days.add((key, day))
    return figures


def test_ten_days_of_hugging_face(real_data: Path) -> None:
    folder = real_data / "hf-daily"
    entries = featured(folder)
    total = sum(map(len, entries.values()))
    assert import_papers(folder, form="hf-daily") == {"new": total}
    assert Paper.objects.count() == len(entries)
    stored = {
        (row.listing.paper.arxiv_id, str(row.listing.day)): row.count
        for row in ListingVotes.objects.select_related("listing__paper")
    }
    assert stored == {
        (key, day): paper["upvotes"] for key, found in entries.items() for day, paper in found
    }
    for paper in Paper.objects.all():
        ((_, entry),) = entries[paper.arxiv_id or ""]
        assert paper.raw.get("title", paper.title) == squeezed(entry["title"])
        assert paper.raw.get("abstract", paper.abstract) == squeezed(entry["summary"])
        assert paper.authors == [squeezed(author["name"]) for author in entry["authors"]]
        assert str(paper.submitted) == entry["publishedAt"][:10]
    assert import_papers(folder, form="hf-daily") == {"unchanged": total}


def test_nine_days_of_arxiv(real_data: Path) -> None:
    folder = real_data / "arxiv-listing"
    entries = announced(folder)
    figures = import_papers(folder, form="arxiv-listing")
    assert figures == expected(entries)
    assert Paper.objects.count() == len({entry["id"] for _, entry in entries})
    assert Listing.objects.count() == len({(entry["id"], day) for day, entry in entries})
    assert import_papers(folder, form="arxiv-listing") == {"unchanged": len(entries)}
    runs = SourceRun.objects.order_by("pk")
    days = [path.stem for path in sorted(folder.glob("*.jsonl"))]
    assert [str(run.newest_day) for run in runs] == days * 2
    assert {run.status for run in runs} == {SourceRun.Status.OK}
    assert sum(run.new for run in runs) == figures["new"]


def test_a_paper_of_both_is_one_with_categories_of_one_and_votes_of_the_other(
    real_data: Path,
) -> None:
    there, here = featured(real_data / "hf-daily"), announced(real_data / "arxiv-listing")
    import_papers(real_data / "hf-daily", form="hf-daily")
    import_papers(real_data / "arxiv-listing", form="arxiv-listing")
    listed = {entry["id"]: classes(entry) for _, entry in here}
    both = there.keys() & listed.keys()
    assert len(both) > 100
    assert Paper.objects.count() == len(there.keys() | listed.keys())
    papers = Paper.objects.filter(arxiv_id__in=both).with_votes().prefetch_related("listings")
    assert len(papers) == len(both)
    for paper in papers:
        ((_, entry),) = there[paper.arxiv_id or ""]
        assert set(paper.categories) >= set(listed[paper.arxiv_id or ""])
        assert paper.votes == entry["upvotes"]
        assert {row.source for row in paper.listings.all()} == {"arxiv", "hugging-face"}


def test_the_order_of_two_sources_does_not_matter(real_data: Path) -> None:
    names = ("hf-daily", "arxiv-listing")
    fields = ("title", "abstract", "authors", "categories", "submitted", "version")
    results, trends = [], []
    for order in (names, reversed(names)):
        for name in order:
            import_papers(real_data / name, form=name)
        papers = {paper.arxiv_id: paper for paper in Paper.objects.all()}
        results.append(
            {key: [getattr(paper, name) for name in fields] for key, paper in papers.items()}
        )
        trends.append({key: paper.trend for key, paper in papers.items()})
        Paper.objects.all().delete()
    assert results[0] == results[1]
    # What votes are usual is told by what was known when they were counted.
    assert trends[0] == pytest.approx(trends[1], rel=0, abs=0.5)


def test_two_broken_files_are_two_errors_and_the_others_go_in(real_data: Path) -> None:
    import_papers(real_data / "hf-daily", form="hf-daily")
    before = set(Paper.objects.values_list("arxiv_id", flat=True))
    odd = real_data / "hf-daily" / "odd"
    with pytest.raises(CommandError) as error:
        import_papers(odd, form="hf-daily")
    assert error.value.returncode == 1
    lines = str(error.value).splitlines()
    assert len(lines) == 2
    assert f"{odd / '2024-12-11-not-json.json'} is not a response of daily_papers" in lines[0]
    assert f"{odd / '2025-01-10-wrapped.json'} is not a response of daily_papers" in lines[1]
    good = {
        entry["paper"]["id"]
        for name in ("2024-05-27-oldest-schema", "2025-09-08")
        for entry in json.loads((odd / f"{name}.json").read_text())
    }
    assert set(Paper.objects.values_list("arxiv_id", flat=True)) == before | good
    failed = SourceRun.objects.filter(status=SourceRun.Status.FAILED).order_by("pk")
    assert [run.origin for run in failed] == [
        "2024-12-11-not-json.json",
        "2025-01-10-wrapped.json",
    ]
    assert all("is not a response" in run.error for run in failed)


def test_the_oldest_schema_has_its_day_in_the_name(real_data: Path) -> None:
    path = real_data / "hf-daily" / "odd" / "2024-05-27-oldest-schema.json"
    count = len(json.loads(path.read_text()))
    assert import_papers(path, form="hf-daily") == {"new": count}
    assert set(Listing.objects.values_list("day", flat=True)) == {dt.date(2024, 5, 27)}


def test_a_refused_record_is_named_and_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl"
    path.write_text('{"title": "Ein Titel"}\n\nkein JSON\n{"title": "Zwei", "votes": -1}\n')
    stderr = StringIO()
    assert import_papers(path, form="jsonl", stderr=stderr) == {"new": 1, "rejected": 2}
    first, second = stderr.getvalue().splitlines()
    assert first.startswith(f"{path}, record 3: is not JSON")
    assert second == f"{path}, record 4: votes is not a whole number from 0 up: -1"
    run = SourceRun.objects.get()
    assert [number for number, _ in run.rejections] == [3, 4]


@pytest.mark.parametrize("form", formats())
def test_a_missing_file_and_a_folder_without_papers_are_told(tmp_path: Path, form: str) -> None:
    (tmp_path / "2025-10-06.txt").write_text("not looked at")
    missing = tmp_path / "2025-10-07.json"
    with pytest.raises(CommandError) as error:
        import_papers(tmp_path, missing, form=form)
    assert str(error.value).splitlines() == [
        f"{tmp_path} is a folder without {' or '.join(formats()[form].suffixes)} files",
        f"{missing} cannot be read: No such file or directory",
    ]


def test_now_is_the_day_of_papers_without_one(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl"
    path.write_text('{"title": "Ein Titel"}\n')
    import_papers(path, form="jsonl")
    assert Listing.objects.get().announced == MONDAY.date()
    assert Paper.objects.get().first_seen == MONDAY
    assert SourceRun.objects.get().started_at == MONDAY
