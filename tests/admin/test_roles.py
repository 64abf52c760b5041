"""Roles: what each group has, who gets one, and that nobody rises above their own."""

from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from subscriptions.flows.roles import ROLES

PASSWORD = "an-analytical-engine"


def url(page: str, *args: object) -> str:
    return reverse(f"admin:{page}", args=args)


@pytest.fixture
def operator(db: None) -> User:
    user = User.objects.create_user("grace", password=PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get(name="Operators"))
    return user


@pytest.fixture
def operated(client: Client, operator: User) -> Client:
    client.force_login(operator)
    return client


def test_every_migration_puts_the_roles_right(db: None) -> None:
    editors = Group.objects.get(name="Editors")
    own = Group.objects.create(name="Interns")
    erase = Permission.objects.get(codename="delete_subscriber")
    for group in (editors, own):
        group.permissions.add(erase)
    editors.permissions.remove(Permission.objects.get(codename="release_edition"))
    call_command("migrate", verbosity=0)
    for name, models in ROLES.items():
        group = Group.objects.get(name=name)
        wanted = {f"{act}_{model}" for model, acts in models.items() for act in acts.split()}
        if wanted:
            assert set(group.permissions.values_list("codename", flat=True)) == wanted
    assert own.permissions.get() == erase, "a group of the site's own is left alone"
    operators = Group.objects.get(name="Operators").permissions
    labels = operators.values_list("content_type__app_label", flat=True).distinct()
    assert set(labels) == {"subscriptions", "auth", "axes"}
    assert operators.filter(codename="export_subscriber").exists()


def test_a_login_without_a_role_is_told_what_it_lacks(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("new", is_staff=True))
    page = client.get(url("index")).content.decode()
    assert "Your login has no role yet" in page
    client.force_login(User.objects.create_superuser("root"))
    assert "Your login has no role yet" not in client.get(url("index")).content.decode()


def test_an_editor_from_the_command_line(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed: list[str] = []
    monkeypatch.setattr(
        "subscriptions.management.commands.add_staff.getpass", lambda prompt: typed.pop(0)
    )
    for answers, complaint in (
        (["short"], "too short"),
        ([PASSWORD, PASSWORD + "?"], "differ"),
    ):
        typed[:] = answers
        with pytest.raises(CommandError, match=complaint):
            call_command("add_staff", "ada", "--role=editor")
    assert not User.objects.exists()

    typed[:] = [PASSWORD] * 2
    call_command("add_staff", "ada", "--role=editor", "--email=ada@example.org", verbosity=0)
    with pytest.raises(CommandError, match="already exists"):
        call_command("add_staff", "ada", "--role=operator")
    client.post(url("login"), {"username": "ada", "password": PASSWORD})
    assert client.get(url("subscriptions_paper_changelist")).status_code == 200
    assert client.get(url("subscriptions_subscriber_changelist")).status_code == 403


def test_an_operator_sees_to_others_but_not_to_superusers(operated: Client) -> None:
    ada = User.objects.create_user("ada", is_staff=True)
    root = User.objects.create_superuser("root")
    assert operated.get(url("auth_user_change", ada.pk)).status_code == 200
    assert operated.get(url("auth_user_password_change", ada.pk)).status_code == 200
    data = {"username": "root", "is_active": ""}
    assert operated.post(url("auth_user_change", root.pk), data).status_code == 403
    for page in ("auth_user_password_change", "auth_user_delete"):
        assert operated.get(url(page, root.pk)).status_code == 403
        assert operated.post(url(page, root.pk), {"post": "yes"}).status_code == 403
    selected = {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"}
    assert operated.post(url("auth_user_changelist"), selected).status_code == 403
    root.refresh_from_db()
    assert root.is_active


def test_an_operator_does_not_rise(operated: Client, operator: User) -> None:
    page = operated.get(url("auth_user_change", operator.pk))
    fields = page.context["adminform"].form.fields
    assert "groups" in fields and not {"is_superuser", "user_permissions"} & set(fields)
    data = {
        "username": "grace", "is_active": "on", "is_staff": "on", "is_superuser": "on",
        "user_permissions": [Permission.objects.get(codename="delete_logentry").pk],
        "groups": [group.pk for group in operator.groups.all()],
        "date_joined_0": "2025-10-13", "date_joined_1": "09:00:00",
    }  # fmt: skip
    answer = operated.post(url("auth_user_change", operator.pk), data)
    assert answer.status_code == 302
    operator.refresh_from_db()
    assert not operator.is_superuser and not operator.user_permissions.exists()


def test_who_has_changed_something_stays_in_the_log(admin_client: Client, operator: User) -> None:
    LogEntry.objects.log_actions(str(operator.pk), [operator], CHANGE, "Did something.")
    path: Any = url("auth_user_delete", operator.pk)
    assert admin_client.post(path, {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=operator.pk).exists()
