"""Actions, campaigns, tasks, message templates and webhook endpoints."""
