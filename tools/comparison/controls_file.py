"""What the controls found, for the reports of comparisons that ran on the same machine on the same day."""
import json
import pathlib

from . import numbers, results, shapes
from .trouble import Trouble

FORMAT = 1


def control(value):
    """What a report shows of a control; one without a reason has figures."""
    figures = {} if value.get("why") or value.get("verdict") == "holds" else {f"{key}_us": float for key in ("predicted", "low", "high")}
    return {"name": str, "law": str, "verdict": str, "why": str, **figures}


SHAPE = {"format": int, "machine": {"date": str}, "controls": [control]}


def file_of(out):
    """Beside the folder of a comparison."""
    return pathlib.Path(out).absolute().parent / "controls.json"


def failed_words(out, facts):
    """Sentences for the top of the report in `out`, made on the machine and the day that `facts` (environment.describe)
    name: the controls that do not hold there. None when all hold, or when none ran."""
    if not file_of(out).is_file():
        return []
    try:
        said = shapes.read(file_of(out), SHAPE, "remove it, or run --controls again")
    except Trouble as error:
        return [f"What the controls found is not known. {error}."]
    same = ("host", "cpu", "kernel")
    if said["format"] != FORMAT or [said["machine"].get(key) for key in same] != [facts.get(key) for key in same]:
        return []
    if said["machine"]["date"][:10] != str(facts.get("date"))[:10]:
        return []
    bad = [one for one in said["controls"] if one["verdict"] != "holds"]
    return [
        f"The control {one['name']} ({one['law']}) did not hold on this machine on {said['machine']['date'][:10]}: "
        + (one["why"] or f"queueing theory predicts a mean wait of {numbers.time_us(one['predicted_us'])}, measured were "
           f"{numbers.time_us(one['low_us'])} to {numbers.time_us(one['high_us'])}")
        + ". Find the cause before you conclude anything from this report."
        for one in bad
    ]


def write(out, machine, found):
    """Beside the folder `out`, whole or not at all. Returns whether all hold."""
    holds = all(one["verdict"] == "holds" for one in found)
    content = {"format": FORMAT, "machine": machine, "holds": holds, "controls": found}
    results.write_whole(file_of(out), json.dumps(content, indent=1))
    return holds
