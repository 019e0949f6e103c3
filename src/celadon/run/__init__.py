"""Doing it: observe, execute, probe, reconcile, under one lock."""
