from collections.abc import Callable

import pytest

from subscriptions.models import Subscriber


@pytest.fixture
def ada(make_reader: Callable[..., Subscriber]) -> Subscriber:
    return make_reader("ada@example.org")


@pytest.fixture
def bo(make_reader: Callable[..., Subscriber]) -> Subscriber:
    return make_reader("bo@example.org")
