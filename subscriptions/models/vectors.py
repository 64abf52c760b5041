"""What texts mean, as a sentence encoder tells it."""

from django.db import models


class TextVector(models.Model):
    """The vector of one text by one encoder: of papers, and of what interests say."""

    encoder = models.CharField(max_length=16, help_text="which model, by a hash of its files")
    text = models.CharField(max_length=32, help_text="a hash of the text")
    vector = models.BinaryField(help_text="numbers of two octets each")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["encoder", "text"], name="vector_once_per_text")
        ]

    def __str__(self) -> str:
        return f"{self.encoder} {self.text}"
