"""Checks the files of the dashboards: their form, their expressions and their layout.

    lint.py             prints each fault; exit code 1 if there is one
    lint.py --faults    plants a fault of each kind, and prints the kinds that were not found; exit code 1 if there is one
"""

import copy
import itertools
import json
import re
import sys
from pathlib import Path

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

import promql

ROOT = Path(__file__).parents[2]
GRAFANA = ROOT / "configs/grafana"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
GRID_WIDTH = 24
# Fields of annotations that Grafana's Prometheus data source reads, and that the models do not have.
UNMODELLED = {"titleFormat"}
UNITS = {value for name, value in vars(units).items() if not name.startswith("_")}
# Functions of the increase of a counter.
OF_COUNTERS = {"rate", "increase", "irate"}
PARTS_OF_HISTOGRAM = ("_bucket", "_count", "_sum")


def dashboards():
    return {path.name: json.loads(path.read_text()) for path in sorted((GRAFANA / "dashboards").glob("*.json"))}


def graphs(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions(dashboard):
    """Of the annotations and of the panels, each with what it is of."""
    for one in dashboard["annotations"]["list"]:
        yield one["name"], one["expr"]
    for panel in graphs(dashboard):
        yield from ((panel.get("title", ""), target["expr"]) for target in panel["targets"])


def kinds():
    """The kind of each metric in docs/METRICS.md."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", (ROOT / "docs/METRICS.md").read_text(), re.MULTILINE)
    return dict(rows)


def is_counter(metric, known):
    """Whether it is documented as one, or as a part of a histogram; of a metric that is not documented, what its name says."""
    family = next((metric.removesuffix(part) for part in PARTS_OF_HISTOGRAM
                   if known.get(metric.removesuffix(part)) == "histogram"), None)
    if family or metric in known:
        return bool(family) or known[metric] == "counter"
    return metric.endswith(("_total", *PARTS_OF_HISTOGRAM))


def lost_fields(before, after, path=""):
    """Fields that a model did not read, because Grafana does not know them."""
    if isinstance(before, dict):
        for name, value in before.items():
            if name not in UNMODELLED:
                yield from lost_fields(value, after[name], f"{path}.{name}") if name in (after or {}) else [f"{path}.{name}"]
    elif isinstance(before, list):
        for number, pair in enumerate(itertools.zip_longest(before, after or [])):
            yield from lost_fields(*pair, f"{path}[{number}]")


def of_form(dashboard):
    read = json.loads(json.dumps(Dashboard.from_json(copy.deepcopy(dashboard)), cls=JSONEncoder))
    yield from (f"unknown field {path}" for path in lost_fields(dashboard, read))
    wanted = {"refresh": "30s", "timezone": "browser", "schemaVersion": 39}
    yield from (f"{name} is not {value}" for name, value in wanted.items() if dashboard.get(name) != value)
    if not dashboard.get("uid") or not dashboard.get("tags"):
        yield "no uid, or no tags"
    variables = {one["name"]: one for one in dashboard["templating"]["list"]}
    if variables.get("datasource", {}).get("type") != "datasource":
        yield "no variable of the data source"
    texts = json.dumps([dashboard["panels"], dashboard["annotations"]])
    yield from (f"the variable {name} is not used" for name in variables if f"${name}" not in texts and f"${{{name}}}" not in texts)


def of_panel(panel, headings):
    title = panel.get("title") or f"panel {panel['id']}"
    yield from (f"{title}: no {member}" for member in ("title", "description") if not panel.get(member))
    overrides = [one["value"] for rule in panel["fieldConfig"]["overrides"] for one in rule["properties"] if one["id"] == "unit"]
    yield from (f"{title}: unknown unit {unit}" for unit in [panel["fieldConfig"]["defaults"].get("unit"), *overrides] if unit not in UNITS)
    for place in [panel, *panel["targets"]]:
        if place.get("datasource") != SOURCE:
            yield f"{title}: not the data source of the variable"
    for link in panel.get("links", []):
        heading = link["url"].partition("#")[2]
        if headings is not None and heading not in headings:
            yield f"{title}: docs/runbook.md has no heading {heading}"


def of_layout(dashboard):
    ids = [panel["id"] for panel in dashboard["panels"]]
    yield from (f"id {one} is not unique" for one in {one for one in ids if ids.count(one) > 1})
    places = [(panel.get("title", ""), panel["gridPos"]) for panel in dashboard["panels"]]
    for title, place in places:
        if place["x"] + place["w"] > GRID_WIDTH:
            yield f"{title}: beyond the grid"
    for (one, a), (other, b) in itertools.combinations(places, 2):
        if a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]:
            yield f"{one}: overlaps {other}"


def of_expressions(dashboard, known):
    for title, expression in expressions(dashboard):
        try:
            node = promql.parsed(expression)
        except ValueError as error:
            yield f"{title}: {error}"
            continue
        for one in promql.selectors(node):
            counter = is_counter(one.metric, known)
            if one.function == "rate" and one.range != promql.RATE_INTERVAL:
                yield f"{title}: the rate of {one.metric} is not over $__rate_interval"
            if one.function in OF_COUNTERS and not counter:
                yield f"{title}: {one.function} of {one.metric}, which is no counter"
            if counter and one.function not in OF_COUNTERS:
                yield f"{title}: {one.metric} is a counter without a rate"


def headings():
    """Of docs/runbook.md as fragments of links; `None` where there is no such page."""
    page = ROOT / "docs/runbook.md"
    found = page.exists() and re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {text.strip("` ").lower().replace(" ", "-") for text in found} if found is not False else None


def faults(found):
    known, in_runbook = kinds(), headings()
    for name, dashboard in found.items():
        of_panels = itertools.chain.from_iterable(of_panel(panel, in_runbook) for panel in graphs(dashboard))
        for fault in itertools.chain(of_form(dashboard), of_panels, of_layout(dashboard), of_expressions(dashboard, known)):
            yield f"{name}: {fault}"
    uids = [dashboard.get("uid") for dashboard in found.values()]
    if len(set(uids)) < len(uids):
        yield "two dashboards have one uid"
    yield from of_provisioning(yaml.safe_load((GRAFANA / "provisioning/datasources/datasources.yml").read_text())["datasources"])


def of_provisioning(sources):
    uids = {source.get("uid") for source in sources}
    if not {"prometheus", "loki", "jaeger"} <= uids:
        yield "provisioning: a data source has no fixed uid"
    for uid in re.findall(r'"datasourceUid": "(\w+)"', json.dumps(sources)):
        if uid not in uids:
            yield f"provisioning: no data source {uid}"


# Each changes a dashboard, or a panel of it, and is a fault that contains the text.
PLANTED = [
    ("unknown field .panels[0].fieldConfig.defaults.custom.lineWeight",
     lambda dashboard, panel: panel["fieldConfig"]["defaults"]["custom"].update(lineWeight=1)),
    ("unknown field .legends", lambda dashboard, panel: dashboard.update(legends=[])),
    ("refresh is not", lambda dashboard, panel: dashboard.update(refresh="5s")),
    ("no uid", lambda dashboard, panel: dashboard.pop("uid")),
    ("no variable of the data source", lambda dashboard, panel: dashboard["templating"]["list"].pop(0)),
    ("the variable job is not used", lambda dashboard, panel: dashboard["templating"]["list"].append({"type": "query", "name": "job"})),
    ("no title", lambda dashboard, panel: panel.pop("title")),
    ("no description", lambda dashboard, panel: panel.update(description="")),
    ("unknown unit millis", lambda dashboard, panel: panel["fieldConfig"]["defaults"].update(unit="millis")),
    ("not the data source", lambda dashboard, panel: panel["targets"][0].update(datasource={"type": "prometheus", "uid": "P1809F7CD0C75ACF3"})),
    ("id 1 is not unique", lambda dashboard, panel: dashboard["panels"][1].update(id=1)),
    ("beyond the grid", lambda dashboard, panel: panel["gridPos"].update(w=25)),
    ("overlaps", lambda dashboard, panel: dashboard["panels"][1]["gridPos"].update(x=1)),
    ("unclosed left parenthesis", lambda dashboard, panel: panel["targets"][0].update(expr="sum(")),
    ("not over $__rate_interval", lambda dashboard, panel: panel["targets"][0].update(expr="rate(investiq_http_requests_total[5m])")),
    ("which is no counter", lambda dashboard, panel: panel["targets"][0].update(expr="rate(investiq_api_keys[$__rate_interval])")),
    ("is a counter without a rate", lambda dashboard, panel: panel["targets"][0].update(expr="sum(investiq_http_requests_total)")),
]


def main():
    found = dashboards()
    if sys.argv[1:] == ["--faults"]:
        missed = []
        for text, plant in PLANTED:
            changed = copy.deepcopy(found["rail-backend-overview.json"])
            plant(changed, changed["panels"][0])
            if not any(text in fault for fault in faults({"changed": changed})):
                missed.append(text)
        without_uid = list(of_provisioning([{"uid": "prometheus"}]))
        sys.exit(f"not found: {missed}, {without_uid}" if missed or not without_uid else 0)
    found = list(faults(found))
    print("\n".join(found))
    sys.exit(1 if found else 0)


register_default_plugins()
if __name__ == "__main__":
    main()
