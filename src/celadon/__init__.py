"""Celadon deploys many Docker services to one small server, safely."""

__version__ = "0.1.0"
