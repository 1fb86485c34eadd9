"""What Temporal stores is encrypted, what it stored before is still read, and replays are not affected."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker

import connection
from contracts.encryption import EncryptionKeys, UnreadableError
from contracts.payload_codec import ENCODING, EncryptionCodec

KEY = "MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE="
NEEDLE = "needle-of-the-customer"
QUEUE = "encryption"


@workflow.defn(name="Remembering")
class Remembering:
    """Takes texts, and fails with the last of three."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    @workflow.run
    async def run(self, text: str) -> None:
        self.texts.append(text)
        await workflow.wait_condition(lambda: len(self.texts) >= 3)
        raise ApplicationError(self.texts[-1], self.texts[0], non_retryable=True)

    @workflow.signal
    def take(self, text: str) -> None:
        self.texts.append(text)

    @workflow.query
    def taken(self) -> list[str]:
        return self.texts


@asynccontextmanager
async def worker(client: Client) -> AsyncIterator[None]:
    runner = UnsandboxedWorkflowRunner()
    async with Worker(client, task_queue=QUEUE, workflows=[Remembering], workflow_runner=runner):
        yield


async def test_a_history_that_begins_in_clear_goes_on_encrypted(temporal_address: str) -> None:
    plain = await Client.connect(temporal_address, data_converter=connection.converter(None))
    secret = await Client.connect(temporal_address, data_converter=connection.converter(KEY))
    run = await plain.start_workflow(Remembering.run, "in clear", id="encryption/1", task_queue=QUEUE)
    async with worker(plain):
        assert await run.query(Remembering.taken) == ["in clear"]
    handle = secret.get_workflow_handle_for(Remembering.run, "encryption/1")
    async with worker(secret):
        await handle.signal(Remembering.take, NEEDLE)
        assert await handle.query(Remembering.taken) == ["in clear", NEEDLE]
        await handle.signal(Remembering.take, f"{NEEDLE} again")
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
    assert str(caught.value.cause) == f"{NEEDLE} again"
    history = await handle.fetch_history()
    stored = b"".join(event.SerializeToString() for event in history.events)
    assert b"in clear" in stored
    assert NEEDLE.encode() not in stored
    assert ENCODING in stored
    runner = UnsandboxedWorkflowRunner()
    replayer = Replayer(workflows=[Remembering], data_converter=connection.converter(KEY), workflow_runner=runner)
    await replayer.replay_workflow(history)


async def test_a_payload_without_its_key_raises() -> None:
    [sealed] = await EncryptionCodec(EncryptionKeys.parse(KEY)).encode([Payload(data=b"1")])
    with pytest.raises(UnreadableError, match="ENCRYPTION_KEYS is not set"):
        await EncryptionCodec(None).decode([sealed])
    with pytest.raises(UnreadableError, match="not in ENCRYPTION_KEYS"):
        await EncryptionCodec(EncryptionKeys([b"2" * 32])).decode([sealed])


async def test_payloads_of_both_kinds_are_read_together() -> None:
    codec = EncryptionCodec(EncryptionKeys.parse(KEY))
    payloads = [Payload(metadata={"encoding": b"json/plain"}, data=b'"a"'), Payload(), Payload(data=b"\x00" * 3000)]
    sealed = await codec.encode(payloads)
    assert await codec.decode([payloads[0], *sealed]) == [payloads[0], *payloads]


async def test_another_day_has_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = EncryptionKeys.parse(KEY)
    codec = EncryptionCodec(keys)
    days = set()
    for day in (20_000, 20_001):
        monkeypatch.setattr("time.time", lambda day=day: day * 86_400.0 + 5)
        [sealed] = await codec.encode([Payload(data=b"1")])
        days.add(sealed.data[:8])
        assert await codec.decode([sealed]) == [Payload(data=b"1")]
    assert len(days) == 2
