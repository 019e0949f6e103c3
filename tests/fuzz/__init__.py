"""Everything that reads bytes of others, fed with bytes that nobody wrote: see `targets`."""
