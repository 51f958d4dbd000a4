"""Output formats: writers that take a result batch by batch and never hold more of it than they must."""
