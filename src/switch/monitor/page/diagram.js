'use strict';
// The region as a ring: servers with their NICs around it, circuits across. What a pointer is on is
// told in words below; what it does not show to those who do not see it stands in the table.

const MOST_DOTS = 64;  // servers; with more, a server is one dot and circuits of a pair one line

/// For each port, its NIC and server: {server, nic}.
function portsOf(state) {
  const ports = new Map();
  state.servers.forEach((server, index) => {
    for (const nic of server.nics) ports.set(nic.port, {server: index, nic});
  });
  return ports;
}

function portName(state, ports, port) {
  const at = ports.get(port);
  return at ? `${state.servers[at.server].name}:${at.nic.interface}` : `port ${port}`;
}

function tenantName(tenant) {
  return tenant === 0 ? 'no tenant' : `tenant ${tenant}`;
}

function circuitWords(state, ports, circuit) {
  const how = {lit: 'lit', going: 'being taken down', coming: 'to come'}[circuit.state];
  return `${portName(state, ports, circuit.a)} to ${portName(state, ports, circuit.b)}: ` +
    `${how}${circuit.pinned ? ', pinned' : ''}, ${tenantName(circuit.tenant)}`;
}

function serverWords(server) {
  const marks = [server.failed && 'failed', server.drained && 'drained', !server.eps && 'no packet network'];
  const count = {};
  for (const nic of server.nics) {
    const kind = nic.forbidden ? 'forbidden' : nic.state;
    count[kind] = (count[kind] || 0) + 1;
  }
  const nics = ['lit', 'dark', 'suspect', 'failed', 'forbidden'].filter((kind) => count[kind])
      .map((kind) => `${count[kind]} ${kind}`);
  return [server.name, tenantName(server.tenant), ...marks.filter(Boolean), `NICs: ${nics.join(', ') || 'none'}`]
      .join('; ');
}

class Diagram {
  constructor(host, detail) {
    this.host = host;
    this.detail = detail;
    this.drawn = '';
    this.svg = null;
    this.pointed = {};
    for (const kind of ['pointermove', 'pointerdown']) {
      host.addEventListener(kind, (event) => this.point(event.target));
    }
    host.addEventListener('pointerleave', () => this.point(null));
  }

  /// Draws anew only what has changed.
  show(state) {
    const width = Math.min(this.host.clientWidth || 320, 680);
    const key = JSON.stringify([width, state.servers, state.circuits]);
    if (key === this.drawn) return;
    this.drawn = key;
    this.state = state;
    this.ports = portsOf(state);
    this.size = width;
    this.count = state.servers.length;
    this.host.replaceChildren(this.count === 0 ?
      element('p', {class: 'note'}, 'The region has no servers.') : this.ring());
    this.point(this.pointed);
  }

  ring() {
    const roomy = this.count <= 24 || (this.count <= 48 && this.size >= 600);
    this.named = roomy;
    const most = Math.max(...this.state.servers.map((server) => server.name.length));
    this.room = roomy ? Math.min(12 + most * 7, this.size * .22) : 16;
    this.radius = this.size / 2 - this.room - 12;
    const lit = this.state.circuits.filter((circuit) => circuit.state !== 'coming').length;
    this.svg = drawing('svg', {
      viewBox: `0 0 ${this.size} ${this.size}`, width: this.size, height: this.size, role: 'img',
      'aria-label': `${plural(this.count, 'server', 'servers')}, ${plural(lit, 'circuit', 'circuits')} lit; ` +
        'the table below has them'});
    const parts = this.count > MOST_DOTS ? this.bundles() : this.state.circuits.map((one, i) => this.circuit(one, i));
    this.svg.append(...parts.flat(), ...this.state.servers.map((server, i) => this.server(server, i)).flat());
    return this.svg;
  }

  at(angle, radius) {
    const middle = this.size / 2;
    return [middle + radius * Math.sin(angle), middle - radius * Math.cos(angle)].map((x) => Math.round(x * 10) / 10);
  }

  angle(server) {
    return 2 * Math.PI * server / this.count;
  }

  dot(server, index, of) {
    const span = 2 * Math.PI / this.count * .7;
    return this.angle(server) + (of < 2 ? 0 : span * (index / (of - 1) - .5));
  }

  arc(radius, from, to) {
    const wide = to - from > Math.PI ? 1 : 0;
    return `M${this.at(from, radius)}A${radius} ${radius} 0 ${wide} 1 ${this.at(to, radius)}`;
  }

  /// Bent towards the middle.
  curve(from, to) {
    const middle = this.size / 2;
    const bend = [0, 1].map((i) => Math.round(middle + ((from[i] + to[i]) / 2 - middle) * .25));
    return {path: `M${from}Q${bend} ${to}`, top: [0, 1].map((i) => (from[i] + 2 * bend[i] + to[i]) / 4)};
  }

