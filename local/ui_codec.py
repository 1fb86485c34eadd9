"""What lets the embedded Temporal UI show encrypted payloads: its codec endpoint, on the UI's own address.

Anyone who can open the UI of this machine could read payloads before they were encrypted, too. An installation for
several people needs a codec server that asks who reads; this one asks nobody.
"""

import re
from collections.abc import Mapping

from google.protobuf.json_format import MessageToJson, Parse, ParseError
from temporalio.api.common.v1 import Payloads

from contracts.encryption import EncryptionKeys, UnreadableError
from contracts.payload_codec import EncryptionCodec

PATH = "/-/codec"
MAX_BODY = 16 << 20  # bytes
#: The UI under another name of this machine, or through a tunnel.
_OWN_ORIGIN = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)

#: A status line, headers and a body.
Answer = tuple[str, dict[str, str], bytes]


async def answer(method: str, path: str, headers: Mapping[str, str], body: bytes, keys: EncryptionKeys) -> Answer:
    """Answer a request of the UI below `PATH`: ``POST …/decode`` with payloads as JSON, and what precedes it."""
    origin = headers.get("origin", "")
    allowed = {"Vary": "Origin"}
    if _OWN_ORIGIN.fullmatch(origin):
        allowed |= {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Methods": "POST"}
        allowed |= {"Access-Control-Allow-Headers": headers.get("access-control-request-headers", "content-type")}
    if method == "OPTIONS":
        return "204 No Content", allowed, b""
    if method != "POST" or path != f"{PATH}/decode":
        return "404 Not Found", allowed, b""
    try:
        given = Parse(body, Payloads())
        decoded = await EncryptionCodec(keys).decode(given.payloads)
    except (ParseError, UnicodeDecodeError):
        return "400 Bad Request", allowed, b"not payloads as JSON"
    except UnreadableError as error:
        return "400 Bad Request", allowed, str(error).encode()
    text = MessageToJson(Payloads(payloads=decoded), indent=None)
    return "200 OK", {**allowed, "Content-Type": "application/json"}, text.encode()
