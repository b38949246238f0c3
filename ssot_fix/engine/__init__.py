"""One run: from the files to the findings."""
