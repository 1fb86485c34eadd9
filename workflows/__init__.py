"""The durable half of a journey: what remembers and waits. Workflow code decides nothing about stages."""
