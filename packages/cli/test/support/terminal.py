"""Runs a command on a terminal of its own. Copies its output to stdout. Reads one line at a time from stdin: `type` and
bytes in hexadecimal, or `close`, which takes the terminal away. Prints `ended <code>` last; the code of a signal is
negative."""
import os
import pty
import select
import sys

pid, master = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])

print(f"pid {pid}", flush=True)
commands = b""
watched = [master, 0]
while master in watched:
    ready, _, _ = select.select(watched, [], [])
    if master in ready:
        try:
            data = os.read(master, 4096)
        except OSError:
            data = b""
        if data == b"":
            break
        os.write(1, data)
    if 0 in ready:
        data = os.read(0, 4096)
        if data == b"":
            watched.remove(0)
        commands += data
        *lines, commands = commands.split(b"\n")
        for line in lines:
            if line.startswith(b"type "):
                os.write(master, bytes.fromhex(line[5:].decode()))
            elif line == b"close":
                os.close(master)
                watched.remove(master)
_, status = os.waitpid(pid, 0)
print(f"\nended {os.waitstatus_to_exitcode(status)}", flush=True)
