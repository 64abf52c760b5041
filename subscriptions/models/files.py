"""Files that staff uploaded, for as long as they are needed."""

import uuid

from django.db import models


class ImportFile(models.Model):
    """A file of readers between its upload and its import: in the database, which all processes
    and machines share and which serves it to nobody.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    content = models.BinaryField()
    uploaded_at = models.DateTimeField()
    plan = models.JSONField(default=dict, help_text="see Plan in flows/importing.py")
    seen = models.JSONField(default=dict, help_text="what a look at its rows found")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
