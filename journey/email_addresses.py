"""The form of an e-mail address, for every place that takes, stores or sends to one."""

import re

import idna

#: for people
EMAIL_ADDRESS = "an e-mail address like name@example.com"

_MAX_ADDRESS, _MAX_LOCAL_PART, _MAX_DOMAIN = 254, 64, 253  # octets (RFC 5321, 4.5.3.1)
_ATOM = r"[^\s\x00-\x20\x7f@\"(),.:;<>\[\]\\]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(\.{_ATOM})*")
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*")


def ascii_domain(domain: str) -> str:
    """Return a domain as mail servers know it, by IDNA 2008 with UTS 46: ``xn--tda.example`` for ``ü.example``.

    Raises:
        ValueError: IDNA 2008 refuses it.
    """
    # not Python's own codec, which follows IDNA 2003: there, `straße.example` is `strasse.example`, another domain
    if domain.isascii() and "xn--" not in domain.lower():
        return domain
    return idna.encode(domain, uts46=True, std3_rules=True).decode()


def is_email_address(text: str, *, public: bool = True) -> bool:
    """Whether mail can be sent to an address.

    Args:
        text: The address, without a name.
        public: The domain must have a dot; ``localhost`` has none.
    """
    local, _, domain = text.rpartition("@")
    if not (_LOCAL_PART.fullmatch(local) and local.isprintable()):
        return False
    try:
        host, octets = ascii_domain(domain), len(local.encode())
    except ValueError:
        return False
    fits = octets <= _MAX_LOCAL_PART and len(host) <= _MAX_DOMAIN and octets + 1 + len(host) <= _MAX_ADDRESS
    return fits and _HOST.fullmatch(host) is not None and ("." in host or not public)
