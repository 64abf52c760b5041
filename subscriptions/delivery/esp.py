"""Messages over the HTTP interface of a mail service (an ESP), by django-anymail.

What the service does itself is left to it: DKIM, the ``Date``, and, but for Amazon, the envelope
sender; it tells of bounces and complaints by webhooks. Nobody is tracked, and each message says
so; Amazon tracks where a configuration set of the account asks it to.
"""

import logging
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, cast

from anymail.exceptions import (
    AnymailAPIError,
    AnymailConfigurationError,
    AnymailError,
    AnymailUnsupportedFeature,
)
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from .esp_answers import MAILGUN, POSTMARK, SENDGRID, SES, judge, read
from .message import Check, Messages
from .outcomes import Fault, Outcome, Outcomes, Result, Stopped, Unavailable, unencoded
from .replies import described
from .smtp import INTERRUPTED

logger = logging.getLogger(__name__)

LINES = 8
"""Requests at once, each with one message."""
BATCH = 100
"""Messages in one request to Postmark, which takes 500 different ones and 50 MB."""
_EXTRA: dict[str, dict[str, Any]] = {
    MAILGUN: {"o:tracking": "no"},
    SENDGRID: {
        "tracking_settings": {
            "ganalytics": {"enable": False},
            "subscription_tracking": {"enable": False},  # it would add a link of its own
        }
    },
}

Payload = Any
"""A message as anymail hands it over."""
Told = Outcome | Unavailable
"""What one message met."""
Group = list[tuple[int, Payload]]


