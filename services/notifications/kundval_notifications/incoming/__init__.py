"""What comes back of what was sent: returned e-mails, reports, receipts of other systems."""
