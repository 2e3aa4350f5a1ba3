"""Statements that are compiled once and then only run: the hot paths of the loop.

Django's ORM builds every statement anew, which costs several times what the database needs for it (two thirds of the
CPU of a status change, measured by `benchmarks/intake.py`). A `Prepared` keeps what the ORM compiled and puts values in;
the rows that come out are the same model instances. The ORM stays the only author of SQL.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.models import sql
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=models.Model)
MARK = 2_147_000_000  # stands for a value while a statement is compiled: fits an integer column, and no constant is as large


def _plans() -> dict[Any, Any]:
    """What was compiled for this thread's connection: SQL and converters belong to it."""
    return cast(dict[Any, Any], connections[DEFAULT_DB_ALIAS].__dict__.setdefault("_prepared", {}))


class Prepared(Generic[M]):
    """A query over integers and strings.

    `build(*values)` answers a query set that uses each value as a whole (`filter(pk=value)`, not in a list and not in a
    calculation); it must not depend on the values in any other way. Times and nulls are no values: compare those in
    Python, or write them into the query.
    """

    def __init__(self, build: Callable[..., models.QuerySet[M]]) -> None:
        self.build = build

    def all(self, *values: int | str) -> list[M]:
        """The rows, related objects and annotations included. One statement."""
        plan = _plans().get(self)
        if plan is None:
            plan = _plans()[self] = _Plan(self.build, values)
        return list(plan.run(values))

    def first(self, *values: int | str) -> M | None:
        """The first row of a query that answers one or few."""
        return next(iter(self.all(*values)), None)


class _Plan:
    def __init__(self, build: Callable[..., models.QuerySet[Any]], values: tuple[int | str, ...]) -> None:
        marks = [MARK + i if isinstance(v, int) else f"\x1a{MARK + i}" for i, v in enumerate(values)]
        query = build(*marks).query
        self.compiler = compiler = query.get_compiler(using=DEFAULT_DB_ALIAS)
        self.sql, params = compiler.as_sql()
        where = {mark: i for i, mark in enumerate(marks)}
        self.params = [(where.get(p), p) if isinstance(p, int | str) else (None, p) for p in params]
        missing = set(range(len(values))) - {i for i, _p in self.params}
        if missing:
            raise TypeError(f"values {sorted(missing)} are not used as they are given")
        info = compiler.klass_info
        assert info is not None
        self.model = info["model"]
        self.start, self.end = info["select_fields"][0], info["select_fields"][-1] + 1
        self.names = [field.target.attname for field, *_rest in compiler.select[self.start : self.end]]
        populators: Any = get_related_populators  # the stubs describe a later Django
        self.related = populators(info, compiler.select, connection.alias)
        self.annotations = list((compiler.annotation_col_map or {}).items())
        self.converters = compiler.get_converters([s[0] for s in compiler.select[: compiler.col_count]])

    def run(self, values: tuple[int | str, ...]) -> Iterator[Any]:
        with connection.cursor() as cursor:
            cursor.execute(self.sql, [p if i is None else values[i] for i, p in self.params])
            rows: Iterable[Any] = cursor.fetchall()
        if self.converters:
            rows = self.compiler.apply_converters(rows, self.converters)
        for row in rows:
            found = self.model.from_db(connection.alias, self.names, row[self.start : self.end])
            for populator in self.related:
                populator.populate(row, found)
            for name, column in self.annotations:
                setattr(found, name, row[column])
            yield found


def insert(row: models.Model) -> None:
    """As `row.save(force_insert=True)` for a row of a plain model: no history, no signals, key made by the database."""
    meta = row._meta
    plan = _plans().get(("insert", meta.label))
    if plan is None:
        plan = _plans()["insert", meta.label] = _insert_plan(row)
    statement, fields, key = plan
    values = [f.get_db_prep_save(f.pre_save(row, True), connection) for f in fields]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        setattr(row, key, cursor.fetchone()[0])
    row._state.adding, row._state.db = False, connection.alias


def _insert_plan(row: models.Model) -> tuple[str, list[Any], str]:
    model = type(row)
    if hasattr(model, "history"):
        raise TypeError(f"{model.__name__} keeps a history: save it")
    key = model._meta.pk
    assert key is not None
    fields = [f for f in model._meta.local_concrete_fields if f is not key]
    query = sql.InsertQuery(model)
    query.insert_values(fields, [row])
    compiler = query.get_compiler(using=DEFAULT_DB_ALIAS)
    compiler.returning_fields = [key]
    [(statement, _params)] = compiler.as_sql()
    return statement, fields, key.attname


def update(row: models.Model, names: Iterable[str]) -> None:
    """As `row.save(update_fields=names)` for a row of a plain model; `names` are attributes (`street_id`)."""
    meta, chosen = row._meta, tuple(names)
    plan = _plans().get(("update", meta.label, chosen))
    if plan is None:
        plan = _plans()["update", meta.label, chosen] = _update_plan(type(row), chosen)
    statement, fields = plan
    values = [f.get_db_prep_save(getattr(row, f.attname), connection) for f in fields]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, row.pk])
        if cursor.rowcount != 1:
            raise type(row).DoesNotExist(f"{meta.label} {row.pk}")  # type: ignore[attr-defined]


def _update_plan(model: type[models.Model], names: tuple[str, ...]) -> tuple[str, list[Any]]:
    if hasattr(model, "history"):
        raise TypeError(f"{model.__name__} keeps a history: save it")
    by_name = {f.attname: f for f in model._meta.local_concrete_fields}
    fields = [by_name[name] for name in names]
    quote = connection.ops.quote_name
    changes = ", ".join(f"{quote(str(f.column))} = %s" for f in fields)
    key = quote(str(model._meta.pk.column))
    return f"UPDATE {quote(model._meta.db_table)} SET {changes} WHERE {key} = %s", fields  # noqa: S608
