from collections.abc import Callable, Iterable
from typing import Protocol

from django.core.mail import EmailMessage


class Message(Protocol):
    """One message to one recipient, as a transport takes it."""

    @property
    def sender(self) -> str:
        """The envelope address that bounces go to."""

    @property
    def recipient(self) -> str:
        """The envelope address it is for."""

    def wire(self) -> bytes:
        """A complete RFC 5322 message, ready for SMTP.

        Lines end with CRLF, the last one too; none begins with a dot; all of it is 7-bit
        unless the recipient's local part is not ASCII.
        """

    def email(self) -> EmailMessage:
        """The same message for Django's other backends."""


Messages = Iterable[tuple[int, Message]]
"""Messages by the key that their outcome is told by; taken one by one."""
Check = Callable[[], None]
"""Raises where no more may be handed over."""
