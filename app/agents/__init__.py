"""Tools by which other programs' models ask Hopfact, over the Model Context Protocol."""
