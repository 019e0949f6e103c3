"""What an attacker tries: one module per way in, each story on the real engine."""
