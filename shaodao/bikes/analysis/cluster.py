"""The distributed engine: Spark reads the files, its workers call the same function, Spark adds the parts up."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
from django.utils.translation import gettext as _

from shaodao.bikes.analysis import batches
from shaodao.bikes.analysis.files import Group
from shaodao.kernel.parking import BayIndex, analysis

JAVA = 17  # the oldest that Spark 4 runs on
ROWS = 1 << 18  # positions in one call of the function
TYPES = {pa.int32(): "int", pa.int64(): "bigint", pa.string(): "string"}


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


def merged(
    groups: list[Group], index: BayIndex, accuracy: float | None, master: str, measure: Callable[[], None]
) -> pa.Table:
    """The merged parts, columns as `batches.SCHEMA`, in no order. `measure` is called while the cluster still runs.

    All machines must see the folder under the same path and have this program installed. Raises Absent and Failed.
    """
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
    builder = SparkSession.builder.master(master).appName("shaodao analyse parking")
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        spark = builder.getOrCreate()
    except (PySparkException, Py4JError) as error:
        raise Failed(_why(error)) from None
    spark.sparkContext.setLogLevel("ERROR")
    try:
        found = _plan(spark, groups, index, accuracy).toArrow()
        measure()
    except (PySparkException, Py4JError) as error:
        raise Failed(_why(error)) from None
    finally:
        spark.stop()
    return found.cast(batches.SCHEMA)


def _plan(spark: Any, groups: list[Group], index: BayIndex, accuracy: float | None) -> Any:
    """The data frame of the merged parts: nothing is read yet."""
    from pyspark.sql import functions as f

    index.warm()  # so that what is sent is ready, and compiled code lies in the cache
    everywhere = spark.sparkContext.broadcast(index)
    schema = ", ".join(f"{field.name} {TYPES[field.type]}" for field in batches.SCHEMA)
    frames = []
    for group in groups:
        nanoseconds = bool(pa.types.is_timestamp(group.time)) and group.time.unit == "ns"
        columns = replace(group.columns, nanoseconds=nanoseconds)
        # A path is a pattern to Spark; what is special in one is not meant.
        paths = [re.sub(r"([\\*?\[\]{}])", r"\\\1", str(path.resolve())) for path in group.paths]
        rows = spark.read.parquet(*paths).select(*(f.col(f"`{name}`") for name in columns.needed))
        frames.append(rows.mapInArrow(_function(columns, everywhere, accuracy), schema))
    parts = frames[0]
    for frame in frames[1:]:
        parts = parts.unionAll(frame)
    added = [f.sum(name).alias(name) for name in analysis.SUMS]
    ends = [f.min(analysis.LEAST).alias(analysis.LEAST), f.max(analysis.MOST).alias(analysis.MOST)]
    return parts.groupBy(*analysis.KEYS).agg(*added, *ends)


def _function(columns: batches.Columns, everywhere: Any, accuracy: float | None) -> Callable[..., Any]:
    """What the workers run: it carries names and numbers only, the bays come by broadcast."""

    def count(rows: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in rows:
            yield batches.parts(batch, columns, everywhere.value, accuracy)

    return count


def _why(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = next((line for line in lines if "file:" in line), "")
    said = lines[0] if lines else type(error).__name__
    return _("Spark 失败：%(e)s") % {"e": (said if named in said else f"{said} {named}")[:500]}
