"""Reports of a run: one JSON value, and JUnit XML, an HTML page and a step summary made from it."""
