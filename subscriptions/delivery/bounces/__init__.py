"""Mail that came back: who it is about, and what it says."""

from .reading import parse
from .verdicts import Verdict, verdict

__all__ = ["Verdict", "parse", "verdict"]
