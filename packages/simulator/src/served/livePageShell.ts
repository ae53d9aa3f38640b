/**
 * The live page's document and style. Everything is in it or served next to it: nothing comes from another host.
 */

const style = `
:root {
  color-scheme: light dark;
  --ground: #f6f5f2; --paper: #ffffff; --ink: #1d2430; --soft: #5f6b7c; --line: #dfe2e6; --faint: #eceef0;
  --accent: #2456c9; --accent-ink: #ffffff;
  --calm: #12805c; --soon: #b06a00; --urgent: #c2302b; --fired: #a3231f; --fault: #b3321b; --fault-wash: #fbe9e4;
  --tooth: #12805c2e; --shadow: 0 1px 2px #1d24300f, 0 6px 20px #1d24300a;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
}
@media (prefers-color-scheme: dark) {
  :root:not([data-theme="light"]) {
    --ground: #0e131b; --paper: #171e29; --ink: #e8ecf2; --soft: #94a1b3; --line: #2a3444; --faint: #1e2734;
    --accent: #7aa5ff; --accent-ink: #0b1220;
    --calm: #3fcf9a; --soon: #f0b04a; --urgent: #ff7b72; --fired: #ff7b72; --fault: #ff9a7d; --fault-wash: #38201c;
    --tooth: #3fcf9a30; --shadow: 0 1px 2px #0006, 0 6px 20px #0004;
  }
}
:root[data-theme="dark"] {
  color-scheme: dark;
  --ground: #0e131b; --paper: #171e29; --ink: #e8ecf2; --soft: #94a1b3; --line: #2a3444; --faint: #1e2734;
  --accent: #7aa5ff; --accent-ink: #0b1220;
  --calm: #3fcf9a; --soon: #f0b04a; --urgent: #ff7b72; --fired: #ff7b72; --fault: #ff9a7d; --fault-wash: #38201c;
  --tooth: #3fcf9a30; --shadow: 0 1px 2px #0006, 0 6px 20px #0004;
}
:root[data-theme="light"] { color-scheme: light; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
h1, h2, h3, p, ul { margin: 0; padding: 0; }
ul { list-style: none; }
h1 { font-size: 17px; font-weight: 650; letter-spacing: -0.01em; }
h2 { font-size: 15px; font-weight: 650; }
a { color: var(--accent); }
code, .mono, time { font-family: var(--mono); font-size: 0.9em; }
main { max-width: 1360px; margin: 0 auto; padding: 20px; display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr) 340px; align-items: start; }
header { position: sticky; top: 0; z-index: 2; background: var(--paper); border-bottom: 1px solid var(--line); }
.bar { max-width: 1360px; margin: 0 auto; padding: 10px 20px; display: flex; flex-wrap: wrap; gap: 8px 18px; align-items: center; }
.brand { display: flex; gap: 10px; align-items: center; margin-right: auto; }
.brand small { display: block; color: var(--soft); font-size: 12px; line-height: 1.3; }
.brand svg { width: 30px; height: 30px; }
.time { display: flex; gap: 8px; align-items: center; flex-wrap: wrap; }
#now { font-size: 19px; font-variant-numeric: tabular-nums; min-width: 10.5ch; text-align: right; }
#pace { color: var(--soft); font-size: 13px; }
.pill { display: inline-block; padding: 1px 9px; border-radius: 99px; font-size: 12.5px; background: var(--faint); color: var(--soft); white-space: nowrap; }
#connection::before { content: ""; display: inline-block; width: 7px; height: 7px; border-radius: 50%; background: var(--urgent); margin-right: 6px; vertical-align: 1px; }
[data-connected="true"] #connection::before { background: var(--calm); }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow); padding: 16px; }
.wide { grid-column: 1 / -1; }
.head { display: flex; gap: 10px; align-items: baseline; justify-content: space-between; margin-bottom: 10px; flex-wrap: wrap; }
.head p, .hint { color: var(--soft); font-size: 13px; }
.row { display: flex; flex-wrap: wrap; gap: 8px; }
button, select, input {
  font: inherit; font-size: 14px; color: var(--ink); background: var(--paper); border: 1px solid var(--line);
  border-radius: 8px; padding: 5px 12px; min-height: 34px;
}
button { cursor: pointer; }
button:hover:not(:disabled) { border-color: var(--soft); }
button:active:not(:disabled) { transform: translateY(1px); }
button:disabled { opacity: 0.45; cursor: default; }
button.primary { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); font-weight: 600; }
button.primary[aria-pressed="true"] { background: var(--paper); color: var(--accent); }
button.quiet { padding: 1px 8px; min-height: 26px; font-size: 13px; color: var(--soft); background: none; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
#accounts, .watch { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); }
.account { display: grid; grid-template-columns: 168px minmax(0, 1fr); gap: 6px 22px; }
.dial { position: relative; width: 168px; height: 168px; grid-row: span 2; }
.ring { width: 100%; height: 100%; color: var(--soft); }
.ring circle { fill: none; stroke-width: 9; }
.ring .track { stroke: var(--faint); }
.ring .arc { stroke: currentColor; stroke-linecap: round; }
[data-urgency="calm"] .ring { color: var(--calm); }
[data-urgency="soon"] .ring { color: var(--soon); }
[data-urgency="urgent"] .ring { color: var(--urgent); }
[data-state="fired"] .ring .track { stroke: var(--fired); opacity: 0.35; }
.account:not([data-state="armed"]) .arc { visibility: hidden; }
.reading { position: absolute; inset: 0; display: grid; place-content: center; text-align: center; }
.left { font: 600 40px/1.05 var(--mono); font-variant-numeric: tabular-nums; letter-spacing: -0.03em; }
.unit { color: var(--soft); font-size: 13px; }
[data-state="fired"] .left, [data-state="fired"] .unit { color: var(--fired); }
.facts { display: grid; gap: 8px; align-content: center; min-height: 118px; }
.who { display: flex; gap: 10px; align-items: center; }
.who h2 { font: 600 18px/1.3 var(--mono); }
.state { padding: 1px 10px; border-radius: 99px; font-size: 13px; font-weight: 600; background: var(--faint); color: var(--soft); }
[data-state="armed"] .state { color: var(--calm); }
[data-state="armed"][data-urgency="soon"] .state { color: var(--soon); }
[data-state="armed"][data-urgency="urgent"] .state { color: var(--urgent); }
[data-state="fired"] .state { background: var(--fired); color: var(--paper); }
.why { color: var(--soft); font-size: 14px; max-width: 60ch; }
.orders { grid-column: 1 / -1; margin-top: 8px; border-top: 1px solid var(--line); max-height: 232px; overflow: auto; }
.orders:empty { display: none; }
.orders li { display: flex; gap: 12px; align-items: center; padding: 5px 2px; border-bottom: 1px solid var(--faint); font-size: 14px; }
.orders .side { width: 4ch; font-weight: 600; }
.side.buy { color: var(--calm); } .side.sell { color: var(--urgent); }
.orders .what, .orders .price { font-family: var(--mono); font-size: 13px; }
.orders .age { margin-left: auto; color: var(--soft); font-size: 13px; }
.none { grid-column: 1 / -1; color: var(--soft); font-size: 14px; padding-top: 6px; }
.break { display: grid; gap: 14px; position: sticky; top: 74px; }
.break h3 { font-size: 13px; font-weight: 600; color: var(--soft); margin-bottom: 6px; }
.toggles { display: grid; grid-template-columns: 1fr 1fr; gap: 8px; }
.toggles button { text-align: left; }
.toggles .whole { grid-column: 1 / -1; }
[data-fault][aria-pressed="true"], #maintenance[aria-pressed="true"] { background: var(--fault-wash); border-color: var(--fault); color: var(--fault); font-weight: 600; }
#faults li { display: flex; gap: 8px; align-items: center; padding: 4px 0; }
#faults code { overflow-wrap: anywhere; color: var(--fault); }
#faults .count { margin-left: auto; color: var(--soft); font-size: 12.5px; white-space: nowrap; }
#custom { display: flex; gap: 8px; }
#custom input { flex: 1; min-width: 0; font-family: var(--mono); font-size: 13px; }
#timeline { display: block; width: 100%; }
#timeline text { font-size: 11px; fill: var(--soft); font-family: system-ui, sans-serif; }
#timeline .lane { font: 600 12px var(--mono); fill: var(--ink); }
#timeline .grid { stroke: var(--faint); } #timeline .base { stroke: var(--line); }
#timeline .tooth { fill: var(--tooth); stroke: var(--calm); stroke-width: 1.25; stroke-linejoin: round; }
#timeline .beat circle { fill: var(--calm); } #timeline .beat.waits circle { fill: var(--soft); }
#timeline .beat path { stroke: var(--urgent); stroke-width: 2; fill: none; stroke-linecap: round; }
#timeline .beat.deaf path { stroke: var(--soon); } #timeline .beat.refused path { stroke: var(--soon); }
#timeline .span { fill: var(--fault); opacity: 0.11; } #timeline .span.maintenance { fill: var(--soon); }
#timeline .span-label { fill: var(--fault); } #timeline .span-label.maintenance { fill: var(--soon); }
#timeline .fire line { stroke: var(--fired); stroke-width: 2; } #timeline .fire text { fill: var(--fired); font-weight: 650; font-size: 12px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; color: var(--soft); font-size: 12.5px; }
.legend b { font-weight: 600; } .legend .g { color: var(--calm); } .legend .r { color: var(--urgent); } .legend .o { color: var(--soon); }
.scroll { overflow: auto; max-height: 420px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th { position: sticky; top: 0; background: var(--paper); text-align: left; font-weight: 600; color: var(--soft); padding: 4px 10px 6px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
td { padding: 4px 10px 4px 0; border-bottom: 1px solid var(--faint); white-space: nowrap; }
td.when, td.whose, td.step, td.faults { font-family: var(--mono); font-size: 12.5px; }
td.never::after { content: "×"; color: var(--urgent); } tr[data-kind="waits"] td.never::after { content: "…"; color: var(--soft); }
td.faults { color: var(--fault); }
.pill.good { color: var(--calm); } .pill.refused { color: var(--soon); } .pill.lost { color: var(--urgent); }
.command { display: flex; gap: 10px; align-items: center; }
.command code { flex: 1; overflow: auto; white-space: nowrap; padding: 7px 10px; background: var(--faint); border-radius: 8px; }
#problem { color: var(--urgent); margin-top: 8px; white-space: pre-wrap; font-family: var(--mono); font-size: 12.5px; }
kbd { font: 12px var(--mono); border: 1px solid var(--line); border-bottom-width: 2px; border-radius: 5px; padding: 0 5px; background: var(--faint); }
.keys { color: var(--soft); font-size: 13px; display: flex; flex-wrap: wrap; gap: 4px 16px; }
footer { max-width: 1360px; margin: 0 auto; padding: 0 20px 28px; display: flex; flex-wrap: wrap; gap: 8px 24px; justify-content: space-between; align-items: center; }
footer nav { display: flex; gap: 16px; font-size: 13.5px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
@media (max-width: 960px) { main { grid-template-columns: minmax(0, 1fr); } .break { position: static; } }
@media (max-width: 560px) {
  main { padding: 12px; } .account { grid-template-columns: minmax(0, 1fr); justify-items: center; }
  .facts, .orders, .none { width: 100%; } .dial { grid-row: auto; } .who { justify-content: center; } .why { text-align: center; } .row { justify-content: center; }
}
`

