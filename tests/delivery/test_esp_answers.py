"""What each answer of a mail service means; the bodies are as the services' documents have them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions.delivery.esp_answers import MAILGUN, POSTMARK, SENDGRID, SES, judge, read
from subscriptions.delivery.outcomes import Fault, Result, Stopped

ADDRESS, OURS = (Result.REFUSED, Fault.ADDRESS), (Result.REFUSED, Fault.OURS)
LATER, DOUBT = (Result.RETRY_LATER, Fault.TEMPORARY), (Result.IN_DOUBT, Fault.TEMPORARY)
STOP = "stop"


def mailgun(text: str) -> dict[str, Any]:
    return {"message": text}


def postmark(code: int, text: str) -> dict[str, Any]:
    return {"ErrorCode": code, "Message": text}


def sendgrid(text: str, field: str | None = None) -> dict[str, Any]:
    return {"errors": [{"message": text, "field": field, "help": None}]}


def amazon(code: str, text: str) -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": text}}


NOT_VERIFIED = (
    "Email address is not verified. The following identities failed the check in region"
    " EU-WEST-1: digest@example.org"
)
INACTIVE = "You tried to send to a recipient that has been marked as inactive."
TO, FROM = "personalizations.0.to.0.email", "from.email"


@pytest.mark.parametrize(
    ("esp", "status", "body", "expected"),
    [
        (MAILGUN, 400, mailgun("'to' parameter is not a valid address. please check"), ADDRESS),
        (MAILGUN, 400, mailgun("'from' parameter is not a valid address. please check"), STOP),
        (MAILGUN, 400, mailgun("need at least one of 'text' or 'html' parameters"), OURS),
        (MAILGUN, 400, mailgun("Please add the address to authorized recipients"), STOP),
        (MAILGUN, 401, "Forbidden", STOP),
        (MAILGUN, 403, mailgun("Domain example.org is not allowed to send"), STOP),
        (MAILGUN, 404, mailgun("Domain not found: example.org"), STOP),
        (MAILGUN, 200, "Mailgun Magnificent API", STOP),
        (MAILGUN, 200, mailgun("something else"), DOUBT),
        (MAILGUN, 413, "<html>413 Request Entity Too Large</html>", OURS),
        (MAILGUN, 429, mailgun("Too many requests"), LATER),
        (MAILGUN, 500, mailgun("Internal Server Error"), LATER),
        (MAILGUN, 502, "<html>Bad gateway</html>", DOUBT),
        (MAILGUN, 503, "", LATER),
        (MAILGUN, 504, "", DOUBT),
        (MAILGUN, 302, "", DOUBT),
        (POSTMARK, 200, postmark(406, INACTIVE), ADDRESS),
        (POSTMARK, 422, postmark(406, INACTIVE), ADDRESS),
        (POSTMARK, 200, postmark(300, "Invalid 'To' address: 'ada'."), ADDRESS),
        (POSTMARK, 200, postmark(300, "Error parsing 'To': Illegal email domain"), ADDRESS),
        (POSTMARK, 200, postmark(300, "Invalid 'From' address: 'us'."), STOP),
        (POSTMARK, 200, postmark(300, "Invalid metadata content."), OURS),
        (POSTMARK, 200, postmark(400, "The 'From' address is not a Sender Signature"), STOP),
        (POSTMARK, 200, postmark(405, "You have run out of credits"), STOP),
        (POSTMARK, 200, postmark(412, "your account is pending approval"), STOP),
        (POSTMARK, 422, postmark(1235, "The stream provided does not exist"), STOP),
        (POSTMARK, 401, postmark(10, "No Account or Server API tokens"), STOP),
        (POSTMARK, 200, postmark(429, "Rate limit exceeded"), LATER),
        (POSTMARK, 200, postmark(100, "Maintenance"), LATER),
        (POSTMARK, 422, postmark(402, "Invalid JSON"), OURS),
        (POSTMARK, 413, "", OURS),
        (POSTMARK, 200, {"unexpected": 1}, DOUBT),
        (POSTMARK, 200, [], DOUBT),
        (SENDGRID, 400, sendgrid("Does not contain a valid address.", TO), ADDRESS),
        (SENDGRID, 400, sendgrid("Does not contain a valid address.", FROM), STOP),
        (SENDGRID, 400, sendgrid("is required", "content.0.value"), OURS),
        (SENDGRID, 400, sendgrid("Bad Request"), OURS),
        (SENDGRID, 401, sendgrid("Maximum credits exceeded"), STOP),
        (SENDGRID, 403, sendgrid("The from address does not match a verified Sender"), STOP),
        (SENDGRID, 429, sendgrid("too many requests"), LATER),
        (SENDGRID, 400, {"errors": []}, OURS),
        (SES, 400, amazon("BadRequestException", "Illegal address"), OURS),
        (SES, 400, amazon("MessageRejected", NOT_VERIFIED), STOP),
        (SES, 400, amazon("MessageRejected", "Message contains a virus"), OURS),
        (SES, 400, amazon("SendingPausedException", "paused"), STOP),
        (SES, 400, amazon("AccountSuspendedException", "suspended"), STOP),
        (SES, 400, amazon("MailFromDomainNotVerifiedException", "no"), STOP),
        (SES, 404, amazon("NotFoundException", "Configuration set <x> does not exist"), STOP),
        (SES, 400, amazon("ThrottlingException", "Rate exceeded"), LATER),
        (SES, 400, amazon("LimitExceededException", "Daily message quota exceeded"), LATER),
        (SES, 429, amazon("TooManyRequestsException", "Too many requests"), LATER),
        (SES, 403, amazon("SignatureDoesNotMatch", "check your key"), STOP),
        (SES, 400, amazon("ExpiredTokenException", "expired"), STOP),
        (SES, 500, amazon("500", "Internal Server Error"), LATER),
    ],
)
def test_an_answer_and_what_it_means(esp: str, status: int, body: Any, expected: Any) -> None:
    answer = read(esp, status, body)
    if expected == STOP:
        with pytest.raises(Stopped, match=f"HTTP {status}"):
            judge(esp, answer)
    else:
        outcome = judge(esp, answer)
        assert (outcome.result, outcome.fault) == expected


def test_an_answer_is_told_without_addresses_and_in_one_line() -> None:
    text = "Found inactive addresses:\r\n ada@example.org, bob@example.org. " + "x" * 999
    body = postmark(406, text)
    reply = judge(POSTMARK, read(POSTMARK, 200, body)).reply
    assert reply.startswith("HTTP 200 406 Found inactive addresses: a…@e….org, b…@e….org.")
    assert len(reply) == 500


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["errors", "Error", "message", "Message", "ErrorCode", "Code", "field"]
            ),
            inner,
        )
    ),
)


@given(st.sampled_from([MAILGUN, POSTMARK, SENDGRID, SES]), st.integers(100, 599), JSON)
def test_any_answer_is_read_and_none_is_an_acceptance(esp: str, status: int, body: Any) -> None:
    try:
        outcome = judge(esp, read(esp, status, body))
    except Stopped:
        return
    assert outcome.result in (Result.REFUSED, Result.RETRY_LATER, Result.IN_DOUBT)
