"""What a team brings, looked at before it reaches the server: facts are gathered once, rules are pure functions."""
