"""The layers of the suite, from the documents alone to a model of tasks and money."""
