"""`python -m bruit` is `bruit`."""

from bruit.cli import main

if __name__ == "__main__":
    main()
