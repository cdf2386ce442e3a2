"""Problems: what people report of titles that are there but not right, and what became of it."""
