"""Has the right name for something that cannot be called."""

attack = [1, 2]
