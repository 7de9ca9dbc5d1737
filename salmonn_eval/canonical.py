"""Canonical JSON and the fingerprints made from it.

Records that are hashed leave out what has its default (`omit_defaults`), so that a field added later changes no key and
no specification hash. The default of such a field must therefore never change.
"""

import hashlib
import json
from typing import Any

import msgspec


def canonical(value: Any) -> bytes:
    """Encode records or plain data as UTF-8 JSON with sorted keys: equal values give equal bytes."""
    try:
        return msgspec.json.encode(value, order="sorted")
    except UnicodeEncodeError:  # a lone surrogate, which no UTF-8 has: spelled out as \udXXX
        return json.dumps(msgspec.to_builtins(value), sort_keys=True, separators=(",", ":")).encode()


def fingerprint(value: Any, length: int = 16) -> str:
    """Hexadecimal SHA-256 of the canonical JSON, cut to `length` digits."""
    return hashlib.sha256(canonical(value)).hexdigest()[:length]
