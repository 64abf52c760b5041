"""What a reader may write, on a form or in an imported file; refusals are in words for them."""

from collections.abc import Callable, Iterable
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from email_validator import EmailNotValidError, validate_email

from subscriptions.sources.arxiv_categories import category
from subscriptions.sources.ids import arxiv_id

MOST_LINES = 30
ZONES = sorted(zone for zone in available_timezones() if zone[0].isupper() and zone != "Factory")


def valid_email(value: str, problem: Callable[[str], str] = lambda domain: "") -> str:
    """A normalised address. Raises ValidationError for none, or for what its domain has."""
    try:
        checked = validate_email(value, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise ValidationError(
            _("That is not an email address: %(why)s") % {"why": error}
        ) from error
    if told := problem(checked.ascii_domain or checked.domain):
        raise ValidationError(told)
    return checked.normalized


def entries(lines: Iterable[str], read: Callable[[str], str]) -> tuple[str, ...]:
    """What the lines say, without blanks and repeats.

    ``read`` makes of a line what it means, or raises ValidationError; so do too many lines.
    """
    squeezed = (" ".join(line.split()) for line in lines)
    found = {entry.casefold(): entry for entry in map(read, filter(None, squeezed))}
    if len(found) > MOST_LINES:
        raise ValidationError(
            _("At most %(most)s lines; these are %(count)s.")
            % {"most": MOST_LINES, "count": len(found)}
        )
    return tuple(found.values())


def phrase(line: str) -> str:
    """Or a name. Raises ValidationError for what is too long or has no word."""
    if len(line) > 120:
        raise ValidationError(_("A line has at most 120 characters: “%s…”.") % line[:30])
    if not any(char.isalnum() for char in line):
        raise ValidationError(_("“%s” has no word in it.") % line)
    return line


def arxiv_category(line: str) -> str:
    """As arXiv spells it. Raises ValidationError for one that there is not."""
    if found := category(line):
        return found
    raise ValidationError(
        _("There is no arXiv category “%s”; one is cs.CL, another astro-ph.CO.") % line[:30]
    )


def example_paper(line: str) -> str:
    """The arXiv id in an id or link. Raises ValidationError for anything else."""
    if found := arxiv_id(line):
        return found[0]
    raise ValidationError(_("“%s” is not an arXiv id or link; one is 1706.03762.") % line[:60])
