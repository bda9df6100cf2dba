"""`python -m trustlab` is the `trustlab` command."""

from trustlab.cli import main

if __name__ == "__main__":
    main()
