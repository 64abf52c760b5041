"""Papers and interests as matching sees them."""

from collections.abc import Sequence
from dataclasses import dataclass

from .lexicon import Segments


@dataclass(frozen=True)
class Doc:
    """A paper."""

    title: str
    abstract: str
    categories: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Query:
    """What one interest asks for. Equal queries of many readers are scored once."""

    text: str = ""
    phrases: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    author: str = ""
    liked: tuple[Doc, ...] = ()
    disliked: tuple[Doc, ...] = ()

    @property
    def says(self) -> bool:
        """Whether it asks for more than all of an author or of some categories."""
        return bool(self.text or self.phrases or (self.liked and not self.categories))

    @property
    def trained(self) -> bool:
        """Whether papers that one reader spoke of are part of it."""
        return bool(self.liked or self.disliked)


def segments(doc: Doc) -> Segments:
    """The words of a paper; those of its title count twice."""
    return doc.title, doc.title, doc.abstract


def asked(query: Query) -> Segments:
    """The words of a query; those of its phrases count twice."""
    return query.text, *query.phrases, *query.phrases


def said(segments: Segments) -> str:
    """Segments as one text for a sentence encoder: each once, in order."""
    return ". ".join(dict.fromkeys(filter(None, segments)))


def paper_text(title: str, abstract: str) -> str:
    """A paper as one text for a sentence encoder."""
    return said(segments(Doc(title, abstract)))


def spoken_of(queries: Sequence[Query]) -> list[Doc]:
    """All papers that these queries' readers liked or disliked, each once, in order."""
    return list(dict.fromkeys(d for query in queries for d in (*query.liked, *query.disliked)))
