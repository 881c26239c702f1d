"""What a user may write, checked: settings, models, runs."""
