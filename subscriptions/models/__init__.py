"""What is stored; one module per group of models, each with its QuerySets."""

from .allowances import ALL, Allowance
from .deliveries import Delivery, Item, Section
from .editions import WINDOW_DAYS, Edition, ListingDays, Pick, public_papers
from .figures import EditionReport, Movement
from .files import ImportFile
from .interests import Feedback, Interest
from .mail import COUNTED, DomainDay, MailEvent, domain_of
from .mailbox import MailboxState
from .papers import DoubtfulPair, Listing, ListingVotes, Paper, PaperTerms, title_key
from .pauses import BRAKES, Cause, DomainPause, SendingPause
from .requests import (
    AddressChange,
    SignIn,
    SignInRequest,
    SignupRequest,
    Submission,
    Upvote,
    WantedPaper,
)
from .sources import LEASE, Source, SourceRun, SourceTrouble
from .subscribers import READING, Subscriber, Suppression
from .topics import Topic, TopicMark, TopicMatch
from .vectors import TextVector

__all__ = [
    "ALL",
    "BRAKES",
    "COUNTED",
    "LEASE",
    "READING",
    "WINDOW_DAYS",
    "AddressChange",
    "Allowance",
    "Cause",
    "Delivery",
    "DomainDay",
    "DomainPause",
    "DoubtfulPair",
    "Edition",
    "EditionReport",
    "Feedback",
    "ImportFile",
    "Interest",
    "Item",
    "Listing",
    "ListingDays",
    "ListingVotes",
    "MailEvent",
    "MailboxState",
    "Movement",
    "Paper",
    "PaperTerms",
    "Pick",
    "Section",
    "SendingPause",
    "SignIn",
    "SignInRequest",
    "SignupRequest",
    "Source",
    "SourceRun",
    "SourceTrouble",
    "Submission",
    "Subscriber",
    "Suppression",
    "TextVector",
    "Topic",
    "TopicMark",
    "TopicMatch",
    "Upvote",
    "WantedPaper",
    "domain_of",
    "public_papers",
    "title_key",
]
