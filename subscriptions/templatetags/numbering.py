"""In plain mail ``[{% mark %}]`` follows what a link is called; ``[{% listed %}]`` its address."""

from django.template import Library

from subscriptions.numbering import LISTED, MARK

register = Library()
register.simple_tag(lambda: MARK, name="mark")
register.simple_tag(lambda: LISTED, name="listed")
