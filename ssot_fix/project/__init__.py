"""What the tool knows about the code base: settings, files, modules."""
