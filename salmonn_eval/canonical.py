"""Canonical JSON and the fingerprints made from it."""

import hashlib
from typing import Any

import msgspec


def canonical(value: Any) -> bytes:
    """Encode records or plain data as UTF-8 JSON with sorted keys: equal values give equal bytes."""
    return msgspec.json.encode(value, order="sorted")


def fingerprint(value: Any, length: int = 16) -> str:
    """Hexadecimal SHA-256 of the canonical JSON, cut to `length` digits."""
    return hashlib.sha256(canonical(value)).hexdigest()[:length]
