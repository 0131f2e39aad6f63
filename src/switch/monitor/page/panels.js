'use strict';
// The head of the page, its alarms and its latencies.

function banner(kind, text) {
  return element('p', {class: kind}, text);
}

/// What an operator must know first; `stale`: since when nothing has come, or 0.
function drawBanners(state, stale) {
  const list = [];
  if (stale) list.push(banner('bad', `Stale since ${clockText(stale)}: the daemon does not answer. Trying again.`));
  if (state) {
    if (state.observes) {
      list.push(banner('calm', 'Observing: the daemon decides and writes nothing to the switch. ' +
        'Circuits are drawn as they would be.'));
    }
    if (state.device_silent) list.push(banner('bad', 'The switch is silent. Circuits stay as they are.'));
    if (state.held) list.push(banner('warn', 'Held: nothing is commanded.'));
    if (!state.healthy) list.push(banner('bad', `Not well: ${state.why}.`));
    else if (!state.ready) list.push(banner('warn', `Not ready: ${state.why}.`));
    else if (!list.length) list.push(banner('good', 'Ready.'));
  }
  // Told by screen readers: only what is new.
  const host = place('banners');
  if (host.textContent !== list.map((one) => one.textContent).join('')) host.replaceChildren(...list);
}

function drawHead(state) {
  place('name').textContent = state.region;
  document.title = `${state.region} – MixNet region`;
  const lit = state.circuits.filter((one) => one.state !== 'coming').length;
  const facts = [
    ['Switch', state.switch], ['Mode', state.observes ? 'observe' : 'act'],
    ['Servers', countText(state.servers.length)], ['Circuits', countText(lit)],
    ['Tenants', countText(state.tenants.length)],
    ['Policy', state.policy], ['Allocator', state.allocator],
    ['Commands', countText(state.totals.commands) +
      (state.totals.failed_commands ? ` (${countText(state.totals.failed_commands)} not as asked)` : '')],
    ['Ports moved', countText(state.totals.ports_moved)], ['Dark time', secondsText(state.totals.dark_seconds)],
    ['Version', state.version], ['Last change', clockText(state.at_ms)]];
  place('facts').replaceChildren(...facts.map(([name, value]) =>
    element('div', {}, element('dt', {}, name), element('dd', {}, value))));
}

const MOST_ALARMS = 50;
let alarmsDrawn = '';

function drawAlarms(state) {
  const key = JSON.stringify(state.alarms);
  if (key === alarmsDrawn) return;
  alarmsDrawn = key;
  const latest = state.alarms.slice(-MOST_ALARMS).reverse();
  place('alarms').replaceChildren(latest.length === 0 ?
    element('p', {class: 'note'}, 'None since the daemon began.') :
    element('ul', {class: 'alarms', tabindex: 0, 'aria-label': 'Alarms, the latest first'}, latest.map((alarm) =>
      element('li', {class: alarm.severity},
          element('div', {class: 'what'}, alarm.text),
          element('div', {}, alarm.advice),
          element('div', {class: 'meta'},
              element('time', {datetime: new Date(alarm.at_ms).toISOString()}, clockText(alarm.at_ms)),
              ` ${alarm.severity}${alarm.tenant ? `, tenant ${alarm.tenant}` : ''}, ` +
              `docs/alarms.md#${alarm.code}`)))));
}

function latencyBars(latency, width) {
  const {counts, bounds_seconds: bounds} = latency;
  const most = Math.max(1, ...counts);
  const [high, foot] = [90, 20];
  const step = width / counts.length;
  const label = (i) => secondsText(bounds[i]).replace(/\.\d+/, '');
  return drawing('svg', {viewBox: `0 0 ${width} ${high + foot}`, width, height: high + foot, role: 'img',
    'aria-label': 'How often a reconfiguration took how long, of the latest 1,000'},
  counts.map((count, i) => drawing('rect', {class: 'bar', x: i * step + 1, width: Math.max(1, step - 2),
    y: high - Math.round(count / most * (high - 12)), height: Math.round(count / most * (high - 12))},
  drawing('title', {}, `${i === 0 ? 'up to' : i < bounds.length ? `${secondsText(bounds[i - 1])} to` : 'over'} ` +
    `${secondsText(bounds[Math.min(i, bounds.length - 1)])}: ${countText(count)}`))),
  drawing('path', {class: 'axis', d: `M0 ${high}H${width}`}),
  bounds.map((_, i) => i % Math.ceil(52 / step) !== 0 ? null :
    drawing('text', {x: (i + 1) * step, y: high + 14, 'text-anchor': 'middle', class: 'soft'}, label(i))));
}

const STAGES = {
  decide: 'event to decision', store: 'to disk', hand: 'to the driver', send: 'to the switch',
  switch: 'the switch moves', verify: 'read back, links up', announce: 'announced', total: 'all of it'};
let latencyDrawn = '';

function drawLatency(state) {
  const host = place('latency');
  const width = Math.min(host.clientWidth || 320, 560);
  const key = JSON.stringify([width, state.latency]);
  if (key === latencyDrawn) return;
  latencyDrawn = key;
  const total = state.latency.stages.find((one) => one.stage === 'total');
  const stages = Object.keys(STAGES).map((name) => state.latency.stages.find((one) => one.stage === name));
  const time = (stage, seconds) => stage.count ? secondsText(seconds) : '–';
  host.replaceChildren(
      element('p', {}, total.count === 0 ? 'No reconfiguration since the daemon began.' :
        `${plural(total.count, 'reconfiguration', 'reconfigurations')}, from an event to the new topology: ` +
        `half of the latest within ${secondsText(total.p50_seconds)}, 99 % within ${secondsText(total.p99_seconds)}.`),
      total.count === 0 ? '' : latencyBars(state.latency, width),
      plainTable('Stages, of the latest 1,000',
          [{title: 'Stage'}, {title: 'Times', number: true}, {title: 'p50', number: true},
            {title: 'p99', number: true}],
          stages.map((one) => [`${one.stage}: ${STAGES[one.stage]}`, countText(one.count),
            time(one, one.p50_seconds), time(one, one.p99_seconds)])));
}
