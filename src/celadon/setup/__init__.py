"""The first hour of a team: its folders become compose.yaml, config/, keys and scripts, as drafts to agree to."""
