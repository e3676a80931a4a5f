"""Day partitions of outbox_archive. The DEFAULT one takes what no day was made for."""

import re


def is_partition(name: str) -> bool:
    return re.fullmatch(r"outbox_archive_(default|\d{8})", name) is not None
