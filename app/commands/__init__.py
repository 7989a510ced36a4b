"""The commands of `hopfact`, by what they are about; `app.cli` puts them together."""
