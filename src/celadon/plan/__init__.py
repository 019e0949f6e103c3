"""What to do: pure functions from configuration and snapshot to ordered, frozen steps."""
