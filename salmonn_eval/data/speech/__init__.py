"""Speech for corpora that are text only: made once by a named engine and voice, or recorded by the user."""
