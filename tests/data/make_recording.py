"""Writes routing_recording.csv: a made-up recording of a top-2 gate of 8 experts in 8 layers, for
those who lack the real one of Mixtral 8x7B. 338 tokens of two sequences, of which a few rows are
lost. Layers have favourites of their own; what a block of tokens is about moves slowly and is seen
by every layer, each in its own order of experts."""

import math
import pathlib
import random

LAYERS, EXPERTS = 8, 8


def main():
    draw = random.Random(7)
    favourites = [[draw.gauss(0, 0.5) for _ in range(EXPERTS)] for _ in range(LAYERS)]
    orders = [draw.sample(range(EXPERTS), EXPERTS) for _ in range(LAYERS)]
    lines = ["# Made up by make_recording.py.", "sequence,token,layer,expert0,expert1"]
    topic = [draw.gauss(0, 1) for _ in range(EXPERTS)]
    for token in range(338):
        topic = [0.97 * one + math.sqrt(1 - 0.97 ** 2) * draw.gauss(0, 1) for one in topic]
        for layer in range(LAYERS):
            weights = [math.exp(2 * (favourites[layer][e] + 0.6 * topic[orders[layer][e]]))
                       for e in range(EXPERTS)]
            first = draw.choices(range(EXPERTS), weights)[0]
            weights[first] = 0
            second = draw.choices(range(EXPERTS), weights)[0]
            if draw.random() > 0.002:
                lines.append(f"{0 if token < 83 else 1},{token},{layer},{first},{second}")
    path = pathlib.Path(__file__).resolve().parent / "routing_recording.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
