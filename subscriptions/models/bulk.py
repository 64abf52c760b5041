"""Inserting many rows at once."""

from collections.abc import Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper


def insert(rows: Sequence[models.Model]) -> None:
    """Insert new rows of one model and set their pks.

    On PostgreSQL by COPY, which takes half the time of ``bulk_create`` for papers: there the
    client's quoting costs more than the server's work. Raises IntegrityError like it.
    """
    if not rows:
        return
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor == "postgresql":
        _copy(rows, connection)
    else:
        type(rows[0])._default_manager.bulk_create(rows)


def _copy(rows: Sequence[models.Model], connection: BaseDatabaseWrapper) -> None:
    meta = type(rows[0])._meta
    fields: list[models.Field[Any, Any]] = list(meta.concrete_fields)
    names = [str(field.attname) for field in fields]
    documents = [n for n, field in enumerate(fields) if isinstance(field, models.JSONField)]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
            [quote(meta.db_table), "id", len(rows)],
        )
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = pk
        command = f"COPY {quote(meta.db_table)} ({columns}) FROM STDIN"
        with connection.wrap_database_errors, cursor.copy(command) as copy:
            for row in rows:
                values = [getattr(row, name) for name in names]
                for n in documents:
                    values[n] = fields[n].get_db_prep_save(values[n], connection)
                copy.write_row(values)
    for row in rows:
        row._state.adding = False
        row._state.db = connection.alias
