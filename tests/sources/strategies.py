"""What a file may hold, however odd: shared by the tests of the sources."""

import json
from pathlib import Path

from hypothesis import strategies as st

texts = st.text(st.characters(), max_size=30)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    texts,
    st.sampled_from(
        [
            "2310.01234",
            "10.1000/xyz",
            "2025-10-06",
            "2025-10-06T23:30:00-05:00",
            "0001-01-01T00:00:00+14:00",
            "http://[::1",
            "https://example.org/a",
            "Ein Titel",
            "\ud800",
            "\x00",
            10**4000,
        ]
    ),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    "id", "arxiv_id", "doi", "title", "abstract", "summary", "authors", "name", "categories",
    "submitted", "listed", "date", "url", "votes", "upvotes", "publishedAt", "submittedOnDailyAt",
]  # fmt: skip
entries = st.dictionaries(st.sampled_from(FIELDS), values, max_size=len(FIELDS))
hf_entries = st.fixed_dictionaries(
    {}, optional={"paper": entries | values, "title": values, "publishedAt": values}
)
JSON = ["arxiv-listing", "hf-daily", "jsonl"]
"""The formats that are JSON or lines of it."""
forms = st.sampled_from(JSON)


def json_lines(path: Path, *rows: object) -> Path:
    """Write values as JSON Lines; the path."""
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path
