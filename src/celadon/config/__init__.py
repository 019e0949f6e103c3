"""What was asked: the team's compose file with `x-celadon`, read, checked as a whole, and turned into frozen values."""
