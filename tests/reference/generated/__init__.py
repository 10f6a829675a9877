"""Random well-typed recipes of inputs and a loss, with what PyTorch computes for them; programs.py writes them down.

The families of productions enter the registry as they are imported, in this order.
"""

from . import elementwise, reductions, shapes, choosing, vectors, tokens, algebra, library, structure, lists
