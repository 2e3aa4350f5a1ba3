"""A Spark session for the analyses that may run on a cluster, and what is said where it cannot."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.utils.translation import gettext as _

JAVA = 17  # the oldest that Spark 4 runs on
ROWS = 1 << 18  # rows in one call of a function
TYPES = {pa.int8(): "tinyint", pa.int32(): "int", pa.int64(): "bigint", pa.float64(): "double", pa.string(): "string"}


class Absent(Exception):
    """Spark cannot run here, and what is missing."""


class Failed(Exception):
    """Spark gave up, and why."""


def available() -> None:
    """Raises Absent unless PySpark can be imported and Java is new enough."""
    try:
        import pyspark  # noqa: F401
    except ImportError:
        raise Absent(_("没有装 PySpark：pip install 'shaodao[spark]'")) from None
    home = os.environ.get("JAVA_HOME")
    java = os.path.join(home, "bin", "java") if home else shutil.which("java")
    try:
        said = subprocess.run(
            [java or "java", "-version"], capture_output=True, text=True, timeout=60, check=False
        ).stderr
    except OSError:
        said = ""
    version = re.search(r'version "(?:1\.)?(\d+)', said)
    if version is None or int(version[1]) < JAVA:
        found = version[1] if version else _("没有")
        raise Absent(_("Spark 需要 Java %(least)d 以上，这里：%(found)s") % {"least": JAVA, "found": found})


@contextmanager
def session(master: str, name: str) -> Iterator[Any]:
    """A session that is stopped at the end. Raises Absent, and Failed for what goes wrong inside."""
    available()
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    settings = {
        "spark.driver.memory": "2g",
        "spark.driver.maxResultSize": "0",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.caseSensitive": "true",
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(ROWS),
        "spark.sql.legacy.parquet.nanosAsLong": "true",
        "spark.sql.shuffle.partitions": "16",
    }
    builder = SparkSession.builder.master(master).appName(name)
    for key, value in settings.items():
        builder = builder.config(key, value)
    try:
        spark = builder.getOrCreate()
    except (PySparkException, Py4JError) as error:
        raise Failed(_why(error)) from None
    spark.sparkContext.setLogLevel("ERROR")
    try:
        yield spark
    except (PySparkException, Py4JError) as error:
        raise Failed(_why(error)) from None
    finally:
        spark.stop()


def rows(spark: Any, paths: list[Path], columns: list[str]) -> Any:
    """Columns of Parquet files. A path is a pattern to Spark; what is special in one is not meant."""
    from pyspark.sql import functions as f

    plain = [re.sub(r"([\\*?\[\]{}])", r"\\\1", str(path.resolve())) for path in paths]
    return spark.read.parquet(*plain).select(*(f.col(f"`{name}`") for name in columns))


def schema(given: pa.Schema) -> str:
    """An Arrow schema as Spark writes it."""
    return ", ".join(f"`{field.name}` {_type(field.type)}" for field in given)


def _type(given: pa.DataType) -> str:
    if pa.types.is_list(given):
        return f"array<{_type(given.value_type)}>"
    if pa.types.is_struct(given):
        return "struct<" + ", ".join(f"`{inner.name}`: {_type(inner.type)}" for inner in given) + ">"
    return TYPES[given]


def _why(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = next((line for line in lines if "file:" in line), "")
    said = lines[0] if lines else type(error).__name__
    return _("Spark 失败：%(e)s") % {"e": (said if named in said else f"{said} {named}")[:500]}
