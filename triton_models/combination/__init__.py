"""Several models made one, and one made small: averages, stacks, distillation, pruning, a table."""
