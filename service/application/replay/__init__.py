"""What a decision rests on, written down so that it can be decided again."""
