"""Learn to read handwritten digits, and look at every stage on the way.

The gradient of one neuron is printed as a graph and as generated source; then a network learns 1,797 real digits of
8 x 8 pixels (Alpaydin, Kaynak: Optical recognition of handwritten digits, 1998, from scikit-learn) with Adam, and is
judged by the quarter of them that it never saw.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from tqdm import tqdm

import graphc as gx

EPOCHS, BATCH = 40, 32
PICTURES = Path(__file__).parents[1] / "build" / "digits"


def main(folder: Path = PICTURES) -> dict[str, list[float]]:
    """The loss of every step, and the accuracy on the held-out quarter after every epoch."""
    w, v = gx.param("w", np.zeros(64, "float32")), gx.input("v", 64)
    slope = gx.grad(gx.tanh(v @ w), w)
    print(f"The gradient of one neuron, tanh(v @ w), is a graph too:\n\n{gx.show(slope)}\n")
    run = gx.compile([v], slope, backend="numpy").source.partition("    def run")[2].partition("    return run")[0]
    print(f"What runs when it is compiled:\n\n    def run{run}")

    rng = np.random.default_rng(0)
    images, digits = load_digits(return_X_y=True)
    mixed = rng.permutation(len(images))
    images, digits, quarter = (images[mixed] / 16).astype("float32"), digits[mixed], len(images) // 4
    steps = (len(images) - quarter) // BATCH

    x, t = gx.input("x", ("batch", 64)), gx.input("t", "batch", "int64")
    model = gx.nn.mlp((64, 128, 64, 10), rng=rng)
    loss = gx.nn.softmax_cross_entropy(model(x), t)
    opt = gx.optim.Adam(model, gx.optim.cosine_decay(3e-3, EPOCHS * steps))
    train = gx.compile([x, t], loss, updates=opt(gx.grad(loss, opt.params)))
    classify = gx.compile([x], gx.argmax(model(x), -1))
    print(f"Memory of a training step, known before it runs:\n\n{train.memory(batch=BATCH)}\n")

    losses, accuracies = list[float](), list[float]()
    for epoch in tqdm(range(EPOCHS), unit="epoch"):
        batches = np.array_split(quarter + rng.permutation(len(images) - quarter), steps)
        losses.extend(float(train(images[rows], digits[rows])) for rows in batches)
        accuracies.append(float(np.mean(classify(images[:quarter]) == digits[:quarter])))
        tqdm.write(f"epoch {epoch + 1:2}   loss {losses[-1]:.4f}   accuracy on held-out digits {accuracies[-1]:.2%}")

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "graph.svg").write_text(gx.to_svg(slope), encoding="utf-8")
    figure = Figure()
    axes = figure.subplots(subplot_kw={"xlabel": "epoch", "ylabel": "loss", "yscale": "log"})
    axes.plot(np.arange(len(losses)) / steps, losses, color="0.8", linewidth=0.7, label="each step")
    axes.plot(np.arange(EPOCHS) + 0.5, np.reshape(losses, (EPOCHS, steps)).mean(1), label="mean of an epoch")
    axes.legend()
    figure.savefig(folder / "loss.png")
    print(f"\nPictures of the loss and of the neuron's gradient graph are in {folder.resolve()}")
    return {"losses": losses, "accuracies": accuracies}


if __name__ == "__main__":
    main()
