"""Durations, ranges, versions and small text tools."""

from almanac.durations import format_duration, parse_duration
from almanac.numbers import is_luhn, median, rolling_mean, to_roman
from almanac.ranges import contains, gaps, merge
from almanac.text import slug, wrap
from almanac.versions import compare, newest

__all__ = [
    "compare",
    "contains",
    "format_duration",
    "gaps",
    "is_luhn",
    "median",
    "merge",
    "newest",
    "parse_duration",
    "rolling_mean",
    "slug",
    "to_roman",
    "wrap",
]