export const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="12" fill="none" ' +
  'stroke="#12805c" stroke-width="5" stroke-dasharray="56 100" transform="rotate(-90 16 16)"/></svg>'

const faults: ReadonlyArray<readonly [fault: string, label: string, title: string, wide?: true]> = [
  ["partition", "Cut the network", "Nothing gets through, in either direction", true],
  ["partition-request", "Cut requests", "The venue hears nothing; what it sends still arrives"],
  ["partition-answer", "Cut answers", "The venue hears and obeys; the bot hears nothing"],
  ["delay-request;by=2s", "Delay by 2 s", "Requests reach the venue two seconds late"],
  ["refuse-connection", "No connection", "Connections break at once"],
  ["rate-limit", "Answer 429", "Too many requests, whatever their number"],
  ["status;status=502", "Answer 502", "A gateway's page in place of the venue"],
  ["truncated-body", "Cut bodies short", "Only the first 20 characters of an answer arrive"]
]

/** The document; its scripts are served below `/_sim/page/`. */
export const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Simulated exchange: dead man's switch</title>
<link rel="icon" href="/favicon.ico" type="image/svg+xml">
<style>${style}</style>
<script type="module" src="/_sim/page/main.js"></script>
</head>
<body data-connected="false">
<header><div class="bar">
  <div class="brand">
    <svg viewBox="0 0 32 32" aria-hidden="true"><circle cx="16" cy="16" r="12" fill="none" stroke="var(--faint)" stroke-width="5"/><circle cx="16" cy="16" r="12" fill="none" stroke="var(--calm)" stroke-width="5" stroke-linecap="round" stroke-dasharray="52 100" transform="rotate(-90 16 16)"/></svg>
    <div><h1>Dead man's switch</h1><small>a simulated Bitget, to break by hand</small></div>
  </div>
  <div class="time" role="group" aria-label="The exchange's clock">
    <time id="now" aria-label="The exchange's time">–</time>
    <span id="pace"></span>
    <label><span class="unseen">How time passes</span>
      <select id="mode"><option value="real">real time</option><option value="scaled">10 times as fast</option><option value="manual">stands still</option><option value="auto">jumps ahead</option></select>
    </label>
    <button type="button" data-advance="1000">+1 s</button>
    <button type="button" data-advance="5000">+5 s</button>
    <button type="button" data-advance="30000">+30 s</button>
  </div>
  <span class="pill" id="connection" role="status">connecting</span>
  <button type="button" class="quiet" id="theme">Theme: auto</button>
