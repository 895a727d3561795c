"""What the operating system gives: files, locks, threads; and what a user can get wrong."""
