"""Editors' Markdown, as HTML that is harmless and as text."""
