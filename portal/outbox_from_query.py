"""Queues a mail for each row of a query, inside the database: a sweep over a million rows brings none of them here."""

from typing import Any

from django.conf import settings
from django.core.mail.utils import DNS_NAME
from django.db import connection
from django.db.models import Expression, QuerySet, Value
from django.db.models.expressions import Combinable

from portal.models import Notice

# How each database makes 128 random bits.
RANDOM = {"sqlite": "lower(hex(randomblob(16)))", "postgresql": "replace(gen_random_uuid()::text, '-', '')"}


def queue_for_each(
    kind: str,
    rows: QuerySet[Any],
    *,
    to: Combinable,
    subject_id: Combinable,
    slot: Combinable,
    dataset_id: Combinable,
) -> int:
    """Queues the mail ``kind`` for each of ``rows``, whose columns say the rest; the number queued.

    What was queued before for the same occasion is left alone, as by ``queue_notices``; ring the bell yourself. Cost:
    one INSERT ... SELECT, memory flat.
    """
    given = {"to": to, "subject_id": subject_id, "slot": slot, "dataset_id": dataset_id}
    columns: dict[str, Combinable] = {**_defaults(kind), **given}
    named = {f"notice_{column}": expression for column, expression in columns.items()}
    inner, parameters = rows.order_by().annotate(**named).values_list(*named).query.sql_with_params()
    quote = connection.ops.quote_name
    sources = {column: f"source.{quote(f'notice_{column}')}" for column in columns}
    sources["message_id"] = f"'<' || {RANDOM[connection.vendor]} || %s"
    statement = (  # names come from the model, values go as parameters
        f"INSERT INTO {quote(Notice._meta.db_table)} ({', '.join(map(quote, sources))}) "  # noqa: S608
        f"SELECT {', '.join(sources.values())} FROM ({inner}) AS source WHERE true ON CONFLICT DO NOTHING"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [f"@{DNS_NAME}>", *parameters])
        return int(cursor.rowcount)


def _defaults(kind: str) -> dict[str, Expression]:
    """What a new notice has in the columns that nobody gives; those left empty, its id and Message-ID aside."""
    blank = Notice(kind=kind, can_wait=kind in settings.MAILS_THAT_WAIT)
    fields = [field for field in Notice._meta.concrete_fields if field.attname not in {"id", "message_id"}]
    values = {field: field.pre_save(blank, add=True) for field in fields}
    return {f.attname: Value(value, output_field=f) for f, value in values.items() if value is not None}
