"""tests/on_gpu.sh report RESULTS: tables in Markdown from a folder or an archive that tests/on_gpu.sh run wrote.

What is missing is named as missing; a part that was ended is shown as far as it came.
"""
import csv
import io
import json
import os
import re
import sys
import tarfile

PARTS = ("machine", "plans", "ours", "pytorch", "speed", "operations", "threads", "tables", "gpu-tests", "sanitizers",
         "resnets", "experiments", "cifar10-lt", "cifar10")


def read(path):
    """All result files by their path below RESULTS."""
    files = {}
    if os.path.isdir(path):
        for folder, _, names in os.walk(path):
            for name in names:
                if name.endswith((".log", ".txt", ".json", ".csv")):
                    whole = os.path.join(folder, name)
                    with open(whole, "rb") as file:
                        files[os.path.relpath(whole, path)] = file.read()
    else:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile():
                    files[member.name.split("/", 1)[-1]] = archive.extractfile(member).read()
    return {name: data.decode("utf-8", "replace") for name, data in files.items()}


def json_lines(text):
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except ValueError:  # the last line of a program that was killed
                pass


def table(header, rows):
    print("\n| " + " | ".join(header) + " |\n" + "|---" * len(header) + "|")
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")


def short(number, digits=4):
    return "-" if number is None else f"{number:.{digits}g}"


def sections(log):
    """The parts of a log that follow lines "== NAME"."""
    found, name = {}, None
    for line in log.splitlines():
        if line.startswith("== "):
            name = line[3:]
            found[name] = []
        elif name:
            found[name].append(line)
    return found


