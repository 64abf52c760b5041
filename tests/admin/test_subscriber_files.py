"""Readers from a file and to one, as an operator does it."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from lxml import html

from subscriptions import tasks
from subscriptions.flows import import_files
from subscriptions.models import ImportFile, Interest, Subscriber, Suppression, Topic

NOW = dt.datetime(2025, 10, 15, 12, tzinfo=dt.UTC)
Make = Callable[..., Any]

IMPORT, PROCESS, EXPORT = (
    reverse(f"admin:subscriptions_subscriber_{name}")
    for name in ("import", "process_import", "export")
)
LIST = reverse("admin:subscriptions_subscriber_changelist")
FILE = """Email Address,Confirm Time,Interests
ada@example.org,2024-05-01 09:30,Robotics
bo@example.org,2024-05-01 09:31,hci
cy@example,2024-05-01,hci
di@example.org,,hci
eve@example.org,soon,hci
"""


@pytest.fixture(autouse=True)
def frozen() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def upload(client: Client, text: str, **fields: str) -> Any:
    file = SimpleUploadedFile("list.csv", text.encode(), "text/csv")
    data = {"file": file, "consent_source": "Our list at Mailchimp", **fields}
    return client.post(IMPORT, data, follow=True)


def posted(page: Any, **changes: str) -> dict[str, str]:
    """What the form on a page would send, with some of it changed."""
    (form,) = (f for f in html.fromstring(page.content.decode()).forms if "check" in f.fields)
    return {name: value or "" for name, value in {**dict(form.form_values()), **changes}.items()}


def told(page: Any) -> str:
    return " ".join(" ".join(html.fromstring(page.content.decode()).itertext()).split())


def allowed(client: Client, *codenames: str) -> None:
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)


def test_a_file_with_bad_rows(admin_client: Client, topics: dict[str, Topic]) -> None:
    assert IMPORT in admin_client.get(LIST).content.decode()
    page = upload(admin_client, FILE)
    assert not Subscriber.objects.exists()
    assert "2 new, active 1 new, waits for its confirmation 2 bad" in told(page)
    assert "4 email: That is not an email address" in told(page)
    assert "6 confirmed_at: “soon” is no date" in told(page)
    assert "Import 3 readers" in told(page)

    # the column that no name told, by hand
    data = posted(page, **{"column-2": "topics"})
    page = admin_client.post(PROCESS, data, follow=True)
    assert "You changed the form" in told(page) and not Subscriber.objects.exists()
    page = admin_client.post(PROCESS, posted(page), follow=True)
    assert page.redirect_chain[-1][0] == LIST
    assert (
        "Imported 3 readers from list.csv (2 new, active, 1 new, waits for its confirmation)."
        in told(page)
    )
    assert set(Subscriber.objects.values_list("email", "status", "consent_source")) == {
        (f"{name}@example.org", status, "Our list at Mailchimp")
        for name, status in (("ada", "active"), ("bo", "active"), ("di", "pending"))
    }
    assert Interest.objects.count() == 3
    assert mail.outbox == [] and not ImportFile.objects.exists()
    entry = LogEntry.objects.get()
    assert "Imported 3 readers from list.csv" in entry.change_message
    assert "@" not in entry.change_message + entry.object_repr
    assert entry.object_repr in told(admin_client.get(reverse("admin:index")))

    page = upload(admin_client, FILE)
    assert "3 here already" in told(page) and "There is nobody to import." in told(page)
    assert Subscriber.objects.count() == 3


def test_bad_rows_can_be_put_right_and_uploaded(
    admin_client: Client, topics: dict[str, Topic]
) -> None:
    page = upload(admin_client, FILE.replace("cy@example,", "=cy@example,"), agreed="on")
    link = html.fromstring(page.content.decode()).xpath("//a[text()='Download the bad rows']")[0]
    answer = admin_client.get(IMPORT + link.get("href"))
    assert "attachment" in answer["Content-Disposition"]
    rows = answer.getvalue().decode("utf-8-sig").splitlines()
    assert rows[0] == "line,reason,Email Address,Confirm Time,Interests"
    assert len(rows) == 3 and ",'=cy@example,2024-05-01,hci" in rows[1]
    mended = "\n".join(rows).replace("'=cy@example", "cy@example.org").replace("soon", "2024-05-02")
    page = upload(admin_client, mended, agreed="on")
    assert "Import 2 readers" in told(page)


def test_the_form_says_what_is_missing(admin_client: Client, topics: dict[str, Topic]) -> None:
    page = admin_client.post(IMPORT, {"consent_source": " "})
    assert told(page).count("This field is required.") == 2
    assert "The file has no row." in told(upload(admin_client, "\n"))
    assert "The file is a workbook" in told(upload(admin_client, "PK\x03\x04"))
    assert "no row besides the names" in told(upload(admin_client, "email,name"))
    page = upload(admin_client, "who,what\nAda,robots\n")
    assert "What becomes of the rows" not in told(page), "no column is the address yet"
    page = admin_client.post(PROCESS, posted(page), follow=True)
    assert "Choose the column that has the email addresses." in told(page)
    page = admin_client.post(
        IMPORT, posted(page, **{"column-0": "email", "column-1": "email"}), follow=True
    )
    assert told(page).count("Two columns are taken for email.") == 2
    page = admin_client.post(IMPORT, posted(page, **{"column-1": ""}), follow=True)
    assert "1 bad" in told(page)
    assert admin_client.get(IMPORT + "?file=nonsense", follow=True).status_code == 200


def test_what_changed_since_the_look_is_named(
    admin_client: Client, make_reader: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = upload(admin_client, "email\nada@example.org\nbo@example.org\n", agreed="on")
    make_reader("ada@example.org", at=NOW)
    done = admin_client.post(PROCESS, posted(page), follow=True)
    assert "Imported 1 reader from list.csv (1 new, active)." in told(done)
    assert "Left out, as it changed since you looked: line 2, here already." in told(done)
    again = admin_client.post(PROCESS, posted(page), follow=True)
    assert "That file is not here any more" in told(again)

    def after_somebody_else(pk: Any, now: Any) -> Any:
        bring_in(pk, now)
        return bring_in(pk, now)

    bring_in = import_files.bring_in
    monkeypatch.setattr(import_files, "bring_in", after_somebody_else)
    page = upload(admin_client, "email\ncy@example.org\n", agreed="on")
    again = admin_client.post(PROCESS, posted(page), follow=True)
    assert "That file is not here any more" in told(again)


@pytest.mark.django_db(transaction=True)
def test_a_topic_that_is_deleted_during_an_import(
    admin_client: Client, topics: dict[str, Topic], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = upload(admin_client, "email,topics\nada@example.org,hci\n", agreed="on")
    monkeypatch.setattr(import_files, "want", lambda *_: _delete(topics["hci"]))
    page = admin_client.post(PROCESS, posted(page), follow=True)
    assert "Nobody came in: a topic was deleted meanwhile" in told(page)
    assert not Subscriber.objects.exists() and ImportFile.objects.exists()


def _delete(topic: Topic) -> None:
    """As another does it who does not see the interests that come in."""
    Topic.objects.filter(pk=topic.pk)._raw_delete("default")


def test_files_and_their_rows_are_text(admin_client: Client, topics: dict[str, Topic]) -> None:
    script = "<script>alert(1)</script>"
    page = upload(admin_client, f"email,{script}\nada@example.org,{script}\n{script},x\n")
    assert script not in page.content.decode() and "&lt;script&gt;" in page.content.decode()


def test_each_needs_its_permission(client: Client, make_reader: Make) -> None:
    allowed(client, "view_subscriber", "change_subscriber", "export_subscriber")
    assert client.get(IMPORT).status_code == client.post(PROCESS).status_code == 403
    assert upload(client, FILE).status_code == 403 and not ImportFile.objects.exists()
    assert client.get(EXPORT).status_code == 200
    page = client.get(LIST).content.decode()
    assert EXPORT in page and IMPORT not in page
    User.objects.all().delete()
    allowed(client, "view_subscriber", "import_subscriber")
    assert client.get(IMPORT).status_code == 200
    assert client.get(EXPORT).status_code == client.post(EXPORT).status_code == 403


def exported(client: Client, query: str = "") -> str:
    answer = client.post(EXPORT + query)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return b"".join(answer).decode("utf-8-sig")


def choices() -> list[Any]:
    """What readers chose and agreed to, whatever their keys are."""
    return [
        (
            list(Subscriber.objects.filter(pk=reader.pk).values_list(
                "email", "status", "cadence", "weekday", "hour", "timezone", "max_papers",
                "sections_off", "text_only", "paused_until", "consent_source",
            )),
            sorted(reader.interests.values_list("kind", "topic", "paper", "value", "weight"),
                   key=str),
        )
        for reader in Subscriber.objects.order_by("email")
    ]  # fmt: skip


def test_what_is_exported_comes_in_again_as_it_was(
    admin_client: Client, topics: dict[str, Topic], make_paper: Make, make_reader: Make
) -> None:
    make_paper("An example", arxiv_id="2501.00001")
    odd = ("p(x|y); =1+1", "'=x", "=cmd|' /C calc'!A0", "a\\|b", "-x", "“Möbius”, ring", "@me")
    make_reader("+ada@example.org", topics=(topics["robotics"].pk, topics["hci"].pk), phrases=odd,
                authors=("Wei Zhang (cs.CV)",), categories=("cs.CL",), muted=("x;y",),
                papers=("2501.00001", "2502.00002"), cadence="daily", hour=23,
                timezone="Asia/Tokyo", max_papers=25, sections_off=("picks",),
                text_only=True)  # fmt: skip
    paused = make_reader("bo@example.org", phrases=("x",))
    Subscriber.objects.filter(pk=paused.pk).update(status="paused", paused_until="2025-12-24")
    left = make_reader("left@example.org", phrases=("x",))
    Subscriber.objects.filter(pk=left.pk).update(status="unsubscribed", next_digest_at=None)
    Subscriber.objects.update(consent_source="Our list at Mailchimp")
    before = [one for one in choices() if one[0][0][0] != "left@example.org"]
    text = exported(admin_client)
    for line in text.splitlines():
        assert not re.search(r'(^|[,;"])[=+@-]', line), line
    assert "'+ada@example.org,active," in text

    Subscriber.objects.all().delete()
    page = upload(admin_client, text, agreed="on")
    assert "1 left by themselves" in told(page)
    admin_client.post(PROCESS, posted(page))
    assert choices() == before


def test_the_export_is_that_of_the_list(admin_client: Client, make_reader: Make) -> None:
    make_reader("ada@example.org", cadence="daily")
    make_reader("bo@example.org")
    Suppression.objects.create(email_hash="f" * 64, reason="operator", created_at=NOW)
    page = admin_client.get(EXPORT + "?cadence__exact=daily")
    assert "Export the readers that the list showed" in told(page)
    assert "Export the readers" not in told(admin_client.get(EXPORT))
    found = exported(admin_client, "?cadence__exact=daily")
    assert "ada@example.org" in found and "bo@example.org" not in found
    assert len(exported(admin_client, "?q=bo@example.org").splitlines()) == 2
    everybody = exported(admin_client)
    assert len(everybody.splitlines()) == 3 and "ffff" not in everybody
    entries = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(entries) == [
        "Exported 1 reader.", "Exported 1 reader.", "Exported 2 readers.",
    ]  # fmt: skip
    assert admin_client.get(EXPORT + "?nonsense=1").status_code == 302


def test_queries_do_not_grow_with_the_file(
    admin_client: Client, topics: dict[str, Topic], make_reader: Make
) -> None:
    def queries(count: int) -> int:
        rows = [f"r{count}-{n}@example.org,robotics,phrase {n},2502.{n:05}" for n in range(count)]
        text = "\n".join(["email,topics,phrases,papers", *rows])
        with CaptureQueriesContext(connection) as captured:
            page = upload(admin_client, text, agreed="on")
            admin_client.post(PROCESS, posted(page))
            exported(admin_client)
        return len(captured)

    queries(1)
    few = queries(2)
    assert queries(300) < few + 30, "some for a batch, none for a row"
    assert Subscriber.objects.count() == 303


def test_a_file_is_forgotten_with_the_ticks(admin_client: Client, frozen: Any) -> None:
    upload(admin_client, "email\nada@example.org")
    frozen.move_to(NOW + dt.timedelta(hours=25))
    tasks.tick()
    assert not ImportFile.objects.exists()
