"""What several test folders share: building a small warehouse the way a night does. Not here: tests."""