</div></header>
<main>
  <div class="watch">
  <section aria-label="Accounts" id="accounts"></section>
  <section class="card" aria-labelledby="timeline-title">
    <div class="head"><h2 id="timeline-title">The last minute</h2>
      <p class="legend"><span><b class="g">●</b> answered</span><span><b class="o">×</b> bot not told that it worked</span><span><b class="r">×</b> lost</span><span>filled: time left on the countdown</span></p></div>
    <svg id="timeline" role="img" aria-label="Countdown, beats, faults and firings of the last minute"></svg>
  </section>
  </div>
  <aside class="card break" aria-label="Break the network">
    <div class="head" style="margin:0"><h2>Break the network</h2><button type="button" id="heal" disabled>Heal all</button></div>
    <div class="toggles">
      ${faults
        .map(
          ([fault, label, title, wide]) =>
            `<button type="button" data-fault="${fault}" aria-pressed="false" title="${title}"${wide ? ' class="whole"' : ""}>${label}</button>`
        )
        .join("\n      ")}
      <button type="button" id="maintenance" aria-pressed="false" title="A release of the venue: it answers 45001">Release, 15 s</button>
    </div>
    <form id="custom"><label class="unseen" for="custom-fault">Any fault, in the grammar for faults</label>
      <input id="custom-fault" placeholder="drop-answer;after=2;times=3" autocomplete="off" spellcheck="false" required>
      <button type="submit">Add</button>
    </form>
    <div><h3>In force</h3><p class="hint" id="healthy">Nothing: every request and every answer arrives.</p><ul id="faults"></ul></div>
  </aside>
  <section class="card wide" aria-labelledby="log-title">
    <div class="head"><h2 id="log-title">Requests</h2><p id="skipped"></p></div>
    <div class="scroll" tabindex="0" aria-label="Requests, newest first"><table>
      <thead><tr><th>Sent</th><th>Account</th><th>Call</th><th>Arrived</th><th>Applied</th><th>Answered</th><th>Received</th><th>Result</th><th>Met by</th></tr></thead>
      <tbody id="log"></tbody>
    </table></div>
    <p class="hint" id="quiet">No request yet. Point a bot's base URL at <code id="base">this address</code>, or start the demo bot.</p>
  </section>
  <section class="card wide" aria-labelledby="command-title">
    <div class="head"><h2 id="command-title">The same from a terminal</h2><p>Every button is one call of the control API. This was the last one.</p></div>
    <div class="command"><code id="curl">press a button</code><button type="button" id="copy">Copy</button></div>
    <p id="problem" role="alert" hidden></p>
  </section>
</main>
<footer>
  <p class="keys"><span><kbd>s</kbd> demo bot</span><span><kbd>b</kbd> beat</span><span><kbd>o</kbd> order</span><span><kbd>c</kbd> cut the network</span><span><kbd>h</kbd> heal</span><span><kbd>.</kbd> one second on</span></p>
  <nav><a data-guarded href="/_sim/timeline">Whole timeline</a><a data-guarded href="/_sim/journal.ndjson">Journal</a><a href="/_sim/docs">Control API</a><a href="/_sim/openapi.json">OpenAPI</a></nav>
</footer>
<p class="unseen" id="news" role="alert"></p>
</body>
</html>
`
