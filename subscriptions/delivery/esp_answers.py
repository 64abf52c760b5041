"""What each answer of a mail service's HTTP interface means: one table, as ``answers.py`` is."""

import re
from typing import NamedTuple

from subscriptions.masking import tidy

from .answers import Action
from .outcomes import Fault, Outcome, Result, Stopped

MAILGUN, POSTMARK, SENDGRID, SES = "Mailgun", "Postmark", "SendGrid", "Amazon SES"


class Answer(NamedTuple):
    status: int
    """Of HTTP."""
    code: str
    """The service's own: Postmark's number, SendGrid's field, Amazon's name of the error."""
    text: str

    def __str__(self) -> str:
        return tidy(f"HTTP {self.status} {self.code} {self.text}")


class Row(NamedTuple):
    """Where every pattern fits, this is what is done, and whose fault it is.

    ``esp``, ``status`` and ``code`` must match as a whole, ``text`` anywhere.
    """

    esp: str
    status: str
    code: str
    text: str
    action: Action
    fault: Fault


_LATER, _GIVE_UP, _STOP = Action.RETRY_LATER, Action.GIVE_UP, Action.STOP
_ADDRESS, _OURS, _TEMPORARY = Fault.ADDRESS, Fault.OURS, Fault.TEMPORARY
_SES_STOPS = (
    "AccountSuspended|SendingPaused|MailFromDomainNotVerified|NotFound|ExpiredToken"
    "|UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch|AccessDenied"
)

# fmt: off
TABLE = (
    # Too much at once, or over the day's quota; whichever status Amazon gives it.
    Row(".*",     "429", ".*", "", _LATER, _TEMPORARY),
    Row(SES,      "4..", "(Throttling|TooManyRequests|LimitExceeded).*", "", _LATER, _TEMPORARY),
    # Not taken; behind 502 and 504 there is a server whose answer nobody has.
    Row(".*",     "50[03]", ".*", "", _LATER, _TEMPORARY),
    Row(".*",     "408", ".*", "", _LATER, _TEMPORARY),
    # The key, the account, its money, the address or the path of the interface.
    Row(".*",     "40[12345]", ".*", "", _STOP, _OURS),
    # 405 and 413 of Postmark are the account's, 412 one that waits for approval; 400 and 401
    # an unknown sender, 1235 a stream that is not there.
    Row(POSTMARK, ".*", "10|400|401|405|412|413|1235", "", _STOP, _OURS),
    # Maintenance, and a rate limit within a batch.
    Row(POSTMARK, ".*", "100|429", "", _LATER, _TEMPORARY),
    # On Postmark's own list: it bounced there, or its owner complained.
    Row(POSTMARK, ".*", "406", "", _GIVE_UP, _ADDRESS),
    Row(POSTMARK, ".*", "300", r"^(Invalid|Error parsing) 'To'", _GIVE_UP, _ADDRESS),
    Row(POSTMARK, ".*", "300", r"^(Invalid|Error parsing) 'From'", _STOP, _OURS),
    Row(MAILGUN,  "400", ".*", r"'to' parameter is not a valid address", _GIVE_UP, _ADDRESS),
    Row(MAILGUN,  "400", ".*", r"'from' parameter|authorized recipients|not allowed to send",
        _STOP, _OURS),
    # What answers to a path that is not there.
    Row(MAILGUN,  "200", ".*", "Magnificent API", _STOP, _OURS),
    Row(SENDGRID, "400", r"personalizations\.\d+\.to\b.*", "valid address", _GIVE_UP, _ADDRESS),
    Row(SENDGRID, "400", r"from(\..*)?", "", _STOP, _OURS),
    Row(SES,      "4..", f"({_SES_STOPS}).*", "", _STOP, _OURS),
    # In the sandbox the recipient must be verified, too: no message leaves.
    Row(SES,      "400", "MessageRejected", "not verified", _STOP, _OURS),
    # Amazon's "Illegal address" does not say whose it is, and has met good ones.
    Row(".*",     "4..", ".*", "", _GIVE_UP, _OURS),
    # Any other of one message within a batch of Postmark's.
    Row(POSTMARK, "200", "[1-9].*", "", _GIVE_UP, _OURS),
)
# fmt: on

_RESULTS = {Action.RETRY_LATER: Result.RETRY_LATER, Action.GIVE_UP: Result.REFUSED}


def judge(esp: str, answer: Answer) -> Outcome:
    """What an answer that is no acceptance makes of a message: the first row of ``TABLE`` that
    fits. Where none does the message is in doubt. Raises Stopped."""
    for row in TABLE:
        if (
            re.fullmatch(row.esp, esp)
            and re.fullmatch(row.status, str(answer.status))
            and re.fullmatch(row.code, answer.code, re.DOTALL)
            and re.search(row.text, answer.text, re.IGNORECASE)
        ):
            if row.action is Action.STOP:
                raise Stopped(str(answer))
            return Outcome(_RESULTS[row.action], str(answer), row.fault)
    return Outcome(Result.IN_DOUBT, str(answer), Fault.TEMPORARY)


def read(esp: str, status: int, body: object) -> Answer:
    """An answer from its decoded JSON, or from its text; what is in neither form is empty."""
    found: object = body
    if esp == SES and isinstance(body, dict):
        found = body.get("Error")
    elif esp == SENDGRID and isinstance(body, dict) and isinstance(body.get("errors"), list):
        found = next(iter(body["errors"]), None)
    if not isinstance(found, dict):
        return Answer(status, "", found if isinstance(found, str) else "")
    code = {POSTMARK: "ErrorCode", SENDGRID: "field", SES: "Code"}.get(esp, "")
    text = found.get("message") or found.get("Message")
    named = found.get(code)
    return Answer(status, "" if named is None else str(named), str(text or ""))
