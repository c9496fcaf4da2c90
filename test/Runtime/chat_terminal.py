"""Drives a chat through a pseudo terminal: what Ctrl-C does while the model answers, and at the prompt.

chat_terminal.py PROGRAM: its answers must not end by themselves soon.
"""
import os
import pty
import re
import sys
import time


def main(program):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(program, [program, "-i", "-q"])
    seen = b""

    def wait_for(pattern, seconds=30):
        nonlocal seen
        end = time.time() + seconds
        while not re.search(pattern, seen):
            assert time.time() < end, (pattern, seen[-200:])
            seen += os.read(terminal, 65536)
        seen = b""

    wait_for(rb"> ")
    os.write(terminal, b"hello\n")
    wait_for(rb"hello\r\n[^\r]{20}")  # it is answering
    os.write(terminal, b"\x03")
    wait_for(rb"\n> ")  # the answer ended, the program did not
    os.write(terminal, b"again\n")
    wait_for(rb"again\r\n[^\r]{20}")
    os.write(terminal, b"\x03")
    wait_for(rb"\n> ")
    os.write(terminal, b"\x03")  # at the prompt: the end
    end = time.time() + 30
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        assert time.time() < end, "still running"
        time.sleep(0.02)
    assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0, status
    print("ok")


main(sys.argv[1])
