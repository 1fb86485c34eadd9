"""Merge two customers who are one person: decided and written at once, then announced to their journeys.

A workflow, so that a merge that was begun is completed whatever fails meanwhile.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from contracts import names, timeouts
    from contracts.requests import MergeRequest, MergeResult


@workflow.defn(name=names.MERGE_CUSTOMERS)
class MergeCustomers:
    """Its id is ``merge/{company}/{customer}``."""

    @workflow.run
    async def run(self, request: MergeRequest) -> MergeResult:
        """Return what was merged, or why it was refused."""
        result: MergeResult = await workflow.execute_activity(
            names.MERGE,
            request,
            result_type=MergeResult,
            start_to_close_timeout=timeouts.MERGE_TIMEOUT,
            heartbeat_timeout=timeouts.MERGE_HEARTBEAT,
            retry_policy=timeouts.MERGE_RETRY,
            summary=f"merge {request['customer_id']} into {request['into']}",
        )
        if "refused" not in result:
            await workflow.execute_activity(
                names.ANNOUNCE_MERGE,
                {**request, "into": result["into"]},
                start_to_close_timeout=timeouts.MERGE_TIMEOUT,
                heartbeat_timeout=timeouts.MERGE_HEARTBEAT,
                retry_policy=timeouts.MERGE_RETRY,
                summary="let both journeys know",
            )
        return result
