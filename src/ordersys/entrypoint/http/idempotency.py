"""The Idempotency-Key header (IETF draft -07) and the fingerprint of a request body."""

import hashlib
import re
from typing import Final

import msgspec

from ordersys.entrypoint.http.problem import BadRequest

LONGEST: Final = 255
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]+")


def parse_key(header: str) -> str:
    """Returns the key from a header that holds it as a quoted string (as in the draft) or bare. Raises BadRequest."""
    text = header.strip()
    if not text:
        raise BadRequest("idempotency_key_missing", "The Idempotency-Key header is required.")
    quoted = _QUOTED.fullmatch(text)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if (text.startswith('"') and not quoted) or len(key) > LONGEST or not _PRINTABLE.fullmatch(key):
        detail = f"An Idempotency-Key has 1 to {LONGEST} printable ASCII characters, bare or as a quoted string."
        raise BadRequest("idempotency_key_invalid", detail)
    return key


def fingerprint(body: msgspec.Struct) -> bytes:
    """Returns a digest of the body's meaning: white space, key order and explicit defaults make no difference."""
    return hashlib.sha256(msgspec.json.encode(body)).digest()
