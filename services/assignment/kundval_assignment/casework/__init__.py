"""What a case worker asks beside the record of facts."""
