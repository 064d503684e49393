"""Finding times that suit everybody who has to be there."""
