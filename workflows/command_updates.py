"""Update handlers of a journey: one per command, each answered once its command is committed."""

from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from contracts import names
    from contracts.messages import (
        CancelAction,
        ChangeTask,
        FinishTask,
        JourneyCommand,
        ReassignTask,
        RecordContact,
        Release,
        RemoveContact,
        RequestAction,
        RetryAction,
        SetStage,
        validation_problem,
    )
    from contracts.requests import Reply
    from journey.explain import readable


class CommandUpdates:
    """Enqueue each command as a pending message and wait for its reply, which ``commit`` decides.

    Commands are numbered in the order of their arrival; commits confirm them in the same order.
    """

    def __init__(self, state: dict[str, Any] | None) -> None:
        self.state = state
        self.pending_messages: list[tuple[str, list[str]]] = []
        self.next_command = 1
        self.last_committed_command = 0
        self.replies: dict[int, Reply] = {}

    @workflow.update(name=names.SET_STAGE_UPDATE)
    async def set_stage(self, request: SetStage) -> dict[str, Any]:
        """Override the journey's stage, and optionally hold it."""
        return await self._execute(names.SET_STAGE_UPDATE, request)

    @workflow.update(name=names.RELEASE_UPDATE)
    async def release(self, request: Release) -> dict[str, Any]:
        """Release a hold."""
        return await self._execute(names.RELEASE_UPDATE, request)

    @workflow.update(name=names.REQUEST_ACTION_UPDATE)
    async def request_action(self, request: RequestAction) -> dict[str, Any]:
        """Request outreach; the answer has its ``action``."""
        return await self._execute(names.REQUEST_ACTION_UPDATE, request)

    @workflow.update(name=names.FINISH_TASK_UPDATE)
    async def finish_task(self, request: FinishTask) -> dict[str, Any]:
        """Mark a task as done."""
        return await self._execute(names.FINISH_TASK_UPDATE, request)

    @workflow.update(name=names.REASSIGN_TASK_UPDATE)
    async def reassign_task(self, request: ReassignTask) -> dict[str, Any]:
        """Assign a task to another member of staff."""
        return await self._execute(names.REASSIGN_TASK_UPDATE, request)

    @workflow.update(name=names.CHANGE_TASK_UPDATE)
    async def change_task(self, request: ChangeTask) -> dict[str, Any]:
        """Move a task to another time, comment on it, or reopen it."""
        return await self._execute(names.CHANGE_TASK_UPDATE, request)

    @workflow.update(name=names.RETRY_ACTION_UPDATE)
    async def retry_action(self, request: RetryAction) -> dict[str, Any]:
        """Retry an action that failed or was suppressed."""
        return await self._execute(names.RETRY_ACTION_UPDATE, request)

    @workflow.update(name=names.CANCEL_ACTION_UPDATE)
    async def cancel_action(self, request: CancelAction) -> dict[str, Any]:
        """Cancel a requested action that is not being performed yet."""
        return await self._execute(names.CANCEL_ACTION_UPDATE, request)

    @workflow.update(name=names.RECORD_CONTACT_UPDATE)
    async def record_contact(self, request: RecordContact) -> dict[str, Any]:
        """Record a contact that a person made; the answer has its ``contact``."""
        return await self._execute(names.RECORD_CONTACT_UPDATE, request)

    @workflow.update(name=names.REMOVE_CONTACT_UPDATE)
    async def remove_contact(self, request: RemoveContact) -> dict[str, Any]:
        """Remove a contact that was recorded by mistake."""
        return await self._execute(names.REMOVE_CONTACT_UPDATE, request)

    # A validator also rejects a wrong number of arguments, or an argument of another shape.
    @set_stage.validator
    def validate_set_stage(self, request: SetStage) -> None:
        _validate(request)

    @release.validator
    def validate_release(self, request: Release) -> None:
        _validate(request)

    @request_action.validator
    def validate_request_action(self, request: RequestAction) -> None:
        _validate(request)

    @finish_task.validator
    def validate_finish_task(self, request: FinishTask) -> None:
        _validate(request)

    @reassign_task.validator
    def validate_reassign_task(self, request: ReassignTask) -> None:
        _validate(request)

    @change_task.validator
    def validate_change_task(self, request: ChangeTask) -> None:
        _validate(request)

    @retry_action.validator
    def validate_retry_action(self, request: RetryAction) -> None:
        _validate(request)

    @cancel_action.validator
    def validate_cancel_action(self, request: CancelAction) -> None:
        _validate(request)

    @record_contact.validator
    def validate_record_contact(self, request: RecordContact) -> None:
        _validate(request)

    @remove_contact.validator
    def validate_remove_contact(self, request: RemoveContact) -> None:
        _validate(request)

    async def _execute(self, name: str, command: JourneyCommand) -> dict[str, Any]:
        number = self.next_command
        self.next_command += 1
        argument = workflow.payload_converter().to_payload(command.__dict__).data.decode()
        self.pending_messages.append((name, [argument]))
        await workflow.wait_condition(lambda: number in self.replies)
        reply = self.replies.pop(number)
        if isinstance(reply, str):
            raise ApplicationError(reply, type="Refused", non_retryable=True)
        return {**readable(self.state), **(reply or {})}


def _validate(command: JourneyCommand) -> None:
    if problem := validation_problem(command):
        raise ValueError(problem)
