"""The card's four marts computed a second time, from the landing files, with pandas and no SQL."""
