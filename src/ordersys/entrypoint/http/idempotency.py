"""The Idempotency-Key header (IETF draft -07) and what two equal requests have in common."""

import hashlib
import re
from typing import Final

import msgspec

from ordersys.entrypoint.http.problem import BadRequest

LONGEST: Final = 255
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]+")


def parse_key(header: str) -> str:
    """The key in a header that is a quoted string (as the draft has it) or bare. Raises BadRequest."""
    text = header.strip()
    if not text:
        raise BadRequest("idempotency_key_missing", "this request needs an Idempotency-Key header")
    quoted = _QUOTED.fullmatch(text)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if (text.startswith('"') and not quoted) or len(key) > LONGEST or not _PRINTABLE.fullmatch(key):
        detail = f"an Idempotency-Key is 1 to {LONGEST} printable ASCII characters, bare or as a quoted string"
        raise BadRequest("idempotency_key_invalid", detail)
    return key


def fingerprint(body: msgspec.Struct) -> bytes:
    """Of the meaning of a body: white space, the order of the keys and spelled-out defaults make no difference."""
    return hashlib.sha256(msgspec.json.encode(body)).digest()
