"""Prints 400 lines of up to thirty words, drawn from a few with a fixed seed: texts of one kind to calibrate with."""
import random

WORDS = "hello world the thing order other hold well 12 3 an antler wing or ld er a".split()


def main():
    numbers = random.Random(1)
    for _ in range(400):
        print(" ".join(WORDS[int(numbers.random() * len(WORDS))] for _ in range(1 + int(numbers.random() * 30))))


if __name__ == "__main__":
    main()
