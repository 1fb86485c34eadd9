"""The hash under which API keys, sessions and sign-in links are stored."""

from hashlib import sha256


def secret_hash(secret: str) -> bytes:
    """Return the SHA-256 of a secret.

    The secrets are 256 random bits, so a fast hash is as safe as a slow one. An HTTP header may contain bytes that are
    not valid text; these are hashed too and match no stored secret.
    """
    return sha256(secret.encode(errors="surrogatepass")).digest()
