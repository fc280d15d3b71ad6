// Asks for the state again and again, draws it, and sends what a person asks for.
import { ago, byId, clock, drawChange, drawHead, drawHistory, drawOthers, drawPairs, drawReadiness, drawServers, element } from "./drawing.js";

const KEY = "X-Failoverctl-Key";
const AGAIN_MS = 1000;
const TICK_MS = 250;
const STORED = "key";

let key = sessionStorage.getItem(STORED) || "";
let state = null;
let receivedAt = 0;
let asking = null;
let proposed = "";

// A fragment is a token or the id of the pair that is looked at; a token leaves the address at once.
async function begin() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    history.replaceState(null, "", location.pathname);
    const answer = await sent("/api/session", { token });
    if (answer.error) return failed(answer.error);
    key = answer.key;
    sessionStorage.setItem(STORED, key);
  }
  return ask();
}

const chosen = () => decodeURIComponent(location.hash.slice(1));

// While nobody can see the page, it asks for nothing, and nothing is asked of AWS.
async function ask() {
  if (asking || document.hidden) return;
  asking = new AbortController();
  const after = state ? state.version : -1;
  const query = new URLSearchParams({ id: chosen(), after });
  let wait = 0;
  try {
    const answer = await fetch(`/api/state?${query}`, { headers: { [KEY]: key }, signal: asking.signal });
    const found = await answer.json();
    if (found.error && !answer.ok) {
      failed(found.error);
      if (answer.status === 401) return;
      wait = AGAIN_MS;
    } else {
      state = found;
      receivedAt = performance.now();
      draw();
    }
  } catch (error) {
    if (error.name !== "AbortError") {
      failed("failoverctl does not answer: it has ended, or this machine can't be reached. What is shown is of before.");
      wait = AGAIN_MS;
    }
  } finally {
    asking = null;
  }
  setTimeout(ask, wait);
}

async function sent(path, what) {
  try {
    const answer = await fetch(path, {
      method: "POST", headers: { "Content-Type": "application/json", [KEY]: key }, body: JSON.stringify(what),
    });
    return await answer.json();
  } catch {
    return { error: "failoverctl does not answer: whether that was started is not known. Ask: failoverctl status" };
  }
}

function failed(sentence) {
  byId("error").hidden = !sentence;
  byId("error").textContent = sentence;
  if (sentence && !state) byId("empty").hidden = true;
}

const sinceReceived = () => (performance.now() - receivedAt) / 1000;

function draw() {
  failed(state.error);
  drawPairs(state.pairs, chosen(), state.notes);
  const view = state.pair;
  byId("pair").hidden = !view;
  byId("empty").hidden = Boolean(view || state.error);
  byId("empty").textContent = state.pairs.length && !chosen() ? "Choose a pair." : "Reading …";
  if (!view) return;
  drawHead(view);
  drawServers(view);
  drawOthers(view);
  drawReadiness(view.readiness);
  drawHistory(view.history);
  drawActions(view);
  tick();
}

// Between two states: the bars that run, and how old what is shown is.
function tick() {
  if (!state || !state.pair) return;
  const { at, change } = state.pair;
  const age = sinceReceived();
  const old = age > 3 * state.every_s + 10 ? `, ${ago(age)} ago` : "";
  byId("kicker").textContent = `failoverctl · read at ${clock(at)}${old}`;
  drawChange(change, change ? change.now + age : 0);
}

function drawActions(view) {
  byId("read-only").hidden = state.allow_actions;
  byId("act").hidden = !state.allow_actions;
  byId("done").textContent = state.done ? state.done.sentence : "";
  if (!state.allow_actions) return;
  const select = byId("action");
  if (!select.options.length) select.append(...state.verbs.map((each) => element("option", {}, each)));
  // What is proposed is chosen once, and a person's own choice stays.
  const { verb, target } = view.cause || { verb: "", target: "" };
  if (`${verb} ${target}` !== proposed && state.verbs.includes(verb)) {
    proposed = `${verb} ${target}`;
    select.value = verb;
    byId("target").value = target;
  }
  byId("reason").maxLength = state.reason_at_most;
  byId("name").textContent = view.pair;
  byId("warning").textContent = view.warnings[select.value] || "";
  byId("by").required = select.value === "force";
}

async function act(event) {
  event.preventDefault();
  const go = byId("go");
  go.disabled = true;
  byId("said").className = "faint";
  byId("said").textContent = "Asking …";
  const answer = await sent("/api/act", {
    id: state.pair.id, action: byId("action").value, target: byId("target").value, reason: byId("reason").value,
    by: byId("by").value, pair: byId("typed").value, dry_run: byId("dry").checked,
  });
  byId("said").className = answer.error ? "bad" : "good";
  byId("said").textContent = answer.error || answer.sentence;
  byId("typed").value = "";
  go.disabled = false;
}

async function copy() {
  await navigator.clipboard.writeText(byId("next").textContent).catch(() => {});
  byId("copy").textContent = "Copied";
  setTimeout(() => { byId("copy").textContent = "Copy"; }, 2000);
}

byId("act").addEventListener("submit", act);
byId("skip").addEventListener("click", (event) => { event.preventDefault(); byId("main").focus(); });
byId("action").addEventListener("change", () => state && state.pair && drawActions(state.pair));
byId("copy").addEventListener("click", copy);
document.addEventListener("visibilitychange", ask);
window.addEventListener("hashchange", () => {
  state = null;
  if (asking) asking.abort();
  ask();
});
setInterval(tick, TICK_MS);
begin();
