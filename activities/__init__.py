"""What touches the outside world on behalf of a journey."""
