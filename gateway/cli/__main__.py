"""`python -m gateway.cli` is `trm`."""

from gateway.cli import main

if __name__ == "__main__":
    main()
