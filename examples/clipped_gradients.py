"""Private learning: the gradient of every example is clipped by itself, and noise hides what each of them added.

`gx.vmap` takes the gradient of one example, clipped to a length of 1, to all examples of a lot.  Without any one of
them the sum moves by that length at most, so normal noise of such a scale bounds what the weights tell of it.  The
bound is an epsilon and a delta for the whole training; it holds for whoever does not know the seeds.

A network reads handwritten digits (Alpaydin, Kaynak, 1998, from scikit-learn).  Abadi et al.: Deep Learning with
Differential Privacy, 2016, algorithm 1.  Mironov, Talwar, Zhang: Renyi Differential Privacy of the Sampled Gaussian
Mechanism, 2019, section 3.3.
"""

import math
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import graphc as gx

LIMIT, NOISE = 1.0, 3.0  # the length of a gradient, and the deviation of the noise in such lengths
STEPS, RATE, SHARE = 100, 3.0, 0.15  # each example is in a lot with probability SHARE
DELTA = 1e-4


def epsilon(noise: float, share: float, steps: int, delta: float) -> float:
    """What the training gives away of any one example: probabilities change by e^epsilon at most, but for `delta`."""

    def divergence(order: int) -> float:
        terms = [
            math.comb(order, k) * (1 - share) ** (order - k) * share**k * math.exp((k * k - k) / (2 * noise**2))
            for k in range(order + 1)
        ]
        return math.log(sum(terms)) / (order - 1)

    return min(steps * divergence(order) + math.log(1 / delta) / (order - 1) for order in range(2, 33))


def main() -> dict[str, Any]:
    """The accuracy on held-out digits, epsilon, and what gives clipped gradients and the lengths they had before."""
    images, digits = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    mixed = rng.permutation(len(images))
    images, digits = (images[mixed] / 16).astype("float32"), digits[mixed]
    held, learned = slice(0, len(images) // 4), np.arange(len(images) // 4, len(images))

    model = gx.nn.mlp((64, 32, 10), rng=rng, activation=gx.tanh)
    weights = gx.parameters(model)

    def loss(x: gx.Node, t: gx.Node) -> gx.Node:
        return gx.nn.softmax_cross_entropy(model(x), t)

    def clipped(x: gx.Node, t: gx.Node) -> tuple[dict[str, gx.Node], gx.Node]:
        """The gradient of one example, made shorter where it is longer than LIMIT, and its length before."""
        own = gx.grad(loss(x, t), weights)
        return gx.optim.clip_by_global_norm(own, LIMIT), gx.optim.global_norm(own)

    x, t = gx.input("x", ("lot", 64)), gx.input("t", "lot", "int64")
    by_example, lengths = gx.vmap(clipped)(x, t)
    noise = gx.random.Stream("noise", 0)

    def hidden(g: gx.Node) -> gx.Node:
        """The sum over the lot with noise, by the number of examples that a lot has on average."""
        return (gx.sum(g, axis=0) + LIMIT * NOISE * gx.random.normal(noise.key(), g.shape[1:])) / (SHARE * len(learned))

    opt = gx.optim.SGD(weights, RATE)
    gradient = {name: hidden(g) for name, g in by_example.items()}
    train = gx.compile([x, t], gx.mean((lengths > LIMIT).astype("float32")), updates=opt(gradient))
    look = gx.compile([x, t], [by_example, lengths])
    right = gx.compile([x, t], gx.mean((gx.argmax(model(x), -1) == t).astype("float32")))

    for number in range(STEPS):
        lot = learned[rng.random(len(learned)) < SHARE]
        share = train(images[lot], digits[lot])
        if (number + 1) % 20 == 0:
            print(f"step {number + 1:3}   lot of {len(lot)}, {share:.0%} of them clipped")
    accuracy, spent = float(right(images[held], digits[held])), epsilon(NOISE, SHARE, STEPS, DELTA)
    print(f"accuracy on held-out digits {accuracy:.1%}, with epsilon {spent:.2f} at delta {DELTA:.0e}")
    seen = images[held], digits[held]
    return {"accuracy": accuracy, "epsilon": spent, "loss": loss, "weights": weights, "look": look, "held": seen}


if __name__ == "__main__":
    main()
