"""A recurrent net learns to remember: what it sees in the first steps it has to say again 60 steps later.

A copy task after Hochreiter, Schmidhuber: Long Short-Term Memory, 1997; each letter is asked for by a question of its
own.  The net, an LSTM, is written here as a body of `gx.scan`: a graph of one step, whatever the length.  Its forget
gates start so that cells remember for 1 to as many steps as there are (Tallec, Ollivier: Can Recurrent Neural Networks
Warp Time?, 2018), and gradients are clipped by their common norm (Pascanu, Mikolov, Bengio: On the Difficulty of
Training Recurrent Neural Networks, 2013).

A derivative through a scan keeps what it reads of every step.  With `checkpoint="sqrt"` it keeps the carries between
segments, and makes the steps of a segment again: the same bits from less memory.
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import graphc as gx

SYMBOLS, WORD, DELAY = 4, 2, 60
LENGTH = WORD + DELAY + WORD
KINDS = SYMBOLS + 1 + WORD  # of inputs: a symbol, nothing, and for each letter the question what it was
CELLS, BATCH, STEPS = 32, 32, 150


def words(rng: np.random.Generator, count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """What the net sees, [LENGTH, count], and the words to say again, [WORD, count]."""
    letters = rng.integers(0, SYMBOLS, (WORD, count))
    seen = np.full((LENGTH, count), SYMBOLS)
    seen[:WORD] = letters
    seen[-WORD:] = SYMBOLS + 1 + np.arange(WORD)[:, None]
    return seen, letters


def weights(rng: np.random.Generator) -> dict[str, gx.Node]:
    """Of an LSTM and of the logits; columns of the LSTM's are forget, input and output gates, then new cells."""
    remembered = np.log(rng.uniform(1, LENGTH, CELLS))
    start = {
        "kinds": rng.normal(0, 3, (KINDS, 4 * CELLS)),
        "recurrent": rng.normal(0, 0.05, (CELLS, 4 * CELLS)),
        "bias": np.concatenate([remembered, -remembered, np.zeros(2 * CELLS)]),
        "answer": rng.normal(0, CELLS**-0.5, (CELLS, SYMBOLS)),
    }
    return {name: gx.param(name, value.astype("float32")) for name, value in start.items()}


def recalled(w: dict[str, gx.Node], seen: gx.Node, checkpoint: Literal["sqrt"] | None = None) -> gx.Node:
    """Logits of the letters, at the last steps.   seen [LENGTH, batch]   ->   [WORD, batch, SYMBOLS]"""

    def step(carry: tuple[gx.Node, gx.Node], x: gx.Node) -> tuple[tuple[gx.Node, gx.Node], gx.Node]:
        hidden, cell = carry
        z = w["kinds"][x] + hidden @ w["recurrent"] + w["bias"]
        forget, take, give = gx.split(gx.sigmoid(z[:, : 3 * CELLS]), 3, axis=1)
        cell = forget * cell + take * gx.tanh(z[:, 3 * CELLS :])
        hidden = give * gx.tanh(cell)
        return (hidden, cell), hidden

    nothing = gx.zeros((seen.shape[1], CELLS))
    outputs: gx.Node = gx.scan(step, (nothing, nothing), seen, checkpoint=checkpoint)[1]
    return outputs[-WORD:] @ w["answer"]


def main() -> dict[str, Any]:
    """The accuracy on words never seen before and after, memory with and without checkpoints, and both gradients."""
    rng = np.random.default_rng(0)
    w = weights(rng)
    seen = gx.input("seen", (LENGTH, "batch"), "int64")
    letters = gx.input("letters", (WORD, "batch"), "int64")
    loss = gx.nn.softmax_cross_entropy(recalled(w, seen), letters)
    right = gx.mean((gx.argmax(recalled(w, seen), -1) == letters).astype("float32"))
    grads = gx.grad(loss, w)

    saving = gx.grad(gx.nn.softmax_cross_entropy(recalled(w, seen, "sqrt"), letters), w)
    plain, sparing = gx.compile([seen, letters], grads), gx.compile([seen, letters], saving)
    memory = {"plain": plain.memory(batch=BATCH), "sqrt": sparing.memory(batch=BATCH)}
    for name, report in memory.items():
        print(f"Memory of a gradient, {name}:\n\n{report}\n")
    given = words(rng, BATCH)
    both = plain(*given), sparing(*given)

    opt = gx.optim.Adam(w, gx.optim.cosine_decay(0.03, STEPS))
    train = gx.compile([seen, letters], loss, updates=opt(gx.optim.clip_by_global_norm(grads, 1.0)))
    judge = gx.compile([seen, letters], right)
    fresh = words(rng, 1000)
    accuracies = [float(judge(*fresh))]
    for number in range(STEPS):
        value = train(*words(rng, BATCH))
        if (number + 1) % 25 == 0:
            print(f"step {number + 1:3}   loss {value:.4f}")
    accuracies.append(float(judge(*fresh)))
    print(f"letters recalled after {DELAY} steps: {accuracies[0]:.1%} at the start, {accuracies[1]:.1%} now")
    return {"accuracies": accuracies, "memory": memory, "gradients": both}


if __name__ == "__main__":
    main()
