"""Celadon under the knife: what tests/e2e shows in short, at every step and with every signal (`make torture`)."""
