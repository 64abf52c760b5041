"""What the buttons of the board do, without a script."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from lxml import html

from subscriptions.models import (
    Paper,
    Pick,
    Topic,
    WantedPaper,
)
from tests.admin.boards import BOARD, DAY, JSON, TODAY, Make, do, logged, make_week, text
from tests.conftest import MONDAY


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture
def week(make_paper: Make, topics: dict[str, Topic]) -> list[Paper]:
    return make_week(make_paper, topics)


def test_pick_order_and_take_back(admin_client: Client, week: list[Paper]) -> None:
    def order() -> list[str]:
        page = html.fromstring(admin_client.get(BOARD).content.decode())
        return [name.text_content().strip() for name in page.xpath("//section[@id='picks']//li/h3")]

    assert do(admin_client, f"pick:{week[0].pk}") == "Picked for 13 October 2025."
    said = do(admin_client, "pick", papers=[week[0].pk, week[1].pk, week[2].pk])
    assert said == "2 papers picked for 13 October 2025."
    do(admin_client, f"up:{week[2].pk}")
    assert order() == ["Robot arms 0", "Robot arms 2", "Robot arms 1"]
    do(admin_client, f"down:{week[0].pk}")
    do(admin_client, f"place:{week[1].pk}:0")
    assert order() == ["Robot arms 1", "Robot arms 2", "Robot arms 0"]
    do(admin_client, f"unpick:{week[2].pk}")
    assert order() == ["Robot arms 1", "Robot arms 0"]
    assert do(admin_client, f"unpick:{week[2].pk}").startswith("Nothing to change")
    history = logged(admin_client, week[2])
    for line in ("Picked for 2025-10-13.", "Moved to place 2 of", "Taken back from 2025-10-13."):
        assert line in history
    pick = Pick.objects.get(paper=week[1])
    history = text(admin_client.get(reverse("admin:subscriptions_pick_history", args=[pick.pk])))
    assert "Picked for 2025-10-13." in history and "Moved to place 1 of" in history


def test_hide_with_its_reason_show_again_and_undo_step_by_step(
    admin_client: Client, week: list[Paper]
) -> None:
    assert do(admin_client, "hide-off-topic").startswith("Select some papers")
    do(admin_client, "hide-off-topic", papers=[week[0].pk, week[1].pk])
    assert "Hidden as off topic: reaches nobody." in text(admin_client.get(BOARD))
    assert "show it again first" in do(admin_client, f"pick:{week[0].pk}")
    do(admin_client, f"show:{week[0].pk}")
    assert do(admin_client, "undo") == "Undone: shown again."
    assert do(admin_client, "undo") == "Undone: hidden as off topic."
    assert not Paper.objects.exclude(hidden="").exists()
    assert do(admin_client, "undo") == "There is nothing to undo."
    assert logged(admin_client, week[0]).count("Hidden as off topic.") == 2
    do(admin_client, f"hide-duplicate:{week[0].pk}")
    Paper.objects.update(hidden="withdrawn")
    assert "somebody has changed it since" in do(admin_client, "undo")


def test_what_cannot_be_undone_keeps_nothing_before_it(
    admin_client: Client, week: list[Paper], topics: dict[str, Topic]
) -> None:
    do(admin_client, f"hide-off-topic:{week[1].pk}")
    Pick.objects.create(paper=week[0], day=TODAY).topics.add(topics["robotics"])
    do(admin_client, f"unpick:{week[0].pk}")
    topics["robotics"].delete()
    assert "are deleted" in do(admin_client, "undo")
    assert do(admin_client, "undo") == "Undone: hidden as off topic."


def test_the_editor_of_a_pick(
    admin_client: Client, week: list[Paper], topics: dict[str, Topic]
) -> None:
    where: dict[str, Any] = {"paper": week[0].pk, "picks": str(TODAY)}
    page = admin_client.get(f"{BOARD}pick/", where)
    form = html.fromstring(page.content.decode()).forms
    (editor,) = (one for one in form if "note" in one.fields)
    assert "Saving this picks the paper" in text(page)
    data = dict(editor.form_values()) | {
        "note": "Worth *an* evening.", "day": str(TODAY + DAY), "topics": [topics["robotics"].pk],
    }  # fmt: skip
    answer = admin_client.post(f"{BOARD}pick/", data, follow=True)
    assert "Pick for 14 October 2025 saved." in text(answer)
    shown = admin_client.get(BOARD, {"picks": str(TODAY + DAY)})
    assert "Worth <em>an</em> evening." in shown.content.decode()
    assert "For followers of Robotics" in text(shown) and "yet to come" in text(shown)
    assert "Note for 2025-10-14: Worth *an* evening." in logged(admin_client, week[0])
    do(admin_client, "undo")
    assert not Pick.objects.exists()


def test_what_cannot_be_saved_comes_back_with_why(admin_client: Client, week: list[Paper]) -> None:
    where: dict[str, Any] = {
        "paper": week[0].pk,
        "picks": str(TODAY),
        "version": "none",
        "day": str(TODAY),
    }
    long = admin_client.post(f"{BOARD}pick/", {**where, "note": "x" * 1_000_000})
    assert long.status_code == 422 and not Pick.objects.exists()
    assert "at most 1000 characters (it has 1000000)" in text(long)
    preview = admin_client.post(f"{BOARD}preview/", {"note": "x" * 1_000_000}).json()
    assert "at most 1,000" in preview["said"] and "html" not in preview
    old = admin_client.post(f"{BOARD}pick/", {**where, "day": "2025-09-01"}, headers=JSON)
    assert old.status_code == 422 and "too long ago" in old.json()["editor"]
    none = admin_client.post(f"{BOARD}pick/", {**where, "day": "tomorrow"}, headers=JSON)
    assert none.status_code == 422 and "Enter a valid date" in none.json()["editor"]
    assert admin_client.get(f"{BOARD}pick/", {"paper": "9" * 30}).status_code == 404


def test_a_note_that_another_editor_changed_meanwhile_is_not_lost(
    admin_client: Client, week: list[Paper]
) -> None:
    Pick.objects.create(paper=week[0], day=TODAY, note="First")
    where: dict[str, Any] = {"paper": week[0].pk, "picks": str(TODAY), "day": str(TODAY)}

    def version(page: Any) -> str:
        shown = html.fromstring(page.json()["editor"])
        return str(shown.xpath("//input[@name='version']/@value")[0])

    seen = version(admin_client.get(f"{BOARD}pick/", where, headers=JSON))
    Pick.objects.update(note="Theirs <script>")
    mine = {**where, "version": seen, "note": "Mine"}
    stale = admin_client.post(f"{BOARD}pick/", mine, headers=JSON)
    shown = html.fromstring(stale.json()["editor"])
    assert stale.status_code == 409 and Pick.objects.get().note == "Theirs <script>"
    assert shown.xpath("//pre")[0].text_content() == "Theirs <script>"
    assert shown.xpath("//textarea")[0].text_content().strip() == "Mine"
    again = {**mine, "version": version(stale)}
    assert admin_client.post(f"{BOARD}pick/", again, headers=JSON).status_code == 200
    assert Pick.objects.get().note == "Mine"
    Pick.objects.all().delete()
    gone = admin_client.post(f"{BOARD}pick/", again, headers=JSON)
    assert gone.status_code == 409 and "taken this pick back" in gone.json()["editor"]


def test_a_paper_is_added_by_id_link_or_doi(admin_client: Client, week: list[Paper]) -> None:
    Paper.objects.filter(pk=week[1].pk).update(doi="10.1000/x1")
    for named, said in (
        (f"https://arxiv.org/abs/{week[0].arxiv_id}v3", "Picked for 13 October 2025."),
        ("doi:10.1000/X1", "Picked for 13 October 2025."),
        (f" {week[0].arxiv_id} ", "Nothing to change"),
        ("10.1000/unknown", "No paper here has this DOI"),
        ("https://example.org/", "no arXiv id"),
        ("\0" * 600, "no arXiv id"),
        ("2401.00001", "2401.00001 is being fetched from arXiv"),
    ):
        assert said in do(admin_client, "add", named=named), named
    assert set(Pick.objects.values_list("paper", flat=True)) == {week[0].pk, week[1].pk}
    assert WantedPaper.objects.get().pick_day == TODAY
    assert "2401.00001, for 13 October: being fetched" in text(admin_client.get(BOARD))
    WantedPaper.objects.update(status=WantedPaper.Status.MISSING)
    assert "arXiv does not know it" in text(admin_client.get(BOARD))
    do(admin_client, "forget:2401.00001")
    assert "2401.00001" not in text(admin_client.get(BOARD))
    Paper.objects.filter(pk=week[2].pk).update(hidden="withdrawn")
    assert "hidden as withdrawn" in do(admin_client, "add", named=week[2].arxiv_id)
