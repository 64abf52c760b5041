"""Who of the staff may do what: roles, kept as Django's groups."""

from typing import Any

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q

ROLES = {
    "Editors": {
        "paper": "view add change",
        "pick": "view add change delete",
        "edition": "view change release",
        "editionreport": "view",
        "topic": "view add change delete",
        "topicmark": "view add change delete",
        "topicmatch": "view",
        "submission": "view change",
        "doubtfulpair": "view change",
        "sourcerun": "view",
        "movement": "view",
        "subscriber": "preview",
    },
    "Supporters": {
        "subscriber": "view change delete preview",
        "interest": "view change delete",
        "feedback": "view",
        "delivery": "view",
        "mailevent": "view",
        "domainday": "view",
        "domainpause": "view",
        "suppression": "view add",
        "movement": "view",
        "topic": "view",
        "paper": "view",
    },
    "Operators": {},
}
"""Of each role, what it may do with which of our models. Operators: with all, see below."""

OPERATED = ("subscriptions", "auth", "axes")
"""Apps that operators have in hand: all of ours, users and groups, and logins that failed."""


def keep_roles(using: str = DEFAULT_DB_ALIAS, apps: Any = installed, **of_signal: Any) -> None:
    """Make the groups have these permissions, and no others. After every ``migrate``.

    What somebody gives to one of these groups by hand goes with the next ``migrate``, so that
    they are what the operator's guide says; a site that wants it otherwise makes a group.
    """
    if "auth" not in apps.app_configs:  # a part of the migrations
        return
    for label in OPERATED:
        create_permissions(installed.get_app_config(label), verbosity=0, using=using, apps=apps)
    groups = apps.get_model("auth", "Group").objects.using(using)
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    for name, models in ROLES.items():
        group, _ = groups.get_or_create(name=name)
        named = Q(content_type__app_label="subscriptions", codename__in=_codenames(models))
        every = Q(content_type__app_label__in=OPERATED)
        group.permissions.set(permissions.filter(named if models else every))


def _codenames(models: dict[str, str]) -> list[str]:
    return [f"{action}_{model}" for model, actions in models.items() for action in actions.split()]
