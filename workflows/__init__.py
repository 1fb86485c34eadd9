"""The durable half of a journey: workflows hold state and wait; they decide nothing about stages."""
