"""What a function needs to run: its settings, logs and metrics, polling, notifications."""
