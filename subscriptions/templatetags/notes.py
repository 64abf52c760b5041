"""Editors' Markdown in templates: ``{{ note|note_html }}``, and ``note_text`` in plain mail."""

from django.template import Library

from subscriptions import notes

register = Library()
register.filter("note_html", notes.html)
register.filter("note_text", notes.text)
