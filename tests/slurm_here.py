"""A Slurm cluster of this machine alone, for tests: munged, slurmctld and slurmd, with their files in one folder."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from free_ports import free_ports
from waiting import LONGEST

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")
STARTS_WITHIN = 180.0  # seconds
_CONFIGURATION = """
ClusterName=here
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MaxArraySize=3
SchedulerParameters=sched_interval=1,batch_sched_delay=0
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=short Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def why_not():
    """Why there can be no cluster here; empty where there can be one."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    if lacking:
        return f"not installed: {', '.join(lacking)} (Debian: slurm-wlm)"
    return "" if os.geteuid() == 0 else "Slurm's daemons are started as root"


@contextmanager
def cluster(folder: Path):
    """Start the cluster, whose largest array has 3 tasks; its SLURM_CONF, or None where it does not start."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "munge.key").write_bytes(secrets.token_bytes(128))
    (folder / "munge.key").chmod(0o400)
    host, configuration = socket.gethostname().partition(".")[0], folder / "slurm.conf"
    text = _CONFIGURATION.format(host=host, folder=folder, ports=free_ports(2), cores=os.cpu_count())
    configuration.write_text(text)
    (folder / "cgroup.conf").write_text(f"CgroupPlugin={'disabled' if _version() >= (23, 11) else 'autodetect'}\n")
    environment = {**os.environ, "SLURM_CONF": str(configuration)}
    files = {"key-file": "munge.key", "socket": "munge.socket", "log-file": "munged.log", "seed-file": "munged.seed"}
    munged = ["munged", "--force", "--foreground", f"--pid-file={folder}/munged.pid"]
    munged += [f"--{option}={folder / name}" for option, name in files.items()]
    daemons = []
    try:
        for command in (munged, ["slurmctld", "-c", "-D"], ["slurmd", "-D"]):
            daemons.append(
                subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
            time.sleep(0.5)
        yield configuration if _is_idle(environment) else None
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in daemons:
            daemon.wait(LONGEST)


def _version():
    """The year and month of Slurm's version; from 23.11 on control groups can be left out."""
    shown = subprocess.run(["slurmctld", "-V"], capture_output=True, text=True, check=True, timeout=LONGEST).stdout
    return tuple(int(part) for part in re.findall(r"\d+", shown)[:2])


def _is_idle(environment):
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until:
        shown = subprocess.run(
            ["sinfo", "-h", "-o", "%T"], env=environment, capture_output=True, text=True, timeout=LONGEST
        )
        if shown.stdout.strip() == "idle":
            return True
        time.sleep(0.5)
    return False
