"""fastloss inside the libraries that people use, with those libraries: make test-adapters."""
