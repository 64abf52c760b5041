"""What is stored; one module per group of models, each with its QuerySets."""

from .deliveries import Delivery, Item, Section, SendingPause
from .editions import WINDOW_DAYS, Edition, ListingDays, Pick, Topic
from .interests import Feedback, Interest
from .papers import DoubtfulPair, Listing, ListingVotes, Paper, title_key
from .sources import LEASE, Source, SourceRun, SourceTrouble
from .subscribers import Subscriber, Suppression
from .vectors import TextVector

__all__ = [
    "LEASE",
    "WINDOW_DAYS",
    "Delivery",
    "DoubtfulPair",
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
    "SourceTrouble",
    "Subscriber",
    "Suppression",
    "TextVector",
    "Topic",
    "title_key",
]
