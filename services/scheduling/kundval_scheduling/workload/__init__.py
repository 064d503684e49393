"""What is due, overdue and unbooked for a team or a provider, and whether there is time for it."""
