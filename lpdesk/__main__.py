"""`python -m lpdesk`."""

from lpdesk.cli import main

if __name__ == "__main__":
    main()
