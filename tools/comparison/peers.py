"""Other servers, started from configurations that are shipped in tools/peers/ and printed in the report.

A configuration is a template: @ADDRESS@, @PORT@, @ROOT@ (of the files), @WORK@ (a folder of its own), @CPUS@ and @USER@
stand for what differs. A command of one's own has the same words, and must stay in the foreground.
"""
import getpass
import os
import pathlib
import re
import shutil

from .trouble import Trouble

TEMPLATES = pathlib.Path(__file__).resolve().parent.parent / "peers"

# kind: (Debian package, version's command, command; @CONF@ is the configuration made from the template)
COMMANDS = {
    "nginx": ("nginx-light", ["nginx", "-v"], ["nginx", "-p", "@WORK@", "-c", "@CONF@", "-e", "stderr"]),
    "apache-event": ("apache2-bin", ["apache2", "-v"], ["apache2", "-f", "@CONF@", "-DFOREGROUND"]),
    "apache-worker": ("apache2-bin", ["apache2", "-v"], ["apache2", "-f", "@CONF@", "-DFOREGROUND"]),
    "h2o": ("h2o", ["h2o", "--version"], ["h2o", "-c", "@CONF@"]),
    "lighttpd": ("lighttpd", ["lighttpd", "-v"], ["lighttpd", "-D", "-f", "@CONF@"]),
}
KINDS = tuple(COMMANDS)
SYSTEM_FOLDERS = "/usr/sbin:/sbin"  # where servers lie that are not in everybody's PATH


def find(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":" + SYSTEM_FOLDERS)


def template_text(kind):
    return (TEMPLATES / f"{kind}.conf").read_text(encoding="utf-8")


def fill(text, words):
    return re.sub(r"@([A-Z]+)@", lambda match: str(words.get(match[1], match[0])), text)


def check_there(subject):
    """A peer that is not installed is trouble before the first cell, not in the middle."""
    if subject["kind"] == "command":
        program, package = subject["args"][0], None
    elif subject["kind"] in COMMANDS:
        package, _, (program, *_) = COMMANDS[subject["kind"]]
    else:
        return
    if not find(program):
        hint = f": apt-get install {package}" if package else ""
        raise Trouble(f"{subject['name']} needs the program {program}, which is not here{hint}")


def command_of(subject, address, port, root, work, cpus):
    """The command of a peer for so many CPUs, its configuration written into `work`."""
    conf = pathlib.Path(work) / "peer.conf"
    words = {
        "ADDRESS": address,
        "PORT": port,
        "ROOT": root,
        "WORK": work,
        "CPUS": cpus,
        "USER": getpass.getuser(),
        "CONF": conf,
    }
    if subject["kind"] in COMMANDS:
        conf.write_text(fill(template_text(subject["kind"]), words), encoding="utf-8")
        command = COMMANDS[subject["kind"]][2]
    else:
        command = subject["args"]
    command = [fill(word, words) for word in command]
    return [find(command[0]) or command[0], *command[1:]]
