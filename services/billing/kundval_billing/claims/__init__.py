"""Where months, premiums and bonuses stand, told as it changes; the work list of claims."""
