"""The site's sentence encoder: each text's vector is made once, and stored."""

import hashlib
import logging
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import models

from .encoder import Encoder, NoEncoder, load_encoder
from .models import TextVector

CHUNK = 500
"""So many are made before they are stored, in order of their hashes: two that make the same
wait for each other and never both."""

STORED = np.float16

logger = logging.getLogger(__name__)


class StoredVectors:
    """An encoder that makes only what is not stored yet: one query where all are.

    Without ``store`` it leaves nothing behind, for pages that anyone can ask.
    """

    def __init__(self, encoder: Encoder, store: bool = True) -> None:
        self._encoder, self._store = encoder, store

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of shape (texts, dimensions)."""
        hashes = [*map(text_hash, texts)]
        by_hash = dict(zip(hashes, texts, strict=True))
        found = self.stored.filter(text__in=by_hash).values_list("text", "vector")
        known = {text: bytes(vector) for text, vector in found}
        new = sorted(by_hash.keys() - known.keys())
        for start in range(0, len(new), CHUNK):
            keys = new[start : start + CHUNK]
            made = self._encoder([by_hash[key] for key in keys]).astype(STORED)
            known |= {key: vector.tobytes() for key, vector in zip(keys, made, strict=True)}
            rows = [
                TextVector(encoder=self._encoder.version, text=key, vector=known[key])
                for key in keys
            ]
            if self._store:
                TextVector.objects.bulk_create(rows, ignore_conflicts=True)
        return unpacked([known[key] for key in hashes]).astype(np.float32)

    @property
    def version(self) -> str:
        """Tells the encoder apart from others."""
        return self._encoder.version

    @property
    def stored(self) -> models.QuerySet[TextVector]:
        """The vectors of this encoder."""
        return TextVector.objects.filter(encoder=self._encoder.version)

    def passing(self, text: str) -> npt.NDArray[np.float32]:
        """The vector of a text that is not stored, as one that somebody searches for."""
        return _passing(self._encoder, text)

    def forget_others(self) -> int:
        """Delete the vectors of other encoders; how many there were."""
        return TextVector.objects.exclude(encoder=self._encoder.version).delete()[0]


def site_vectors(store: bool = True) -> StoredVectors | None:
    """Of the encoder that ``ENCODER`` names; None without one, which is said once."""
    encoder = _encoder(settings.ENCODER)
    return StoredVectors(encoder, store) if encoder else None


@cache
def _encoder(name: str) -> Encoder | None:
    try:
        return load_encoder(name)
    except NoEncoder as error:
        logger.warning("Papers are matched by words alone: %s", error)
        return None


@lru_cache(256)
def _passing(encoder: Encoder, text: str) -> npt.NDArray[np.float32]:
    return np.asarray(encoder([text])[0])


def unpacked(vectors: Sequence[bytes]) -> npt.NDArray[np.float16]:
    """Stored vectors, of shape (vectors, dimensions)."""
    width = len(vectors[0]) // np.dtype(STORED).itemsize if vectors else 1
    return np.frombuffer(b"".join(vectors), dtype=STORED).reshape(len(vectors), width)


def text_hash(text: str) -> str:
    """What texts are known by."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
