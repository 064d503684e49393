"""A controller's figures, and what stands out in payments."""
