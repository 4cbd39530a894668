"""Better labels: which are likely wrong, and which texts are worth labelling next."""
