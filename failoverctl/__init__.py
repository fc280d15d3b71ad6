"""What a person does with a pair: see how it is, move it, hold it still, and read what happened."""
