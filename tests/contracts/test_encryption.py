"""AES-GCM with the keys of `ENCRYPTION_KEYS`."""

import base64

import pytest

from contracts.encryption import EncryptionKeys, UnreadableError
from settings import read_settings

ONE, OTHER = b"1" * 32, b"2" * 32


@pytest.mark.parametrize("day", [0, 1, 20_784, 2**24 - 1])
@pytest.mark.parametrize("plaintext", [b"", b"x", b"a call about a refund" * 500])
def test_what_was_sealed_can_be_opened(plaintext: bytes, day: int) -> None:
    keys = EncryptionKeys([ONE])
    sealed = keys.seal("intake", plaintext, bound_to=b"row 1", day=day)
    assert keys.open("intake", sealed, bound_to=b"row 1") == plaintext
    assert len(sealed) == len(plaintext) + 36
    assert keys.seal("intake", plaintext, bound_to=b"row 1", day=day) != sealed  # a nonce of its own


def test_every_changed_byte_is_noticed() -> None:
    keys = EncryptionKeys([ONE])
    sealed = keys.seal("intake", b"a call", bound_to=b"row 1", day=20_784)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(UnreadableError):
            keys.open("intake", bytes(changed), bound_to=b"row 1")
    for end in range(len(sealed)):
        with pytest.raises(UnreadableError):
            keys.open("intake", sealed[:end], bound_to=b"row 1")


def test_a_text_belongs_to_its_purpose_and_its_row() -> None:
    keys = EncryptionKeys([ONE])
    sealed = keys.seal("intake", b"a call", bound_to=b"row 1")
    for purpose, row in (("source", b"row 1"), ("intake", b"row 2"), ("intake", b"")):
        with pytest.raises(UnreadableError, match="belongs to something else"):
            keys.open(purpose, sealed, bound_to=row)


def test_the_first_key_seals_and_all_of_them_open() -> None:
    before = EncryptionKeys([ONE]).seal("intake", b"a call")
    both = EncryptionKeys([OTHER, ONE])
    assert both.open("intake", before) == b"a call"
    with pytest.raises(UnreadableError, match="not in ENCRYPTION_KEYS"):
        EncryptionKeys([ONE]).open("intake", both.seal("intake", b"a call"))


def test_keys_are_read_in_both_alphabets_of_base64() -> None:
    key = bytes(range(224, 256))
    sealed = EncryptionKeys([key]).seal("intake", b"a call")
    texts = [base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode().rstrip("=")]
    assert texts[0].rstrip("=") != texts[1]
    for text in texts:
        assert EncryptionKeys.parse(f" {text} , {base64.b64encode(ONE).decode()}").open("intake", sealed) == b"a call"


@pytest.mark.parametrize("text", ["", ",", "short", "A" * 42, "A" * 64, "ä" * 43, "A" * 43 + ","])
def test_anything_else_is_refused_and_never_quoted(text: str) -> None:
    with pytest.raises(ValueError, match=r"^ENCRYPTION_KEYS: base64 of 32 random bytes") as caught:
        EncryptionKeys.parse(text)
    assert len(text) < 3 or text not in str(caught.value)


def test_an_invalid_setting_ends_the_process_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCRYPTION_KEYS", "bm90IGxvbmcgZW5vdWdo")
    with pytest.raises(SystemExit, match=r"ENCRYPTION_KEYS=\(hidden\): .*openssl rand -base64 32") as caught:
        read_settings()
    assert "bm90IGxvbmcgZW5vdWdo" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", base64.b64encode(ONE).decode(), f"{base64.b64encode(ONE).decode()}, " + "A_-" * 14 + "A"]
)
def test_valid_settings_can_be_used(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ENCRYPTION_KEYS", text)
    keys = read_settings().encryption_keys
    assert keys == text
    if keys:
        EncryptionKeys.parse(keys).seal("intake", b"a call")
