"""Messages as files: one for each message, whole, and for nobody else's eyes."""

import asyncio
import dataclasses
import email
import email.policy
import re
from pathlib import Path

import pytest

from activities.channels import Message, NotDelivered
from activities.channels.file import Outbox

SENDER = "Perdure <no-reply@localhost>"


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


async def test_a_mail_is_kept_as_a_mail_program_opens_it(tmp_path: Path, message: Message) -> None:
    outbox = Outbox(tmp_path / "outbox", "email", SENDER)
    assert (await outbox.send(message), outbox.name) == ("kept in the outbox", "email")
    [file] = files(tmp_path / "outbox")
    assert re.fullmatch(rf"\d{{8}}T\d{{6}}Z-{message.id}\.eml", file.name)
    mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert mail["To"] == message.to
    assert mail["Subject"] == message.subject
    assert mail["Message-ID"] == f"<{message.id}@localhost>"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


async def test_an_sms_is_kept_as_text(tmp_path: Path, message: Message) -> None:
    outbox = Outbox(tmp_path, "sms")
    await outbox.send(dataclasses.replace(message, to="+49 30 1234567", text="Hello Ada\x07"))
    [file] = files(tmp_path)
    assert file.suffix == ".txt"
    assert file.read_text() == "To: +49301234567\n\nHello Ada\n"


async def test_the_same_message_again_is_the_same_file(tmp_path: Path, message: Message) -> None:
    await Outbox(tmp_path, "email", SENDER).send(message)
    [first] = files(tmp_path)
    earlier = first.rename(first.with_name(f"20200101T000000Z-{message.id}.eml"))
    await Outbox(tmp_path, "email", SENDER).send(dataclasses.replace(message, subject="Once more"))
    assert files(tmp_path) == [earlier]
    assert b"Once more" in earlier.read_bytes()


async def test_many_at_once(tmp_path: Path, message: Message) -> None:
    outbox = Outbox(tmp_path, "email", SENDER)
    messages = [dataclasses.replace(message, id=f"{number % 20:032}") for number in range(100)]
    await asyncio.gather(*map(outbox.send, messages))
    assert len(files(tmp_path)) == 20


@pytest.mark.parametrize("bad", ["../evil", "", "a/b", "*", "a\n"])
async def test_an_id_cannot_leave_the_folder(tmp_path: Path, message: Message, bad: str) -> None:
    with pytest.raises(NotDelivered) as found:
        await Outbox(tmp_path / "outbox", "email", SENDER).send(dataclasses.replace(message, id=bad))
    assert found.value.final
    assert files(tmp_path) == []


async def test_what_the_real_channel_would_refuse_is_refused(tmp_path: Path, message: Message) -> None:
    for outbox in (Outbox(tmp_path, "email", SENDER), Outbox(tmp_path, "sms")):
        with pytest.raises(NotDelivered) as found:
            await outbox.send(dataclasses.replace(message, to="nobody"))
        assert found.value.final
    assert files(tmp_path) == []


async def test_a_folder_that_cannot_be_may_be_mended(tmp_path: Path, message: Message) -> None:
    (tmp_path / "outbox").write_text("a file, in the way")
    with pytest.raises(NotDelivered) as found:
        await Outbox(tmp_path / "outbox", "email", SENDER).send(message)
    assert not found.value.final
    assert str(tmp_path) not in found.value.reason


def test_a_sender_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="MAIL_FROM"):
        Outbox(tmp_path, "email", "Perdure")
    Outbox(tmp_path, "sms")
