"""Views of a graph: text, pictures, networks and formulas.  Functions from a form to something for people."""