class EspTransport:
    """A session with the service that ``EMAIL_URL`` names, kept until ``close``."""

    def __init__(self, timeout: float | None = None) -> None:
        """``timeout``: how many seconds an answer may take, where not ``EMAIL_TIMEOUT``."""
        seconds = timeout or settings.EMAIL_TIMEOUT
        once = {"total_max_attempts": 1}  # another might send a second copy
        limits = {"retries": once, "connect_timeout": seconds, "read_timeout": seconds}
        amazon = settings.ANYMAIL.get("AMAZON_SES_CLIENT_PARAMS", {})
        amazon = amazon | {"config": amazon.get("config", {}) | limits}
        self._backend = cast(Any, get_connection(timeout=seconds, client_params=amazon))
        self._esp: str = self._backend.esp_name

    def close(self) -> None:
        try:
            self._backend.close()
        except Exception:
            logger.exception("a session did not end well")

    def send(self, messages: Messages, outcomes: Outcomes, check: Check) -> None:
        """Hand over messages, as ``Transport.send``.

        Each tells the service what its webhooks shall say of it: its key as that of a
        ``delivery``, unless that is 0, or what its ``email()`` has as ``metadata``.
        Postmark takes many in a request; the others as many requests at once. A batch whose
        answer does not come is in doubt as a whole. What breaks is one message's trouble while
        others beside it are answered; where none is, Unavailable is raised.
        """
        letters = self._letters(messages, outcomes)
        while group := list(islice(letters, BATCH if self._esp == POSTMARK else LINES)):
            self._send_group(group, outcomes, check)

    def _letters(self, messages: Messages, outcomes: Outcomes) -> Iterator[tuple[int, Payload]]:
        for key, message in messages:
            try:
                email = message.email()
                if key:
                    vars(email).update(metadata={"delivery": str(key)}, tags=["digest"])
                if self._esp == SES:  # of the others, none takes a whole address
                    vars(email).update(envelope_sender=message.sender)
                payload = self._payload(email)
            except Unavailable as error:
                outcomes[key] = Outcome(Result.NOT_TRIED, str(error))
                raise
            except Exception as error:  # one bad message must not stop the rest
                logger.exception("message %s was not encoded", key)
                outcomes[key] = unencoded(error)
                continue
            yield key, payload

    def _payload(self, email: EmailMessage) -> Payload:
        """Raises Stopped where this service can take no message of this site."""
        headers = {name: text for name, text in email.extra_headers.items() if name != "Date"}
        if self._esp == POSTMARK:
            headers["X-PM-KeepID"] = "true"  # else it makes a Message-ID of its own
        email.extra_headers = headers
        if self._esp != SES:
            vars(email).update(track_opens=False, track_clicks=False)
        vars(email).update(esp_extra=_EXTRA.get(self._esp, {}))
        try:
            return self._backend.build_message_payload(email, self._backend.send_defaults)
        except (AnymailConfigurationError, AnymailUnsupportedFeature) as error:
            raise Stopped(described(error)) from error

    def _open(self) -> None:
        try:
            self._backend.open()
        except Exception as error:  # nothing is on the way yet; boto3 has its own
            raise Stopped(described(error)) from error

    def _send_group(self, group: Group, outcomes: Outcomes, check: Check) -> None:
        keys = [key for key, _ in group]
        try:
            self._open()
            check()
        except Unavailable as error:
            outcomes.update(dict.fromkeys(keys, Outcome(Result.NOT_TRIED, str(error))))
            raise
        met = self._hand_over(group, outcomes)
        if any(outcomes[key].result is Result.IN_DOUBT for key in keys):
            self.close()
        for each in met:
            if isinstance(each, Stopped):
                raise each
        if not any(outcomes[key].result in (Result.SENT, Result.REFUSED) for key in keys):
            raise Unavailable(outcomes[keys[-1]].reply)

    def _hand_over(self, group: Group, outcomes: Outcomes) -> list[Unavailable]:
        """What is answered is in ``outcomes`` at once, also where this is interrupted."""
        met: list[Unavailable] = []

        def post(some: Group) -> None:
            outcomes.update(dict.fromkeys([key for key, _ in some], INTERRUPTED))
            for (key, _), told in zip(some, self._post([each for _, each in some]), strict=True):
                if isinstance(told, Unavailable):
                    met.append(told)
                    told = Outcome(Result.NOT_TRIED, str(told))
                outcomes[key] = told

        if self._esp == POSTMARK:
            post(group)
        else:
            with ThreadPoolExecutor(len(group)) as pool:
                list(pool.map(post, [[letter] for letter in group]))
        return met

    def _post(self, payloads: list[Payload]) -> list[Told]:
        """One request; what each message met."""
        batch = _Batch(payloads) if self._esp == POSTMARK else payloads[0]
        try:
            response = self._backend.post_to_esp(batch, None)
            if self._esp != POSTMARK:
                (status,) = self._backend.parse_recipient_status(response, batch, None).values()
                return [_accepted(status.message_id)]
            body = _body(response)
            if isinstance(body, list) and len(body) == len(payloads):
                return [self._told_in_batch(one) for one in body]
            told = self._told(response.status_code, body)
        except AnymailAPIError as error:
            told = self._failed(error)
        except AnymailError as error:  # of what it is set to do: nothing is on the way
            told = Stopped(described(error))
        except UnicodeError:  # its text has a character of the key
            told = Stopped("the key of the mail service is not ASCII")
        except Exception as error:  # one bad message must not stop the rest
            logger.exception("messages are in doubt")
            told = Outcome(Result.IN_DOUBT, described(error), Fault.TEMPORARY)
        if len(payloads) > 1 and isinstance(told, Outcome) and told.result is Result.REFUSED:
            return [one for payload in payloads for one in self._post([payload])]
        return [told] * len(payloads)

    def _told_in_batch(self, one: object) -> Told:
        if isinstance(one, dict) and not one.get("ErrorCode") and "MessageID" in one:
            return _accepted(one["MessageID"])
        return self._told(200, one)

    def _failed(self, error: AnymailAPIError) -> Told:
        response = error.response
        if isinstance(response, dict):
            return self._told(response["ResponseMetadata"]["HTTPStatusCode"], response)
        if response is not None:  # one of an error is falsy
            return self._told(response.status_code, _body(response))
        return _broken(error.__cause__ if isinstance(error.__cause__, Exception) else error)

    def _told(self, status: int, body: object) -> Told:
        try:
            return judge(self._esp, read(self._esp, status, body))
        except Stopped as error:
            return error


class _Batch:
    """Different messages in one request to Postmark, which anymail has no way for."""

    def __init__(self, payloads: list[Payload]) -> None:
        self._payloads = payloads

    def get_request_params(self, api_url: str) -> dict[str, Any]:
        first = self._payloads[0]
        data = first.serialize_json([payload.data for payload in self._payloads])
        params: dict[str, Any] = first.get_request_params(api_url)
        return params | {"url": f"{api_url}email/batch", "data": data}


def _accepted(message_id: object) -> Outcome:
    return Outcome(Result.SENT, f"accepted: {message_id}"[:500])


def _body(response: Any) -> object:
    try:
        return response.json()
    except ValueError:
        return response.text


def _broken(error: Exception) -> Told:
    """What an error that is no answer means."""
    behind = list(_behind(error))
    names = [type(each).__name__ for each in behind]
    reply = described(error)
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in behind):
        return Stopped(reply)
    if any(isinstance(each, NewConnectionError | ConnectTimeoutError) for each in behind):
        return Unavailable(reply)
    if isinstance(error, ValueError) or "CredentialsError" in names[0]:  # a bad URL; no key
        return Stopped(reply)
    if names[0].endswith("RetrievalError"):  # Amazon's keys, from the machine it runs on
        return Unavailable(reply)
    return Outcome(Result.IN_DOUBT, reply, Fault.TEMPORARY)


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__
