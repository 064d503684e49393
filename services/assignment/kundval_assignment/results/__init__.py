"""What providers and the municipality have achieved: outcomes kept in step with the facts, comparisons, figures."""
