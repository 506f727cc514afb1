"""`python -m soundstage` is the `soundstage` command."""

from soundstage.cli import main

if __name__ == "__main__":
    main()
