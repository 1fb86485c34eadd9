"""How much chance the properties of the core are given: enough to find what was broken, few enough for every run."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "core", max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.register_profile("core-long", settings.get_profile("core"), max_examples=3000)
settings.load_profile(os.environ.get("PERDURE_HYPOTHESIS", "core"))
