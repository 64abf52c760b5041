"""Each role at each page and action of the admin. What is new and has no row here fails.

In the tables: n, staff without a role; E, editor; S, supporter; O, operator; -, nobody of them;
x, the page does not take this method.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.messages import get_messages
from django.db import transaction
from django.db.models import Model
from django.template.response import SimpleTemplateResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from subscriptions.models import Pick
from tests.conftest import MONDAY

from .everything import Objects, one_of_each, pages

MODELS = """
                list   add   look   change  delete
paper           ESO    EO    ESO    EO      -
pick            EO     -     EO     -       -
edition         EO     -     EO     EO      -
topic           ESO    EO    ESO    EO      EO
submission      EO     -     EO     -       -
doubtfulpair    EO     -     EO     -       -
sourcerun       EO     -     EO     -       -
subscriber      SO     -     SO     SO      SO
suppression     SO     SO    SO     -       O
delivery        SO     -     SO     -       -
mailevent       SO     -     SO     -       -
domainday       SO     -     SO     -       -
domainpause     SO     O     SO     -       -
user            O      O     O      O       O
group           O      O     O      O       O
accessattempt   O      -     O      O       O
accesslog       O      -     O      O       O
"""
"""Of each model the pages that Django has: ``look`` is its form as it is shown, and its history."""

PAGES = """
                                       GET    POST
index                                  nESO   nESO
login                                  nESO   nESO
logout                                 x      nESO
password_change                        nESO   nESO
password_change_done                   nESO   x
jsi18n                                 nESO   x
autocomplete                           ESO    x
app_list:subscriptions                 ESO    ESO
app_list:auth                          O      O
app_list:axes                          O      O
view_on_site                           nESO   nESO
(from a number to its form)            nESO   nESO
(what is nowhere)                      -      -
subscriptions_paper_board              ESO    x
subscriptions_paper_board_change       x      ESO
subscriptions_paper_board_pick         EO     EO
subscriptions_paper_board_preview      x      ESO
subscriptions_edition_release          EO     EO
subscriptions_edition_hold             x      EO
subscriptions_edition_intro            x      EO
subscriptions_edition_preview          EO     EO
subscriptions_edition_preview_html     EO     x
subscriptions_edition_row              EO     x
subscriptions_edition_test             x      EO
subscriptions_edition_figures          EO     EO
subscriptions_edition_figures_csv      EO     x
subscriptions_topic_draft              EO     x
subscriptions_topic_merge              EO     EO
subscriptions_topic_workbench          ESO    ESO
subscriptions_topic_workbench_new      EO     EO
subscriptions_subscriber_decide        x      SO
subscriptions_subscriber_why           SO     x
subscriptions_subscriber_preview       SO     SO
subscriptions_subscriber_preview_html  SO     SO
subscriptions_subscriber_import        O      O
subscriptions_subscriber_process_import  x    O
subscriptions_subscriber_export        O      O
subscriptions_subscriber_growth        ESO    x
subscriptions_subscriber_growth_csv    ESO    x
subscriptions_delivery_pause           x      O
subscriptions_domainpause_end          x      O
auth_user_password_change              O      O
"""

BUTTONS = """
board         do=pick:{paper}                  EO
board         do=unpick:{paper}                EO
board         do=hide-off-topic:{paper}        EO
board         do=show:{paper}                  EO
board         do=up:{paper}                    EO
board         do=add&named=2510.12345          EO
board         do=forget:2510.12345             EO
workbench     save=1                           EO
workbench     mark={paper}:right               EO
decide        action=resend                    SO
decide        action=pause                     SO
decide        action=end_pause                   SO
decide        action=unsubscribe               SO
decide        action=suppress                  SO
decide        action=erase                     SO
"""
"""Of pages whose one address has several buttons: what each posts, and whose it is."""

ACTIONS = """
paper          pick unpick hide_off_topic hide_duplicate hide_withdrawn show   EO
edition        release hold                                                    EO
topic          retire offer                                                    EO
submission     accept decline                                                  EO
doubtfulpair   same different                                                  EO
delivery       retry_failed resend_doubtful mark_sent                          O
subscriber     resend pause end_pause unsubscribe suppress erase               SO
suppression    delete_selected                                                 O
user           delete_selected                                                 O
group          delete_selected                                                 O
accessattempt  delete_selected                                                 O
accesslog      delete_selected                                                 O
"""

LIST = "_save=1&form-TOTAL_FORMS=0&form-INITIAL_FORMS=0"
ROLES = {"n": None, "E": "Editors", "S": "Supporters", "O": "Operators"}
POSTED = {"subscriptions_subscriber_decide": "action=pause"}


@pytest.fixture(autouse=True)
def unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may see a page is known before it is rendered, which takes most of the time."""
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture
def staff(db: None) -> dict[str, Client]:
    """A client of each role."""
    clients = {}
    for letter, group in ROLES.items():
        user = User.objects.create_user(f"staff {letter}", is_staff=True)
        user.groups.set(Group.objects.filter(name=group))
        clients[letter] = Client()
        clients[letter].force_login(user)
    return clients


@pytest.fixture
def objects(make_paper: Any, make_reader: Any, settings: Any) -> Objects:
    settings.EDITIONS_NEED_APPROVAL = True
    return one_of_each(make_paper, make_reader)