class Report:
    def __init__(self, files):
        self.files = files
        self.summary = dict(line.split(": ", 1) for line in files.get("summary.txt", "").splitlines() if ": " in line)

    def log(self, part):
        return self.files.get(part + ".log", "")

    def heading(self, part):
        """Prints how a part ended, and returns its log; an empty one if there is none."""
        state = self.summary.get(part)
        if part + ".log" not in self.files:
            print(f"\n{part} is missing" + (f": {state}" if state else "."))
            return ""
        print(f"\n{part}: " + (state or "unfinished: the run was killed in the middle of it"))
        return self.log(part)

    def machine(self):
        found = sections(self.heading("machine"))
        for name in ("program", "gpu", "version", "system", "cpu", "pytorch"):
            lines = [line.strip() for line in found.get(name, []) if line.strip()]
            text = "missing" if lines and lines[-1].startswith("(ended with") else " / ".join(lines)
            if text:
                print(f"- {name}: {text}")
        for line in json_lines("\n".join(found.get("start", []))):
            print(f"- device: {line['device']}")

    def plans(self):
        problems, plans = {}, {}
        for line in json_lines(self.heading("plans")):
            if "plan" in line:
                plans.setdefault(line["problem"], []).append(line)
            elif "problem" in line:
                problems[line["problem"]] = line
        rows, best_ms, first_ms, disagreeing, incomplete = [], 0, 0, [], 0
        for number, problem in problems.items():
            timed = [p for p in plans.get(number, []) if "ms" in p]
            wrong = [p for p in timed if not p["agrees"]]
            disagreeing += [(problem, p) for p in wrong]
            best = min((p for p in timed if p["agrees"]), key=lambda p: p["ms"], default=None)
            refused = len(plans.get(number, [])) - len(timed)
            if not best:
                incomplete += 1
                rows.append([problem["pass"], problem["shape"], problem["times"]] + ["-"] * 5
                            + [f"{len(timed)} / {refused} / {len(wrong)}"])
                continue
            first = timed[0]["ms"]
            best_ms += problem["times"] * best["ms"]
            first_ms += problem["times"] * first
            rows.append([problem["pass"], problem["shape"], problem["times"], best["name"], short(best["ms"]),
                         short(best["tflop_per_s"]), f"{first / best['ms']:.2f}", f"{best['workspace_mib']:.0f}",
                         f"{len(timed)} / {refused} / {len(wrong)}"])
        if not rows:
            return
        table(["pass", "convolution", "times", "fastest plan that agrees", "ms", "TFLOP/s", "first's time over it",
               "workspace, MiB", "timed / refused / disagree"], rows)
        print(f"\nAll convolutions of a step: {short(best_ms)} ms by the fastest plans, {short(first_ms)} ms by the first "
              f"ones; {len(problems)} problems, {incomplete} of them without a plan; {len(disagreeing)} plans disagree with the first.")
        for problem, plan in disagreeing:
            print(f"- disagrees: {problem['pass']} {problem['shape']}: {plan['name']}, by {plan['deviation']:.2g}")

    def ours_and_pytorch(self, *parts):
        ours, theirs = {}, {}
        for r in (r for part in parts for r in json_lines(self.heading(part))):
            case = (r.get("model", "vgg16"), r.get("precision"), r["mode"], r.get("size"), r.get("batch"))
            if "error" in r:
                print(f"- PyTorch {r['variant']}, {r['mode']}: {r['error']}")
            elif "variant" in r:
                theirs[(*case, r["variant"])] = r
            elif "seconds" in r:
                flags = ["--compile"] * ("compile" in r) + ["--no-cuda-graphs"] * ("graph" not in r)
                ours[(*case, " ".join(flags))] = r
        alone = {(*case[:5], "") for case in theirs} - set(ours)
        cases = [*ours, *sorted(alone)]
        if not cases:
            return

        def memory(run):
            return f"{run['allocated_mib']:.0f} / {run['reserved_mib']:.0f}" if run else "-"

        rows = []
        for case in cases:
            runs = [ours.get(case)] + [theirs.get((*case[:5], variant)) for variant in ("eager", "compile")]
            best = min((r["seconds"] for r in runs[1:] if r), default=None)
            ratio = f"{best / runs[0]['seconds']:.2f}" if best and runs[0] else "-"
            model, precision, mode, size, batch, flags = case
            rate = f"{batch / runs[0]['seconds']:.0f}" if runs[0] else "-"
            rows.append([f"{model} {mode} {size}x{size}, batch {batch}, {precision} {flags}".strip(),
                         *(short(r["seconds"] * 1e3) if r else "-" for r in runs), ratio, rate, *map(memory, runs)])
        table(["", "ours, ms", "eager, ms", "compile, ms", "ratio to the faster", "images/s", "ours, MiB", "eager, MiB",
               "compile, MiB"], rows)
        print("\nMiB allocated / reserved at the peak.", *dict.fromkeys(r["pytorch"] for r in theirs.values() if "pytorch" in r))
        for case, r in ours.items():
            if "graph" in r:
                print(f"- {case[0]} {case[2]} {case[3]}x{case[3]}, batch {case[4]}, {case[1]} {case[5]}: {r['graph']}")

    def printed_table(self, part):
        """The tables of bench.py, as it printed them."""
        lines = [line.split("\r")[-1].replace("\x1b[K", "") for line in self.heading(part).splitlines()]
        shown = [line for line in lines if line.startswith(("|", "VGG16", "Times faster", "bench:", "PyTorch is missing"))]
        before = ""
        for line in shown:
            if line.startswith("|") != before.startswith("|"):
                print()
            print(line)
            before = line

    def operations(self):
        lines = list(json_lines(self.heading("operations")))
        rows = next((line["operations"] for line in lines if "operations" in line), None)
        if rows is None:  # it was ended: the rows that it had printed
            rows = sorted((line for line in lines if "operation" in line), key=lambda row: -row["total"])
            rows.sort(key=lambda row: row["operation"] != "copy")
        if not rows:
            return
        copy = rows[0]["gb_per_s"] if rows[0]["operation"] == "copy" else None
        table(["operation", "on", "times", "ms each", "ms", "GB/s", "of a copy's", "TFLOP/s"],
              [[r["operation"], r["shape"], r["times"], short(r["seconds"] * 1e3), short(r["total"] * 1e3),
                short(r["gb_per_s"]), f"{r['gb_per_s'] / copy:.0%}" if copy else "-",
                short(r["tflop_per_s"]) if "tflop_per_s" in r else ""] for r in rows])
        print(f"\nAll: {short(sum(r['total'] for r in rows) * 1e3)} ms.")

    def tests(self, part):
        log = self.heading(part)
        runs = re.split(r"^\[doctest\] doctest version.*$", log, flags=re.M)[1:]
        for run in runs or [log] * bool(log):
            counts = [line for line in run.splitlines() if line.startswith("[doctest]") and "|" in line]
            for line in counts:
                print("- " + line.replace("[doctest] ", ""))
            if not counts:
                ended = len(re.findall(r"^[0-9.]+ s: ", run, re.M))
                print(f"- no count: it did not come to its end; {ended} tests had ended")
        for block in re.split(r"^=+$", log, flags=re.M):
            name = re.search(r"^TEST CASE:  (.*)", block, re.M)
            if name and "SIGTERM" in block:
                print(f"- ended by the time limit: {name[1]}")
            elif name and "ERROR" in block:
                print(f"- failed: {name[1]}")

    def sanitizers(self):
        for name, lines in sections(self.heading("sanitizers")).items():
            verdict = [line.strip("= ") for line in lines if "SUMMARY" in line]
            tests = [line for line in lines if line.startswith("[doctest] test cases")]
            ended = [line for line in lines if line.startswith("-- ended")]
            state = verdict[-1] if verdict else "no verdict: it did not come to its end"
            print(f"- {name}: {state}" + "".join("; " + line.replace("[doctest] ", "") for line in tests[-1:] + ended))

    def experiments(self, part):
        rows = []
        for name in sections(self.heading(part)):
            result = self.files.get(f"{part}/{name}/result.json")
            epochs = next((text for path, text in sorted(self.files.items())
                           if path.startswith(f"{part}/{name}/") and path.endswith("epochs.csv")), "")
            epochs = [e for e in csv.DictReader(io.StringIO(epochs)) if e.get("seconds")]
            seconds = short(sum(float(e["seconds"]) for e in epochs) / len(epochs), 3) if epochs else "-"
            best = max(epochs, key=lambda e: float(e["f1"]), default=None)
            best_text = f"{short(float(best['f1']))} (epoch {best['epoch']})" if best else "-"
            if result:
                r = json.loads(result)
                values = [r["precision"], r["recall"], r["f1"], r["accuracy"]]
                rows.append([name, *(short(v) for v in values), best_text, f"all {len(epochs)}", seconds])
            elif epochs:  # it was ended: the last epoch
                last = epochs[-1]
                rows.append([name, *(short(float(last[k])) for k in ("precision", "recall", "f1", "accuracy")),
                             best_text, f"{len(epochs)}, then ended", seconds])
            else:
                rows.append([name] + ["missing"] + ["-"] * 4 + ["0", "-"])
        if rows:
            table(["experiment", "precision", "recall", "F1", "accuracy", "best F1", "epochs", "s per epoch"], rows)

    def all(self):
        if not any(part + ".log" in self.files for part in PARTS):
            sys.exit("on_gpu.sh: these are no results of `tests/on_gpu.sh run`")
        print("# On a GPU")
        print("\n## Machine")
        self.machine()
        print("\n## Plans for convolutions")
        self.plans()
        print("\n## Speed, one process after the other")
        self.ours_and_pytorch("ours", "pytorch", "resnets")
        print("\n## Speed, alternating")
        self.printed_table("speed")
        print("\n## Operations of a training step")
        self.operations()
        print("\n## Threads of the CPU")
        self.printed_table("threads")
        print("\n## Tests")
        self.tests("tables")
        self.tests("gpu-tests")
        print("\n## compute-sanitizer")
        self.sanitizers()
        print("\n## The lectures' experiments")
        self.printed_table("experiments")
        print("\n## CIFAR-10-LT")
        self.printed_table("cifar10-lt")
        print("\n## Cats and dogs of CIFAR-10")
        self.experiments("cifar10")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: tests/on_gpu.sh report RESULTS, a folder or results.tar.gz")
    try:
        files = read(sys.argv[1])
    except (OSError, tarfile.TarError, EOFError) as error:
        sys.exit(f"on_gpu.sh: {sys.argv[1]}: {error}")
    Report(files).all()


if __name__ == "__main__":
    main()
