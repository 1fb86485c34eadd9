"""API keys on disk, so that a gateway that is restarted while Postgres is unavailable accepts events.

There is one file per key. Its name and its content can only be computed by who has both the `LINK_SECRET` and the key
itself: a copy of the folder reveals neither keys nor companies. Several gateways can share a folder, because files are
replaced as a whole.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes, token_hex

import orjson
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from db.people.api_keys import Credential

MAX_AGE = 86_400.0  # seconds that a key counts after Postgres confirmed it
CLOCK_TOLERANCE = 300.0  # seconds that a confirmation may be in the future
MAX_FILES = 10_000  # the oldest ones are deleted
MAX_BYTES = 4096  # of a file
NONCE_BYTES = 12

_log = structlog.get_logger("gateway")


class KeyCache:
    """The keys that Postgres confirmed, encrypted in the files of a folder. Methods block; they never raise."""

    def __init__(self, folder: Path, secret: str, clock: Callable[[], float] = time.time) -> None:
        self._folder, self._secret, self._clock = folder, secret.encode(), clock
        self._has_warned = False

    def save(self, plaintext: str, credential: Credential) -> None:
        """Save a key that Postgres has just confirmed."""
        fields = {
            "company_id": credential.company_id,
            "key_id": credential.key_id,
            "scopes": sorted(credential.scopes),
            "email_ids": credential.email_ids,
            "confirmed_at": self._clock(),
        }
        path, nonce = self._path(plaintext), token_bytes(NONCE_BYTES)
        content = nonce + self._cipher(plaintext).encrypt(nonce, orjson.dumps(fields), path.name.encode())
        temporary = path.with_name(f".{path.name}.{token_hex(4)}")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            temporary.replace(path)
            self._delete_oldest()
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            self._warn("API keys cannot be saved for an outage of Postgres", error)

    def load(self, plaintext: str) -> tuple[Credential, float] | None:
        """Return a saved key and its age in seconds; None if there is none, or it is too old."""
        path = self._path(plaintext)
        try:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES)
            nonce, text = content[:NONCE_BYTES], content[NONCE_BYTES:]
            fields = orjson.loads(self._cipher(plaintext).decrypt(nonce, text, path.name.encode()))
            credential = Credential(
                fields["company_id"], fields["key_id"], frozenset(fields["scopes"]), email_ids=fields["email_ids"]
            )
            age = self._clock() - fields["confirmed_at"]
        except FileNotFoundError:
            return None
        except (OSError, InvalidTag, ValueError, KeyError, TypeError) as error:
            self._warn("a saved API key cannot be read and is ignored", error)
            return None
        return (credential, max(age, 0.0)) if -CLOCK_TOLERANCE <= age <= MAX_AGE else None

    def delete(self, plaintext: str) -> None:
        """Delete a key that Postgres does not know, or no longer."""
        with suppress(OSError):
            self._path(plaintext).unlink()

    def _path(self, plaintext: str) -> Path:
        message = b"name of a saved key" + _encoded(plaintext)
        return self._folder / hmac.digest(self._secret, message, sha256).hex()[:40]

    def _cipher(self, plaintext: str) -> AESGCM:
        derivation = HKDF(SHA256(), length=32, salt=self._secret, info=b"content of a saved key")
        return AESGCM(derivation.derive(_encoded(plaintext)))

    def _delete_oldest(self) -> None:
        """Limit the number of files, including those of writers that were killed."""
        with os.scandir(self._folder) as entries:
            names = [entry.name for entry in entries]
        if len(names) <= MAX_FILES:
            return
        ages = []
        for name in names:
            with suppress(OSError):  # another gateway may delete them too
                ages.append(((self._folder / name).stat().st_mtime, name))
        for _, name in sorted(ages)[: len(names) - MAX_FILES]:
            with suppress(OSError):
                (self._folder / name).unlink()

    def _warn(self, text: str, error: Exception) -> None:
        if not self._has_warned:
            self._has_warned = True
            _log.warning(text, error=type(error).__name__)


def _encoded(plaintext: str) -> bytes:
    return plaintext.encode(errors="surrogatepass")
