"""`make run`: a supervisor that brings up the whole platform, and the processes of the Procfile."""
