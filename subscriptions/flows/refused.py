"""What the staff are told where a change cannot be made."""


class Refused(Exception):
    """Why nothing was done, as a sentence for who asked for it."""
