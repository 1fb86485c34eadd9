"""Commands that run and check the system: up, worker, gateway, migrate, health-check."""