  end(port) {
    const {server, nic} = this.ports.get(port);
    const nics = this.state.servers[server].nics;
    return this.at(this.dot(server, nics.indexOf(nic), nics.length), this.radius - 8);
  }

  circuit(circuit, index) {
    if (!this.ports.has(circuit.a) || !this.ports.has(circuit.b)) return [];
    const {path, top: [x, y]} = this.curve(this.end(circuit.a), this.end(circuit.b));
    const parts = [drawing('path', {
      d: path, class: `circuit ${toneClass(circuit.tenant)} ${circuit.state}${circuit.pinned ? ' pinned' : ''}`,
      fill: 'none', 'data-a': circuit.a, 'data-b': circuit.b,
      'data-servers': `${this.ports.get(circuit.a).server} ${this.ports.get(circuit.b).server}`})];
    if (circuit.pinned) parts.push(drawing('path', {class: 'pin', d: `M${x} ${y - 5}l5 5l-5 5l-5-5z`}));
    parts.push(drawing('path', {d: path, class: 'touch', 'data-circuit': index}));
    return parts;
  }

  /// Of a large region: one line for each pair of servers, as wide as it has circuits.
  bundles() {
    const pairs = new Map();
    for (const circuit of this.state.circuits) {
      if (!this.ports.has(circuit.a) || !this.ports.has(circuit.b)) continue;
      const key = `${this.ports.get(circuit.a).server} ${this.ports.get(circuit.b).server}`;
      if (!pairs.has(key)) pairs.set(key, []);
      pairs.get(key).push(circuit);
    }
    return [...pairs].map(([key, circuits]) => {
      const [a, b] = key.split(' ').map(Number);
      const {path} = this.curve(this.at(this.angle(a), this.radius - 8), this.at(this.angle(b), this.radius - 8));
      return drawing('path', {d: path, class: `circuit ${toneClass(circuits[0].tenant)} ${circuits[0].state}`,
        'stroke-width': Math.min(1 + circuits.length, 6), 'data-servers': key, 'data-count': circuits.length});
    });
  }

  nic(nic, angle) {
    const [x, y] = this.at(angle, this.radius - 8);
    const r = this.count > 32 || this.size < 480 ? 2 : 3.5;
    if (nic.forbidden) return drawing('circle', {cx: x, cy: y, r: r * .7, class: 'nic forbidden'});
    if (nic.state === 'failed') {
      return drawing('path', {d: `M${x - r} ${y - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`, class: 'nic failed'});
    }
    if (nic.state === 'suspect') {
      return drawing('path', {d: `M${x} ${y - r - 1}l${r + 1} ${2 * r}h${-2 * r - 2}z`, class: 'nic suspect'});
    }
    const tenant = this.state.servers[this.ports.get(nic.port).server].tenant;
    return drawing('circle', {cx: x, cy: y, r, class: `nic ${nic.state === 'lit' ? toneClass(tenant) : 'dark'}`});
  }

  server(server, index) {
    const middle = this.angle(index);
    const half = Math.min(Math.PI / this.count * .82, Math.PI * .45);
    const marks = [server.failed && 'failed', server.drained && 'drained'].filter(Boolean);
    const parts = [drawing('path', {
      d: this.arc(this.radius, middle - half, middle + half), fill: 'none', 'data-name': server.name,
      class: ['server', server.tenant === 0 ? 'pool' : toneClass(server.tenant), ...marks].join(' ')})];
    if (this.count <= MOST_DOTS) {
      server.nics.forEach((nic, i) => parts.push(this.nic(nic, this.dot(index, i, server.nics.length))));
    }
    if (this.named) parts.push(this.label(server, middle, marks));
    const [far, near] = [this.radius + this.room, this.radius - 14];
    const step = Math.min(Math.PI / this.count, Math.PI * .49);
    parts.push(drawing('path', {class: 'wedge', 'data-server': index,
      d: `${this.arc(far, middle - step, middle + step)}L${this.at(middle + step, near)}L${this.at(middle - step, near)}z`}));
    return parts;
  }

  /// Upright where there is room for that, else along the radius.
  label(server, angle, marks) {
    const [x, y] = this.at(angle, this.radius + 9);
    const letters = Math.floor(this.room / 7);
    const name = server.name.length > letters ? `${server.name.slice(0, letters - 1)}…` : server.name;
    const attributes = {x, y, class: marks.length ? undefined : 'soft', 'dominant-baseline': 'middle'};
    if (this.count <= 12) {
      const [side, height] = [Math.sin(angle), Math.cos(angle)];
      attributes['text-anchor'] = Math.abs(side) < .3 ? 'middle' : side > 0 ? 'start' : 'end';
      attributes.y = y - height * 6;
    } else {
      const degrees = angle * 180 / Math.PI;
      attributes['text-anchor'] = degrees > 180 ? 'end' : 'start';
      attributes.transform = `rotate(${degrees - (degrees > 180 ? 270 : 90)} ${x} ${y})`;
    }
    return drawing('text', attributes, name,
        marks.length ? drawing('title', {}, marks.join(', ')) : null);
  }

