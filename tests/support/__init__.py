"""What tests are written with: servers, builders that read as sentences, polling."""
