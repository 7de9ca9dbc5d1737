"""`python -m salmonn_eval`."""

from salmonn_eval.cli.main import main

if __name__ == "__main__":
    main()