  /// `target`: an element of ours, or what data an element had that was drawn before.
  point(target) {
    if (!this.svg) return;
    const data = this.pointed = target && target.dataset ? {...target.dataset} : target || {};
    const server = Number(data.server) < this.count ? data.server : undefined;
    for (const path of this.svg.querySelectorAll('.circuit')) {
      path.classList.toggle('quiet', server !== undefined && !path.dataset.servers.split(' ').includes(server));
    }
    if (server !== undefined) {
      this.detail.textContent = serverWords(this.state.servers[server]);
    } else if (this.state.circuits[data.circuit]) {
      this.detail.textContent = circuitWords(this.state, this.ports, this.state.circuits[data.circuit]);
    } else if (data.count !== undefined && this.count > MOST_DOTS) {
      const [a, b] = data.servers.split(' ').map((i) => this.state.servers[i].name);
      this.detail.textContent = `${a} to ${b}: ${plural(Number(data.count), 'circuit', 'circuits')}`;
    } else {
      this.detail.textContent = this.count ? 'Point at a server or a circuit, or tap it.' : '';
    }
  }
}

function swatch(...parts) {
  return drawing('svg', {width: 22, height: 12, viewBox: '0 0 22 12', 'aria-hidden': true}, parts);
}

function drawLegend(state) {
  const line = (classes) => drawing('path', {d: 'M1 6H21', fill: 'none', class: `circuit ${classes}`});
  const items = state.tenants.map(({tenant, servers, leaving}) =>
    [line(toneClass(tenant)), `tenant ${tenant}, ${plural(servers.length, 'server', 'servers')}${leaving ? ', leaving' : ''}`]);
  const nics = state.servers.flatMap((server) => server.nics);
  const seen = (kind) => nics.some((nic) => nic.state === kind);
  const shown = (kind) => state.circuits.some((circuit) => circuit.state === kind);
  if (shown('going')) items.push([line('tone-none going'), 'being taken down']);
  if (shown('coming')) items.push([line('tone-none coming'), 'to come, dark']);
  if (state.circuits.some((circuit) => circuit.pinned)) {
    items.push([drawing('path', {class: 'pin', d: 'M11 1l5 5l-5 5l-5-5z'}), 'pinned']);
  }
  if (seen('dark')) items.push([drawing('circle', {class: 'nic dark', cx: 11, cy: 6, r: 4}), 'dark NIC']);
  if (seen('suspect')) items.push([drawing('path', {class: 'nic suspect', d: 'M11 1l5 9h-10z'}), 'suspect NIC: does not obey']);
  if (seen('failed')) items.push([drawing('path', {class: 'nic failed', d: 'M7 2l8 8m0-8l-8 8'}), 'failed NIC']);
  if (state.servers.some((server) => server.drained)) {
    items.push([drawing('path', {class: 'server pool drained', d: 'M1 6H21'}), 'drained server']);
  }
  if (state.servers.some((server) => server.failed)) {
    items.push([drawing('path', {class: 'server failed', d: 'M1 6H21'}), 'failed server']);
  }
  place('legend').replaceChildren(...items.map(([mark, text]) => element('li', {}, swatch(mark), text)));
}

/// The diagram in words. Made when it is opened, and while it is open.
function drawCircuitTable(state) {
  const host = place('circuit-table');
  if (!host.firstChild) {
    const more = element('details', {ontoggle: () => drawCircuitTable(host.state)},
        element('summary', {}, 'Servers and circuits as tables'), element('div', {}));
    host.append(more);
  }
  host.state = state;
  const details = host.firstChild;
  if (!details.open) return;
  const ports = portsOf(state);
  const servers = state.servers.map((server) =>
    [server.name, ...serverWords(server).split('; ').slice(1).reduce(([tenant, marks, nics], word, i) =>
      i === 0 ? [word, marks, nics] : word.startsWith('NICs') ? [tenant, marks, word.slice(6)] :
        [tenant, marks ? `${marks}, ${word}` : word, nics], ['', '', ''])]);
  details.lastChild.replaceChildren(
      plainTable('Servers', [{title: 'Server'}, {title: 'Tenant'}, {title: 'State'}, {title: 'NICs'}], servers),
      plainTable('Circuits', [{title: 'Circuit'}], state.circuits.map((one) => [circuitWords(state, ports, one)])));
}
