"""``manage.py add_staff ada --role editor``: a login for one more of the staff."""

from getpass import getpass
from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from subscriptions.flows.roles import ROLES

NAMES = {group.removesuffix("s").lower(): group for group in ROLES}


class Command(BaseCommand):
    help = "Make a login for the admin, with a role; the password is asked for."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--role", choices=NAMES, required=True)
        parser.add_argument("--email", default="", help="for test sends and news of trouble")

    def handle(self, name: str, role: str, email: str, **options: Any) -> None:
        user = User(username=name, email=email, is_staff=True)
        try:
            user.clean_fields(exclude=["password"])
            user.validate_unique()
            password = getpass("Password: ")
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        if getpass("Password (again): ") != password:
            raise CommandError("The two passwords differ.")
        user.set_password(password)
        user.save()
        user.groups.add(Group.objects.get(name=NAMES[role]))
        self.stdout.write(f"{name} can log in to the admin as {role}.")
