"""What is stored; one module per group of models, each with its QuerySets."""

from .deliveries import Delivery, Item, Section, SendingPause
from .editions import WINDOW_DAYS, Edition, ListingDays, Pick, Topic
from .interests import Feedback, Interest
from .papers import Listing, ListingVotes, Paper, Source, SourceRun
from .subscribers import Subscriber, Suppression
from .vectors import TextVector

__all__ = [
    "WINDOW_DAYS",
    "Delivery",
    "Edition",
    "Feedback",
    "Interest",
    "Item",
    "Listing",
    "ListingDays",
    "ListingVotes",
    "Paper",
    "Pick",
    "Section",
    "SendingPause",
    "Source",
    "SourceRun",
    "Subscriber",
    "Suppression",
    "TextVector",
    "Topic",
]
