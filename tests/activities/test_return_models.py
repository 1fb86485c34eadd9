"""The activity that fits a company's return model, and that its libraries are loaded only then."""

import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import heartbeats
from activities.return_models import ReturnModelActivity
from db.connections import Pool, open_pool
from tests.conftest import NewDatabase
from tests.support.workflow_life import new_company


@pytest.fixture
def url(new_database: NewDatabase, migrated_template: str) -> str:
    """A database with the newest schema and nothing in it."""
    return new_database(template=migrated_template)


@pytest_asyncio.fixture
async def pool(url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(url, min_size=1, max_size=2)
    yield opened
    await opened.close()


async def test_a_company_is_fitted_with_heartbeats(pool: Pool, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "INTERVAL", 0.001)
    company = new_company(url)
    world, beats = ActivityEnvironment(), []
    world.on_heartbeat = lambda *details: beats.append(details)
    found = await world.run(ReturnModelActivity(pool).fit_return_model, company)
    reason = "too little history: 0 customers with an appointment, at least 100 needed"
    assert found == {"company_id": company, "version": 1, "customers": 0, "reason": reason}
    assert beats
    assert (await world.run(ReturnModelActivity(pool).fit_return_model, company))["version"] == 2


async def test_a_company_that_does_not_exist_is_not_retried(pool: Pool) -> None:
    with pytest.raises(ApplicationError, match="no company 77") as caught:
        await ActivityEnvironment().run(ReturnModelActivity(pool).fit_return_model, 77)
    assert caught.value.non_retryable


def test_activity_name() -> None:
    defined = activity._Definition.must_from_callable(ReturnModelActivity.fit_return_model)
    assert defined.name == "fit_return_model"


@pytest.mark.parametrize("modules", ["worker", "api.app", "cli.maintenance.predictions", "workflows.customer_journey"])
def test_numpy_and_scipy_are_loaded_only_for_a_fit(modules: str) -> None:
    look = f"import sys, {modules}; print([name for name in ('numpy', 'scipy') if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
