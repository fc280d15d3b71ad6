// Builds the parts of the page. What comes from AWS is put in as text (textContent), never as markup.

export const byId = (id) => document.getElementById(id);

export function element(kind, attributes, ...children) {
  const made = document.createElement(kind);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// Seconds in the largest unit that says enough, as the command line has them.
export function ago(seconds) {
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (seconds >= 2 * size) return `${Math.round(seconds / size)} ${unit}`;
  }
  return `${Math.max(0, Math.round(seconds))} s`;
}

export function clock(at, withDay) {
  const iso = new Date(at * 1000).toISOString();
  return `${withDay ? `${iso.slice(0, 10)} ` : ""}${iso.slice(11, 19)} UTC`;
}

export function pieces(parts) {
  return parts.map((each) => element("span", { class: each.how }, each.text));
}

export function drawPairs(pairs, chosen, notes) {
  const order = ["bad", "doubtful", "", "good"];
  const sorted = [...pairs].sort((a, b) => order.indexOf(a.how) - order.indexOf(b.how) || a.id.localeCompare(b.id));
  const lines = sorted.map((each) => element("li", {}, element("a",
    { href: `#${encodeURIComponent(each.id)}`, "aria-current": each.id === chosen ? "true" : "" },
    element("b", {}, each.pair),
    element("span", { class: `sentence ${each.how ? `dot ${each.how}` : "faint"}` }, each.sentence || "not read yet"),
    element("span", { class: "faint" }, `${each.stack} · ${each.region}`))));
  const alone = pairs.length < 2 && !notes.length;
  byId("pairs").hidden = alone;
  replaced("pairs", alone ? "" : [sorted, chosen, notes], () => [
    element("ul", {}, ...lines), ...notes.map((each) => element("p", { class: "note doubtful" }, each))]);
}

export function drawHead(view) {
  byId("headline").className = `dot ${view.how}`;
  text("headline", `${view.pair}: ${view.headline}`);
  text("meta", [`epoch ${view.epoch}`, view.mode && `mode ${view.mode}`, `stack ${view.stack} in ${view.region}`].filter(Boolean).join(" · "));
  const cause = view.cause || { sentence: view.in_order.sentence, command: "", see: "" };
  byId("why").className = view.cause || !view.in_order.good ? "" : "good";
  text("why", cause.sentence);
  byId("todo").hidden = !cause.command;
  text("next", cause.command);
  text("see", cause.see && `docs/operate.md, ${cause.see}`);
  document.title = `${view.pair}: ${view.headline}`;
}

export function drawServers(view) {
  replaced("servers", [view.columns, view.servers], () => [
    element("thead", {}, element("tr", {}, element("td", {}),
      ...view.servers.map((each) => element("th", { scope: "col" }, each.role)))),
    element("tbody", {}, ...view.columns.map((title, number) => element("tr", {},
      element("th", { scope: "row" }, title),
      ...view.servers.map((each) => element("td", { class: number ? "" : "strong" }, ...pieces(each.cells[number])))))),
  ]);
  replaced("facts", view.facts, () => view.facts.map((each) => element("div", {},
    element("dt", {}, each.about), element("dd", {}, ...pieces(each.said)))));
}

export function drawOthers(view) {
  byId("others").hidden = !view.others.length && !view.follows.length;
  byId("others-title").hidden = !view.others.length;
  replaced("others-list", view.others, () => view.others.map((each) => element("li", {}, each.sentence,
    ...(each.command ? [" ", element("code", {}, each.command)] : []),
    ...(each.see ? [element("span", { class: "faint" }, ` docs/operate.md, ${each.see}`)] : []))));
  text("follows", view.follows.length ? `Follows from it: ${view.follows.join(", ")}` : "");
}

