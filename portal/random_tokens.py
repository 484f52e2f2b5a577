"""Tokens that programs keep, such as upload tokens: random, shown once; the database knows only their digest."""

import hashlib
import secrets


def random_token(prefix: str) -> str:
    """`prefix` and 43 characters that hold 256 random bits. The prefix lets logs know one anywhere."""
    return prefix + secrets.token_urlsafe(32)


def token_digest(secret: str) -> str:
    """What is stored of a token: SHA-256, hex. Enough without salt, as the secret is random."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
