"""Messages as files: one complete file per message, readable by its owner only."""

import asyncio
import dataclasses
import email
import email.policy
import re
from pathlib import Path

import pytest

from activities.channels import Message, NotDelivered
from activities.channels.email import EmailChannel
from activities.channels.file import FileChannel
from activities.channels.registry import open_channels, unconfigured_channels
from activities.channels.sms import SmsChannel

SETTINGS = {"mail_from": "Perdure <no-reply@localhost>"}
EML, TXT = EmailChannel.file_format(SETTINGS), SmsChannel.file_format(SETTINGS)


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


async def test_a_mail_is_saved_as_a_mail_program_opens_it(tmp_path: Path, message: Message) -> None:
    assert await FileChannel(tmp_path / "outbox", EML).send(message) == "saved in the outbox folder"
    [file] = files(tmp_path / "outbox")
    assert re.fullmatch(rf"\d{{8}}T\d{{6}}Z-{message.id}\.eml", file.name)
    mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert mail["To"] == message.to
    assert mail["Subject"] == message.subject
    assert mail["Message-ID"] == f"<{message.id}@localhost>"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


async def test_an_sms_is_saved_as_text(tmp_path: Path, message: Message) -> None:
    sent = dataclasses.replace(message, to="+49 30 1234567", text="Hello Ada\x07")
    await FileChannel(tmp_path, TXT).send(sent)
    [file] = files(tmp_path)
    assert file.suffix == ".txt"
    assert file.read_text() == "To: +49301234567\n\nHello Ada\n"


async def test_a_repeated_message_replaces_its_file(tmp_path: Path, message: Message) -> None:
    await FileChannel(tmp_path, EML).send(message)
    [first] = files(tmp_path)
    earlier = first.rename(first.with_name(f"20200101T000000Z-{message.id}.eml"))
    await FileChannel(tmp_path, EML).send(dataclasses.replace(message, subject="Once more"))
    assert files(tmp_path) == [earlier]
    assert b"Once more" in earlier.read_bytes()


async def test_concurrent_messages(tmp_path: Path, message: Message) -> None:
    channel = FileChannel(tmp_path, EML)
    messages = [dataclasses.replace(message, id=f"{number % 20:032}") for number in range(100)]
    await asyncio.gather(*map(channel.send, messages))
    assert len(files(tmp_path)) == 20


@pytest.mark.parametrize("bad", ["../evil", "", "a/b", "*", "a\n"])
async def test_an_id_cannot_leave_the_folder(tmp_path: Path, message: Message, bad: str) -> None:
    with pytest.raises(NotDelivered) as error:
        await FileChannel(tmp_path / "outbox", EML).send(dataclasses.replace(message, id=bad))
    assert error.value.final
    assert files(tmp_path) == []


async def test_what_the_real_channel_would_reject_is_rejected(tmp_path: Path, message: Message) -> None:
    for file_format in (EML, TXT):
        with pytest.raises(NotDelivered) as error:
            await FileChannel(tmp_path, file_format).send(dataclasses.replace(message, to="nobody"))
        assert error.value.final
    assert files(tmp_path) == []


async def test_an_unusable_folder_is_not_final(tmp_path: Path, message: Message) -> None:
    (tmp_path / "outbox").write_text("a file, in the way")
    with pytest.raises(NotDelivered) as error:
        await FileChannel(tmp_path / "outbox", EML).send(message)
    assert not error.value.final
    assert str(tmp_path) not in error.value.reason


def test_an_invalid_sender_is_rejected_at_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="MAIL_FROM"):
        open_channels({"mail_from": "Perdure", "outbox": str(tmp_path)})


def test_a_channel_without_its_setting_saves_files(tmp_path: Path) -> None:
    settings = {**SETTINGS, "outbox": str(tmp_path), "smtp_url": "smtp://mail.example.com"}
    opened = open_channels(settings)
    assert {name: type(channel) for name, channel in opened.items()} == {"email": EmailChannel, "sms": FileChannel}
    assert [channel.name for channel in unconfigured_channels(settings)] == ["sms"]