export function drawReadiness(ready) {
  byId("ready").className = ready.how;
  const when = ready.at ? ` (checked ${clock(ready.at, true)})` : "";
  text("ready", `${ready.sentence}${when}`);
  const good = ready.checks.filter((each) => each.answer === "yes");
  const others = ready.checks.filter((each) => each.answer !== "yes");
  replaced("checks", others, () => others.map(check));
  byId("good").hidden = !good.length;
  text("good-count", good.length === 1 ? "1 check says yes" : `${good.length} checks say yes`);
  replaced("good-checks", good, () => good.map(check));
}

function check(each) {
  return element("li", {},
    element("span", {}, each.name),
    element("span", { class: each.how }, each.answer),
    element("span", { class: "sentence" }, each.sentence,
      ...(each.follows.length ? [element("span", { class: "faint" }, ` So these are not known: ${each.follows.join(", ")}.`)] : [])),
    ...(each.remedy ? [element("span", { class: "remedy" }, each.remedy)] : []));
}

export function drawHistory(history) {
  replaced("history", history, () => {
    if (history.error) return [element("li", { class: "doubtful" }, history.error)];
    if (!history.lines.length) return [element("li", { class: "faint" }, "The pair has no history yet.")];
    return history.lines.map(historyLine);
  });
}

function historyLine(line) {
  const took = line.took_s === null ? "" : ` in ${line.took_s.toFixed(1)} s`;
  return element("li", {},
    element("p", { class: "faint" }, `${clock(line.at, true)} · epoch ${line.epoch} · by ${line.by}`),
    element("p", {}, element("span", { class: "what" }, line.what), ...(line.outcome
      ? [": ", element("span", { class: `strong ${line.how}` }, line.outcome), took] : [])),
    ...(line.reason ? [element("p", {}, `Why: ${line.reason}`)] : []),
    element("p", {}, line.sentence),
    ...(line.served.length ? [element("p", {}, ...pieces(line.served))] : []));
}

// The change: a row for each step, its bar where and as long as it ran. `now` is in seconds since 1970.
export function drawChange(change, now) {
  byId("change").hidden = !change;
  if (!change) return;
  const running = change.state === "running";
  const until = (running ? now : change.now) - change.began;
  const span = Math.max(...change.steps.map((each) => (each.end === null ? until : each.end)), running ? until : 0, 0.001);
  replaced("change-title", [change.title, change.state], () => [
    running ? "The change that runs: " : "The last change: ", element("span", {}, change.title), " – ",
    element("span", { class: change.how }, change.state)]);
  text("change-sentence", change.sentence);
  text("span", `${span.toFixed(1)} s`);
  replaced("steps", change.steps, () => change.steps.map(stepRow));
  change.steps.forEach((step, number) => {
    const end = step.end === null ? until : step.end;
    const row = byId("steps").children[number];
    const bar = row.querySelector("i");
    bar.style.left = `${Math.min(99.5, 100 * Math.max(0, step.start) / span)}%`;
    bar.style.width = `${100 * Math.max(0, end - step.start) / span}%`;
    row.querySelector(".took").textContent = step.end === null ? `${Math.max(0, end - step.start).toFixed(0)} s …` : `${(end - step.start).toFixed(2)} s`;
  });
}

function stepRow(step) {
  const state = step.failed ? "failed" : step.end === null ? "open" : "";
  return element("li", { class: state },
    element("span", { class: "name" }, step.tries > 1 ? `${step.name} ×${step.tries}` : step.name),
    element("span", { class: "track" }, element("i", {})),
    element("span", { class: "took" }),
    ...(step.said ? [element("span", { class: "said" }, step.said)] : []));
}

function text(id, value) {
  const node = byId(id);
  if (node.textContent !== value) node.textContent = value;
  if (node.tagName === "P") node.hidden = !value;
}

// A part is built anew only when what it shows has changed: focus and selection stay where they are.
const shown = new Map();
function replaced(id, value, build) {
  const now = JSON.stringify(value);
  if (shown.get(id) === now) return;
  shown.set(id, now);
  byId(id).replaceChildren(...build());
}
