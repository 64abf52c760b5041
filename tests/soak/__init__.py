"""Nobody twice, nobody missed, whatever breaks: ``python -m tests.soak``."""
