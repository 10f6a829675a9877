//! Command-line arguments and a file a subcommand.
