"""What maintenance needs to know of the workflows of journeys; a test replaces single methods."""

from collections.abc import AsyncIterator

from temporalio.client import Client

from contracts import journey_client, journey_history
from contracts.journey_client import WorkflowStatus
from contracts.names import JOURNEY

PAGE = 500  # workflows


class JourneyWorkflows:
    """The workflows of all journeys, through one client. Every method raises RPCError if Temporal does not answer."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def status(self, company_id: int, customer_id: str) -> WorkflowStatus:
        """Return whether a journey's workflow is running, is waiting for Postgres with a commit, or is gone."""
        return await journey_client.workflow_status(self._client, company_id, customer_id)

    async def version(self, company_id: int, customer_id: str) -> int | None:
        """Return the version of a journey's last commit as its workflow knows it; None if no workflow is running."""
        return await journey_history.committed_version(self._client, company_id, customer_id)

    async def request_evaluation(self, company_id: int, customer_id: str) -> None:
        """Ask a journey to evaluate itself; a workflow that is gone is restarted from Postgres."""
        await journey_client.request_evaluation(self._client, company_id, customer_id)

    async def request_rebuild(self, company_id: int, customer_id: str) -> None:
        """Ask a journey to make its state anew from its ledger; a workflow that is gone is restarted from Postgres."""
        await journey_client.request_rebuild(self._client, company_id, customer_id)

    async def running(self, company_id: int) -> AsyncIterator[list[str]]:
        """Iterate over the customers of a company with a running journey, in pages, as visibility lists them."""
        query = f"WorkflowType = '{JOURNEY}' and ExecutionStatus = 'Running' and CompanyId = {company_id}"
        page: list[str] = []
        async for found in self._client.list_workflows(query, page_size=PAGE):
            page.append(found.id.split("/", 2)[2])
            if len(page) == PAGE:
                yield page
                page = []
        if page:
            yield page
