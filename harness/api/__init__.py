"""The Python interface. `import harness` gives its names, and imports each one's module when it is first used."""
