"""`python -m deploy.run`."""

import sys

from deploy.run.supervisor import main

if __name__ == "__main__":
    sys.exit(main())
