"""Runs two commands by Spark's ``pipe``. Spark is an alternative, not a dependency."""

import sys

from pyspark import SparkConf, SparkContext


def key_and_rest(line: str) -> tuple[str, str]:
    """Cut a line at its first tab."""
    key, _, rest = line.partition("\t")
    return key, rest


def main(map_command: str, reduce_command: str, source: str, output: str) -> None:
    """Map, sort and reduce the lines of ``source`` in two partitions."""
    settings = SparkConf().setMaster("local[2]").set("spark.driver.memory", "4g").set("spark.ui.enabled", "false")
    context = SparkContext(conf=settings.set("spark.hadoop.validateOutputSpecs", "false"))
    context.setLogLevel("ERROR")
    mapped = context.textFile(source).pipe(map_command).map(key_and_rest)
    ordered = mapped.repartitionAndSortWithinPartitions(2)
    ordered.map("\t".join).pipe(reduce_command).saveAsTextFile(output)
    context.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
