"""Commands that check and repair: evaluation, validation, query plans, metrics, return models."""
