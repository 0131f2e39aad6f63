'use strict';
// The demand of one tenant: servers that send down, servers that receive across, darker for more. A
// frame marks pairs that have a circuit.

let chosenTenant = null;

/// Rows and columns of the map: what stands for one of them, and which servers are in it.
function groupsOf(tenant) {
  const {group, cells} = tenant.demand;
  return Array.from({length: cells}, (_, i) => tenant.servers.slice(i * group, (i + 1) * group));
}

function groupName(state, servers) {
  const name = (server) => state.servers[server].name;
  return servers.length === 1 ? name(servers[0]) : `${name(servers[0])} to ${name(servers[servers.length - 1])}`;
}

/// Of rows and columns: "i j" of those with a circuit between them.
function joinedCells(state, tenant, groups) {
  const cell = new Map();
  groups.forEach((servers, i) => servers.forEach((server) => cell.set(server, i)));
  const ports = portsOf(state);
  const joined = new Set();
  for (const circuit of state.circuits) {
    if (circuit.state === 'coming' || !ports.has(circuit.a) || !ports.has(circuit.b)) continue;
    const [a, b] = [circuit.a, circuit.b].map((port) => cell.get(ports.get(port).server));
    if (a !== undefined && b !== undefined) joined.add(`${a} ${b}`).add(`${b} ${a}`);
  }
  return joined;
}

function drawMap(canvas, tenant, joined) {
  const {cells, bytes} = tenant.demand;
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const side = canvas.width / cells;
  const context = canvas.getContext('2d');
  const most = Math.max(1, ...bytes);
  context.fillStyle = colour('--paper');
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < cells; ++i) {
    for (let j = 0; j < cells; ++j) {
      // The root, so that small demands are seen beside large ones.
      context.globalAlpha = Math.sqrt(bytes[i * cells + j] / most);
      context.fillStyle = colour('--accent');
      context.fillRect(j * side, i * side, side, side);
    }
  }
  context.globalAlpha = 1;
  context.strokeStyle = colour('--ink');
  context.lineWidth = Math.max(1, Math.min(2, side / 8));
  const inset = context.lineWidth / 2;
  for (const key of joined) {
    const [i, j] = key.split(' ').map(Number);
    context.strokeRect(j * side + inset, i * side + inset, side - 2 * inset, side - 2 * inset);
  }
  context.strokeStyle = colour('--rule');
  context.lineWidth = 1;
  context.strokeRect(.5, .5, canvas.width - 1, canvas.height - 1);
}

function pairWords(state, tenant, groups, joined, i, j) {
  const bytes = tenant.demand.bytes[i * tenant.demand.cells + j];
  return `${groupName(state, groups[i])} sends ${groupName(state, groups[j])} ${bytesText(bytes)}, ` +
    (joined.has(`${i} ${j}`) ? 'by circuit' : 'without a circuit');
}

function heatMap(state, tenant, width) {
  const groups = groupsOf(tenant);
  const joined = joinedCells(state, tenant, groups);
  const {cells, bytes} = tenant.demand;
  const shown = Math.min(width, 400);
  const ratio = window.devicePixelRatio || 1;
  const side = Math.max(1, Math.floor(shown * ratio / cells));
  const total = bytes.reduce((sum, one) => sum + one, 0);
  const canvas = element('canvas', {width: side * cells, height: side * cells, role: 'img',
    'aria-label': `Demand of tenant ${tenant.tenant}: ${bytesText(total)} in all; the busiest pairs stand in the table`});
  canvas.style.width = canvas.style.height = `${side * cells / ratio}px`;
  drawMap(canvas, tenant, joined);
  const detail = element('p', {class: 'detail'}, 'Rows send, columns receive; a frame marks a circuit.');
  const tell = (event) => {
    const box = canvas.getBoundingClientRect();
    const cell = (at, from, span) => Math.min(cells - 1, Math.max(0, Math.floor((at - from) / span * cells)));
    detail.textContent = pairWords(state, tenant, groups, joined,
        cell(event.clientY, box.top, box.height), cell(event.clientX, box.left, box.width));
  };
  canvas.addEventListener('pointermove', tell);
  canvas.addEventListener('pointerdown', tell);
  const order = bytes.map((_, index) => index).filter((index) => bytes[index] > 0)
      .sort((a, b) => bytes[b] - bytes[a]).slice(0, 8);
  const rows = order.map((index) => {
    const [i, j] = [Math.floor(index / cells), index % cells];
    return [`${groupName(state, groups[i])} → ${groupName(state, groups[j])}`, bytesText(bytes[index]),
      joined.has(`${i} ${j}`) ? 'circuit' : 'none'];
  });
  return element('div', {class: 'side'}, element('div', {}, canvas, detail),
      plainTable(`Busiest pairs of tenant ${tenant.tenant}`,
          [{title: 'From, to'}, {title: 'Demand', number: true}, {title: 'Circuit'}], rows));
}

function tenantTable(state) {
  return plainTable('Tenants',
      [{title: 'Tenant'}, {title: 'Servers', number: true}, {title: 'Step'}, {title: 'Phase', number: true},
        {title: 'By circuit', number: true}],
      state.tenants.map((one) => [`tenant ${one.tenant}`, countText(one.servers.length),
        one.leaving ? 'leaving' : one.cut.length ? `${one.step}, ${plural(one.cut.length, 'pair', 'pairs')} cut` : one.step,
        one.phase ? countText(one.phase) : '–',
        one.served_ratio === null ? '–' : `${(one.served_ratio * 100).toFixed(1)} %`]));
}

let demandDrawn = '';

function drawDemand(state) {
  const host = place('demand');
  const width = host.clientWidth || 320;
  const key = JSON.stringify([width, state.tenants, chosenTenant, state.circuits]);
  if (key === demandDrawn) return;
  demandDrawn = key;
  if (state.tenants.length === 0) {
    host.replaceChildren(element('p', {class: 'note'}, 'No tenant: all circuits that are not pinned are dark.'));
    return;
  }
  if (!state.tenants.some((one) => one.tenant === chosenTenant)) chosenTenant = state.tenants[0].tenant;
  const tenant = state.tenants.find((one) => one.tenant === chosenTenant);
  const select = element('select', {id: 'tenant', onchange: (event) => {
    chosenTenant = Number(event.target.value);
    drawDemand(page.state);
  }}, state.tenants.map((one) =>
    element('option', {value: one.tenant, selected: one.tenant === chosenTenant}, `tenant ${one.tenant}`)));
  const had = document.activeElement && document.activeElement.id === 'tenant';
  host.replaceChildren(
      tenantTable(state),
      state.tenants.length < 2 ? '' :
        element('div', {class: 'choice'}, element('label', {for: 'tenant'}, 'Demand of'), select),
      tenant.demand ? heatMap(state, tenant, width) :
        element('p', {class: 'note'}, `Tenant ${tenant.tenant} has reported no demand yet.`));
  if (had) select.focus();
}
