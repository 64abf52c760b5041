"""Editors' Markdown in templates: ``{{ note|note_html }}``, and in plain mail ``note_text`` and
``note_links``.
"""

from django.template import Library

from subscriptions import notes

register = Library()
register.filter("note_html", notes.html)
register.filter("note_text", notes.text)
register.filter("note_links", notes.links)