def rows(table: str) -> Iterator[list[str]]:
    """The lines of a table, as words; a name in brackets is one."""
    for line in table.strip("\n").splitlines():
        yield re.findall(r"\(.+?\)|\S+", line)


def who(staff: dict[str, Client], method: str, path: str, data: str = "") -> str:
    """The roles that get what they ask for."""
    answers = {letter: ask(client, method, path, data) for letter, client in staff.items()}
    if any(answer.status_code == 405 for answer in answers.values()):
        return "x"
    return "".join(letter for letter in answers if not is_refused(answers[letter])) or "-"


def ask(client: Client, method: str, path: str, data: str) -> Any:
    """The answer to one request; afterwards all is as it was."""
    cookies = copy.deepcopy(client.cookies)
    before = LogEntry.objects.count()
    with transaction.atomic():
        answer: Any = client.generic(method, path, data, "application/x-www-form-urlencoded")
        answer.logged = LogEntry.objects.count() - before
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer


def is_refused(answer: Any) -> bool:
    """Also by a way back: to the login, or to the desk as if there were no such object."""
    path, there = answer.wsgi_request.path, answer.headers.get("Location", "")
    to_desk = there == "/admin/" and path not in ("/admin/login/", "/admin/logout/")
    return answer.status_code in (403, 404) or to_desk or there.startswith("/admin/login/")


def test_pages_of_each_model(staff: dict[str, Client], objects: Objects) -> None:
    header, *expected = rows(MODELS)
    found: dict[str, list[str]] = {}
    paths = dict(pages(objects))
    for name, *_ in expected:
        of = f"{objects[name]._meta.app_label}_{name}"
        found[name] = [
            who(staff, "GET", paths[f"{of}_changelist"]),
            who(staff, "GET", paths[f"{of}_add"]),
            who(staff, "GET", paths[f"{of}_change"]),
            who(staff, "POST", paths[f"{of}_change"]),
            who(staff, "GET", paths[f"{of}_delete"]),
        ]
        assert who(staff, "GET", paths[f"{of}_history"]) == found[name][header.index("look")]
        assert who(staff, "POST", paths[f"{of}_add"]) == found[name][header.index("add")]
        assert who(staff, "POST", paths[f"{of}_delete"]) == found[name][header.index("delete")]
        if admin.site._registry[type(objects[name])].list_editable:
            saved = who(staff, "POST", paths[f"{of}_changelist"], LIST)
            assert saved == found[name][header.index("change")]
    assert found == {name: cells for name, *cells in expected}


def test_every_other_page(staff: dict[str, Client], objects: Objects) -> None:
    of_models = {f"_{objects[name]._meta.app_label}_{name}_" for name, *_ in list(rows(MODELS))[1:]}
    standard = re.compile("_(changelist|add|change|delete|history)$")
    found: dict[str, list[str]] = {}
    for name, path in pages(objects):
        if not (standard.search(name) and f"_{standard.sub('_', name)}" in of_models):
            cells = [who(staff, "GET", path), who(staff, "POST", path, POSTED.get(name, ""))]
            assert found.setdefault(name, cells) == cells, path
    assert found == {name: cells for name, *cells in list(rows(PAGES))[1:]}


def test_who_is_not_logged_in_gets_nothing(objects: Objects) -> None:
    for name, path in pages(objects):
        for method in ("GET", "POST"):
            answer = ask(Client(), method, path, "")
            assert is_refused(answer) or name in ("login", "logout"), f"{method} {path}"


def test_every_button(staff: dict[str, Client], objects: Objects) -> None:
    paper = objects["paper"].pk
    pages = {
        "board": reverse("admin:subscriptions_paper_board_change"),
        "workbench": reverse("admin:subscriptions_topic_workbench", args=[objects["topic"].pk]),
        "decide": reverse("admin:subscriptions_subscriber_decide"),
    }
    Pick.objects.create(paper=objects["paper"], day=MONDAY)
    wrong = {
        data: (found, expected)
        for page, data, expected in rows(BUTTONS)
        if (found := who(staff, "POST", pages[page], data.format(paper=paper))) != expected
    }
    assert wrong == {}


def test_every_action(staff: dict[str, Client], objects: Objects) -> None:
    found: dict[str, dict[str, str]] = {}
    expected: dict[str, dict[str, str]] = {}
    for name, *actions, roles in rows(ACTIONS):
        expected[name] = dict.fromkeys(actions, roles)
    everything = RequestFactory().get("/")
    everything.user = User(is_superuser=True, is_active=True)
    for model, model_admin in admin.site._registry.items():
        for action in model_admin.get_actions(everything):
            may = acting(staff, model, action)
            found.setdefault(model._meta.model_name or "", {})[action] = may
    assert found == expected


def acting(staff: dict[str, Client], model: type[Model], action: str) -> str:
    """The roles that may do it with all rows of a model; what is done is in the log, too."""
    path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    rows = model._default_manager.values_list("pk", flat=True)
    data = urlencode({"action": action, "_selected_action": rows, "reason": "Wrong."}, doseq=True)
    found = ""
    for letter, client in staff.items():
        answer = ask(client, "POST", path, data)
        said = [str(message) for message in get_messages(answer.wsgi_request)]
        is_list = "cl" in (getattr(answer, "context_data", None) or {})
        if not (is_list or is_refused(answer) or "No action selected." in said):
            found += letter
            asks_first = answer.headers.get("Location") != path
            assert asks_first or answer.logged or model._meta.app_label == "axes", action
    return found or "-"
