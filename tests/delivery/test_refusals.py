"""What a refusal by a mail service says of the address."""

import pytest

from subscriptions.delivery.esp_answers import POSTMARK, SENDGRID, Answer, judge
from subscriptions.delivery.refusals import refusal

NOT_VALID = Answer(400, "personalizations.0.to.0.email", "Does not contain a valid address.")
INACTIVE = Answer(422, "406", "You tried to send to a recipient that has been marked as inactive.")
BROKEN = Answer(400, "content", "is required")


@pytest.mark.parametrize(
    ("esp", "answer", "address", "hard"),
    [
        (SENDGRID, NOT_VALID, "ada@example.org", True),
        (SENDGRID, NOT_VALID, "ada@bücher.example", True),
        (SENDGRID, NOT_VALID, "jürgen@example.org", False),
        (SENDGRID, NOT_VALID, "用户@例え.example", False),
        (POSTMARK, INACTIVE, "ada@example.org", True),
        (SENDGRID, BROKEN, "ada@example.org", False),
    ],
)
def test_what_the_service_cannot_write_is_not_the_fault_of_the_address(
    esp: str, answer: Answer, address: str, hard: bool
) -> None:
    report = refusal(judge(esp, answer), address)
    assert (report.kind.value, report.ours) == (("hard", False) if hard else ("soft", True))
