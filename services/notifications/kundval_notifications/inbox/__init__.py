"""What staff and providers read inside the suite, and what is left for a person to tell."""
