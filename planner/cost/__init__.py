"""What plans cost: statistics of columns, cardinalities of nodes, prices of operators, the order of joins."""
